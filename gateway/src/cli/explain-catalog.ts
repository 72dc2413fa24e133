import { columnKey } from '../policy/index.js';
import type {
  Catalog,
  CatalogColumn,
  CatalogObject,
  ColumnRef,
  ColumnTag,
  ObjectName,
  SessionContext,
} from '../sql/index.js';
import { InputError } from './io.js';

/** The objects of an account as a file describes them, instead of the account itself. */
export interface CatalogFile {
  readonly current: { readonly database: string | undefined; readonly schema: string | undefined };
  /** By `nameKey`. */
  readonly objects: ReadonlyMap<string, CatalogObject>;
  /** Is this a column the file itself calls protected? */
  readonly isProtected: (column: ColumnRef) => boolean;
  /** Functions of the account that the file calls pure, by `nameKey`. */
  readonly pureFunctions: ReadonlySet<string>;
}

/** One string per name, in which no name can be mistaken for another. */
export function nameKey(name: ObjectName): string {
  return JSON.stringify([name.database, name.schema, name.name]);
}

/** `DB.SCHEMA.NAME` as catalog files write it: parts as stored; a part that holds a dot or begins with a quote is quoted. */
export function writeName(name: ObjectName): string {
  return [name.database, name.schema, name.name]
    .map((part) => (/^"|\./.test(part) ? `"${part.replaceAll('"', '""')}"` : part))
    .join('.');
}

/** The parts of a dotted name as catalog files write it. Undefined when it is none. */
export function readParts(text: string): readonly string[] | undefined {
  const part = /(?:"((?:[^"]|"")+)"|([^".][^.]*))(\.|$)/y;
  const parts: string[] = [];
  for (;;) {
    const match = part.exec(text);
    if (match === null) return undefined;
    parts.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return parts;
  }
}

/** Reads a description: `{current?, tables?, views?}`, or an object that has it under `catalog`. Throws `InputError`. */
export function readCatalog(value: unknown, source: string): CatalogFile {
  const outer = asObject(value, source, 'the description');
  const root = 'catalog' in outer ? asObject(outer['catalog'], source, 'catalog') : outer;
  if (!('tables' in root) && !('views' in root)) {
    throw new InputError(`${source}: there is neither tables nor views in it; see docs/explain.md for the shape`);
  }
  const objects = new Map<string, CatalogObject>();
  const protectedColumns = new Set<string>();
  const reader: Reader = { source, objects, protectedColumns };
  for (const kind of ['tables', 'views'] as const) {
    for (const [name, described] of Object.entries(asObject(root[kind] ?? {}, source, kind))) {
      readObject(reader, kind, name, described);
    }
  }
  const current = asObject(root['current'] ?? {}, source, 'current');
  return {
    current: {
      database: optionalText(current['database'], source, 'current.database'),
      schema: optionalText(current['schema'], source, 'current.schema'),
    },
    objects,
    isProtected: (column) => protectedColumns.has(columnKey(column)),
    pureFunctions: new Set(
      asList(root['pureFunctions'] ?? [], source, 'pureFunctions').map((name) =>
        nameKey(objectNamed(asText(name, source, 'pureFunctions'), source)),
      ),
    ),
  };
}

interface Reader {
  readonly source: string;
  readonly objects: Map<string, CatalogObject>;
  readonly protectedColumns: Set<string>;
}

function readObject(reader: Reader, kind: 'tables' | 'views', name: string, described: unknown): void {
  const { source, objects, protectedColumns } = reader;
  const at = `${kind}.${name}`;
  const [database, schema, object, ...rest] = readParts(name) ?? [];
  if (database === undefined || schema === undefined || object === undefined || rest.length > 0) {
    throw new InputError(`${source}: ${at}: this is not DB.SCHEMA.NAME (quote a part that holds a dot)`);
  }
  const objectName = { database, schema, name: object };
  if (objects.has(nameKey(objectName))) throw new InputError(`${source}: ${at}: the object stands here twice`);
  const fields = asObject(described, source, at);
  const columns = asList(fields['columns'], source, `${at}.columns`).map((column, index) =>
    readColumn(column, source, `${at}.columns[${index}]`),
  );
  const names = columns.map((column) => column.name);
  if (new Set(names).size < names.length) throw new InputError(`${source}: ${at}: a column stands here twice`);
  for (const [index, entry] of asList(fields['protected'] ?? [], source, `${at}.protected`).entries()) {
    const column = asText(entry, source, `${at}.protected[${index}]`);
    // A slip of the pen must not leave the column that was meant without protection.
    if (!names.includes(column)) {
      throw new InputError(`${source}: ${at}.protected[${index}]: there is no such column: ${column}`);
    }
    protectedColumns.add(columnKey({ object: objectName, column }));
  }
  objects.set(nameKey(objectName), objectOf(kind, columns, fields['definition'], `${source}: ${at}.definition`));
}

function objectOf(
  kind: 'tables' | 'views',
  columns: readonly CatalogColumn[],
  definition: unknown,
  at: string,
): CatalogObject {
  if (kind === 'tables') return { kind: 'table', columns };
  if (definition !== undefined && definition !== null && typeof definition !== 'string') {
    throw new InputError(`${at}: this is the text of a query, or null where it cannot be read`);
  }
  return { kind: 'view', columns, definition: definition ?? undefined };
}

function readColumn(value: unknown, source: string, at: string): CatalogColumn {
  if (typeof value === 'string' && value !== '') return { name: value, type: 'unknown' };
  const fields = asObject(value, source, at);
  const number = (name: string): Readonly<Record<string, number>> => {
    const amount = fields[name];
    if (amount === undefined) return {};
    if (!Number.isSafeInteger(amount)) throw new InputError(`${source}: ${at}.${name}: this is not a whole number`);
    return { [name]: Number(amount) };
  };
  const category = optionalText(fields['category'], source, `${at}.category`);
  return {
    name: asText(fields['name'], source, `${at}.name`),
    type: (optionalText(fields['type'], source, `${at}.type`) ?? 'unknown').toLowerCase(),
    ...number('precision'),
    ...number('scale'),
    ...number('length'),
    ...(fields['tags'] === undefined ? {} : { tags: readTags(fields['tags'], source, `${at}.tags`) }),
    ...(category === undefined ? {} : { category: category.toUpperCase() }),
  };
}

/** `{"DB.SCHEMA.TAG": "value"}`, or a list of `{name, value}`. */
function readTags(value: unknown, source: string, at: string): readonly ColumnTag[] {
  const entries = Array.isArray(value)
    ? value.map((tag: unknown) => asObject(tag, source, at)).map((tag) => [tag['name'], tag['value']] as const)
    : Object.entries(asObject(value, source, at));
  return entries.map(([name, text]) => ({ name: asText(name, source, at), value: asText(text, source, at) }));
}

type Fields = Readonly<Record<string, unknown>>;

function asObject(value: unknown, source: string, at: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new InputError(`${source}: ${at}: this is not an object`);
}

function asList(value: unknown, source: string, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new InputError(`${source}: ${at}: this is not a list`);
}

function asText(value: unknown, source: string, at: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new InputError(`${source}: ${at}: this is not a text`);
}

function optionalText(value: unknown, source: string, at: string): string | undefined {
  return value === undefined || value === null ? undefined : asText(value, source, at);
}

// ---------------------------------------------------------------------------------------------- sessions

/** Stands for whatever protected column a session variable's value came from. */
const SOME_PROTECTED_COLUMN: ColumnRef = {
  object: { database: '', schema: '', name: 'session variable' },
  column: 'protected value',
};

/** True for a value of which only is known that it is protected. */
export function isSomeProtectedColumn(column: ColumnRef): boolean {
  return columnKey(column) === columnKey(SOME_PROTECTED_COLUMN);
}

/** What a statement meets: where its names point, and what stands there. */
export interface Surroundings {
  readonly session: SessionContext;
  readonly catalog: Catalog;
}

const SESSION_FIELDS = new Set(['database', 'schema', 'role', 'warehouse', 'vars', 'tempTables']);

/**
 * A session described as `{database?, schema?, role?, warehouse?, vars?: {V: "tainted" | "clean" | [column, …]},
 * tempTables?: [name, …]}`. A temporary table hides the permanent one under its full name, and nothing is known of what it
 * holds. A member that is not known might change what the statement means, so it is refused. Throws `InputError`.
 */
export function readSurroundings(value: unknown, file: CatalogFile, source: string): Surroundings {
  const fields = asObject(value ?? {}, source, 'session');
  const unknown = Object.keys(fields).find((name) => !SESSION_FIELDS.has(name));
  if (unknown !== undefined) throw new InputError(`${source}: session.${unknown} is not known`);
  const text = (name: string): string | undefined => optionalText(fields[name], source, `session.${name}`);
  const hidden = new Set(
    asList(fields['tempTables'] ?? [], source, 'session.tempTables').map((name) =>
      nameKey(objectNamed(asText(name, source, 'session.tempTables'), source)),
    ),
  );
  const variables = Object.entries(asObject(fields['vars'] ?? {}, source, 'session.vars')).map(
    ([name, taint]) => [name.toUpperCase(), readTaint(taint, source, `session.vars.${name}`)] as const,
  );
  return {
    session: {
      database: text('database') ?? file.current.database,
      schema: text('schema') ?? file.current.schema,
      role: text('role'),
      warehouse: text('warehouse'),
      facts: { variables: Object.fromEntries(variables), results: [] },
    },
    catalog: {
      find: (name) => (hidden.has(nameKey(name)) ? 'absent' : (file.objects.get(nameKey(name)) ?? 'absent')),
      isPureFunction: (name) => file.pureFunctions.has(nameKey(name)),
    },
  };
}

function readTaint(value: unknown, source: string, at: string): readonly ColumnRef[] {
  if (value === 'clean') return [];
  if (value === 'tainted') return [SOME_PROTECTED_COLUMN];
  return asList(value, source, at).map((name) => columnNamed(asText(name, source, at), source));
}

function objectNamed(text: string, source: string): ObjectName {
  const [database, schema, name, ...rest] = readParts(text) ?? [];
  if (database === undefined || schema === undefined || name === undefined || rest.length > 0) {
    throw new InputError(`${source}: ${text} is not DB.SCHEMA.NAME`);
  }
  return { database, schema, name };
}

/** `DB.SCHEMA.TABLE.COLUMN` as catalog files write it. Throws `InputError`. */
export function columnNamed(text: string, source: string): ColumnRef {
  const [database, schema, name, column, ...rest] = readParts(text) ?? [];
  if (database === undefined || schema === undefined || name === undefined || column === undefined || rest.length > 0) {
    throw new InputError(`${source}: ${text} is not DB.SCHEMA.TABLE.COLUMN`);
  }
  return { object: { database, schema, name }, column };
}
