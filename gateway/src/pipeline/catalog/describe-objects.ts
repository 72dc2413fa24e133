import type { TagNeeds } from '../../policy/index.js';
import type { CatalogColumn, CatalogObject, ObjectName } from '../../sql/index.js';
import {
  columnsOf,
  columnsText,
  kindOf,
  rowsOf,
  tablesText,
  tagsText,
  viewDefinition,
  viewsText,
  withTags,
} from './information-schema.js';
import { type Asker, askSnowflake, type OwnStatementDeps, type Rows } from './own-statements.js';

/** What the account says of an object, or why its answer cannot be relied on. */
export type Description =
  | { readonly object: CatalogObject | 'absent'; readonly problem?: undefined }
  | { readonly object: 'absent'; readonly problem: string };

/** Objects asked for in one statement. */
const MAX_OBJECTS_AT_ONCE = 200;

const ABSENT: Description = { object: 'absent' };
const TAGS_UNREAD =
  'a masking policy selects columns by tag, and the tags of an object cannot be read with the role of this session';
const TWO_OBJECTS = 'two objects answer to one name (a temporary table hides another)';
const UNKNOWN_KIND = 'an object is of a kind that the gateway does not know';
const COLUMNS_UNREAD = 'the columns of an object cannot be read';

/** Asks for all objects of each database together; the answers stand in the order of the names. */
export async function describeObjects(
  deps: OwnStatementDeps,
  names: readonly ObjectName[],
  needs: TagNeeds,
  asker: Asker,
): Promise<readonly (readonly [ObjectName, Description])[]> {
  const described: (readonly [ObjectName, Description])[] = [];
  for (const inside of Map.groupBy(names, (name) => name.database).values()) {
    for (let start = 0; start < inside.length; start += MAX_OBJECTS_AT_ONCE) {
      const batch = inside.slice(start, start + MAX_OBJECTS_AT_ONCE);
      described.push(...(await describeBatch(deps, batch, needs, asker)));
    }
  }
  return described;
}

async function describeBatch(
  deps: OwnStatementDeps,
  names: readonly ObjectName[],
  needs: TagNeeds,
  asker: Asker,
): Promise<readonly (readonly [ObjectName, Description])[]> {
  const ask = (text: string): Promise<Rows | undefined> => askSnowflake(deps, text, asker);
  const tables = (await ask(tablesText(names))) ?? [];
  const present = names.filter((name) => rowsOf(tables, name).length > 0);
  const columns = present.length === 0 ? [] : ((await ask(columnsText(present))) ?? []);
  const views = present.filter((name) => kindOf(rowsOf(tables, name)[0]?.get('TABLE_TYPE')) === 'view');
  const texts = views.length === 0 ? [] : ((await ask(viewsText(views))) ?? []);
  const tags = needs === 'none' || present.length === 0 ? [] : await ask(tagsText(present, needs));
  return names.map((name) => {
    const place = present.indexOf(name);
    const answers = {
      table: rowsOf(tables, name),
      columns: rowsOf(columns, name),
      view: rowsOf(texts, name),
      tags: tags?.filter((row) => row.get('OBJECT') === String(place)),
    };
    return [name, place < 0 ? ABSENT : toDescription(answers, needs)];
  });
}

interface Answers {
  readonly table: Rows;
  readonly columns: Rows;
  readonly view: Rows;
  /** Undefined: not readable. */
  readonly tags: Rows | undefined;
}

function toDescription(answers: Answers, needs: TagNeeds): Description {
  const [row, second] = answers.table;
  if (second !== undefined) return { object: 'absent', problem: TWO_OBJECTS };
  const kind = kindOf(row?.get('TABLE_TYPE'));
  if (kind === undefined) return { object: 'absent', problem: UNKNOWN_KIND };
  const listed = columnsOf(answers.columns);
  if (listed === undefined) return { object: 'absent', problem: COLUMNS_UNREAD };
  const columns = needs === 'none' ? listed : tagged(listed, answers.tags);
  if (columns === undefined) return { object: 'absent', problem: TAGS_UNREAD };
  if (kind === 'table') return { object: { kind, columns } };
  return { object: { kind, columns, definition: viewDefinition(answers.view) } };
}

function tagged(columns: readonly CatalogColumn[], tags: Rows | undefined): readonly CatalogColumn[] | undefined {
  return tags === undefined ? undefined : withTags(columns, tags);
}
