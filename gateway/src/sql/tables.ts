import { type WrittenText, writeText } from './canonical.js';
import { type Column, type ColumnTable, NO_COLUMNS, type Relation } from './columns.js';
import type { Catalog, CatalogObject, MaskableQuery, ObjectName, SourceSite } from './facts.js';
import {
  type CurrentSchema,
  distinctNames,
  type NameParts,
  objectKey,
  qualify,
  quoteIdentifier,
  quoteObjectName,
} from './names.js';
import type { ParsedQuery } from './parse-query.js';
import type { FunctionUse } from './parser-state.js';
import { Refusal, type Span } from './refusal.js';
import { resolveQuery } from './resolve.js';
import type { ResolveContext, WorkedColumns } from './resolving.js';
import type { TableSource } from './syntax.js';
import { parseView } from './views.js';

/** Views inside views. */
const MAX_VIEW_DEPTH = 16;
/** Views opened in one analysis. */
const MAX_VIEWS = 500;

interface FoundTable {
  readonly name: ObjectName;
  readonly object: CatalogObject;
}

/** The tables and views of one query, and of everything behind them. */
export interface Tables {
  /** Tables and views read, in order of appearance. */
  readonly reads: readonly ObjectName[];
  readonly relationOf: ResolveContext['relationOf'];
  /** The query written down with full names, and where its tables stand. Asked for when the query has been resolved. */
  maskable(query: ParsedQuery): MaskableQuery;
  /** Texts of the views behind the query, by `objectKey`, with full names. */
  readonly viewTexts: ReadonlyMap<string, string>;
}

/**
 * Looks up every table of a query and of the views behind it. Throws `Refusal` of kind `unknown-object` with all objects
 * that have to be loaded at once, or naming one that does not exist.
 */
export function loadTables(
  query: ParsedQuery,
  current: CurrentSchema,
  catalog: Catalog,
  columns: ColumnTable,
  worked: WorkedColumns,
): Tables {
  const loader = new Loader(catalog, columns, worked);
  loader.load(query, current);
  return loader;
}

/** A query whose names are looked up: the statement's, or that of a view. */
interface Level {
  readonly query: ParsedQuery;
  readonly current: CurrentSchema;
  readonly isStatement: boolean;
}

/**
 * What a name may mean, first things first. The search path of a session is its current schema, then PUBLIC (Snowflake:
 * SEARCH_PATH); names in a view are looked up beside the view.
 */
function namesOf(parts: NameParts, { current, isStatement }: Level): readonly ObjectName[] {
  const name = qualify(parts, current);
  return parts.length === 1 && isStatement ? [name, { ...name, schema: 'PUBLIC' }] : [name];
}

/** Where a name stands in the statement; a place in a view would tell the caller nothing. */
function spanIn(level: Level, { from, to }: { readonly from: number; readonly to: number }): Span | undefined {
  const { tokens } = level.query;
  return level.isStatement ? { start: tokens[from]?.start ?? 0, end: tokens[to - 1]?.end ?? 0 } : undefined;
}

class Loader implements Tables {
  readonly #catalog: Catalog;
  readonly #columns: ColumnTable;
  readonly #worked: WorkedColumns;
  readonly #found = new Map<TableSource, FoundTable>();
  readonly #views = new Map<string, ParsedQuery>();
  readonly #relations = new Map<string, Relation>();
  readonly #open = new Set<string>();
  readonly #maskable = new Map<ParsedQuery, MaskableQuery>();

  constructor(catalog: Catalog, columns: ColumnTable, worked: WorkedColumns) {
    this.#catalog = catalog;
    this.#columns = columns;
    this.#worked = worked;
  }

  get reads(): readonly ObjectName[] {
    return distinctNames([...this.#found.values()].map((found) => found.name));
  }

  /** Level by level, so that everything missing on one level is asked for together. */
  load(query: ParsedQuery, current: CurrentSchema): void {
    let level: readonly Level[] = [{ query, current, isStatement: true }];
    while (level.length > 0) {
      const missing: ObjectName[] = [];
      const next: Level[] = [];
      for (const entry of level) {
        for (const table of entry.query.tables) this.#look(table, entry, missing, next);
        for (const use of entry.query.functions) this.#nameFunction(use, entry);
      }
      if (missing.length > 0) {
        throw new Refusal('unknown-object', 'an object is not known yet', distinctNames(missing));
      }
      level = next;
    }
  }

  #look(table: TableSource, entry: Level, missing: ObjectName[], next: Level[]): void {
    const found = this.#find(table, entry);
    if (!('object' in found)) {
      missing.push(found.missing);
      return;
    }
    this.#found.set(table, found);
    writeName(table, found.name, entry.query);
    const view = this.#openView(found);
    if (view !== undefined) next.push({ query: view, current: found.name, isStatement: false });
  }

  #find(table: TableSource, entry: Level): FoundTable | { missing: ObjectName } {
    for (const name of namesOf(table.parts, entry)) {
      const here = this.#lookUp(name);
      if (here !== undefined) return here;
    }
    throw new Refusal('unknown-object', 'a table or view does not exist', [], spanIn(entry, table));
  }

  /** Only what the catalogue says to be pure may be called, and then by its full name. */
  #nameFunction(use: FunctionUse, entry: Level): void {
    const found = namesOf(use.parts, entry).find((name) => this.#catalog.isPureFunction?.(name) === true);
    if (found === undefined) {
      const name = use.parts.length === 1 ? `the function ${use.parts[0] ?? ''}` : 'a function with a qualified name';
      const detail = `${name} is not on the list of pure functions`;
      if (!entry.isStatement) throw new Refusal('unreadable-view', `in a view: ${detail}`);
      throw new Refusal('unknown-function', detail, [], spanIn(entry, use));
    }
    entry.query.edits.replace(use.from, use.to, quoteObjectName(found));
  }

  #lookUp(name: ObjectName): FoundTable | { missing: ObjectName } | undefined {
    const object = this.#catalog.find(name);
    if (object === 'absent') return undefined;
    return object === 'not-loaded' ? { missing: name } : { name, object };
  }

  /** The query of a view seen for the first time. */
  #openView({ name, object }: FoundTable): ParsedQuery | undefined {
    const key = objectKey(name);
    if (object.kind !== 'view' || this.#views.has(key)) return undefined;
    if (object.definition === undefined) throw new Refusal('unreadable-view', 'the text of a view cannot be read');
    if (this.#views.size >= MAX_VIEWS) throw new Refusal('too-large', 'the query reads too many views');
    const query = parseView(object.definition);
    this.#views.set(key, query);
    return query;
  }

  readonly relationOf = (table: TableSource): Relation & { readonly object: ObjectName } => {
    const found = this.#found.get(table);
    if (found === undefined) throw new Refusal('unknown-object', 'a table or view does not exist');
    return { ...this.#relation(found), object: found.name };
  };

  #relation(found: FoundTable): Relation {
    const key = objectKey(found.name);
    const known = this.#relations.get(key);
    if (known !== undefined) return known;
    const relation = found.object.kind === 'table' ? this.#base(found) : this.#view(found, key);
    this.#relations.set(key, relation);
    return relation;
  }

  #base({ name, object }: FoundTable): Relation {
    const columns = object.columns.map((column): Column => {
      const id = this.#columns.add(name, column);
      return { name: column.name, sources: new Set([id]), direct: id };
    });
    return { columns, predicate: NO_COLUMNS };
  }

  /** A view's column counts as itself too, so that a policy may speak of either. */
  #view({ name, object }: FoundTable, key: string): Relation {
    const query = this.#views.get(key);
    if (query === undefined) throw new Refusal('unreadable-view', 'the text of a view cannot be read');
    if (this.#open.has(key) || this.#open.size >= MAX_VIEW_DEPTH) {
      throw new Refusal('unreadable-view', 'views stand inside each other too deep');
    }
    this.#open.add(key);
    const inner = this.#resolveView(query);
    this.#open.delete(key);
    if (inner.columns.length !== object.columns.length) {
      throw new Refusal('unreadable-view', 'the text of a view does not have the columns the account reports');
    }
    const columns = inner.columns.map((column, index): Column => {
      const own = object.columns[index] ?? { name: '', type: 'unknown' };
      const sources = this.#columns.union([column.sources, new Set([this.#columns.add(name, own)])]);
      return { name: own.name, sources, direct: column.direct };
    });
    return { columns, predicate: inner.predicate };
  }

  #resolveView(query: ParsedQuery): Relation {
    try {
      const [columns, worked, relationOf] = [this.#columns, this.#worked, this.relationOf];
      const { tokens, edits } = query;
      return resolveQuery(query.query, {
        columns,
        worked,
        relationOf,
        tokens,
        edits,
        facts: undefined,
        isAimed: false,
      });
    } catch (error) {
      if (!(error instanceof Refusal) || error.kind === 'unreadable-view') throw error;
      throw new Refusal('unreadable-view', `in a view: ${error.message}`);
    }
  }

  maskable(query: ParsedQuery): MaskableQuery {
    const known = this.#maskable.get(query);
    if (known !== undefined) return known;
    const written = writeText(query.tokens, query.edits, query.first);
    const sources = query.tables.map((table) => this.#site(table, written));
    const maskable = { text: written.text, sources };
    this.#maskable.set(query, maskable);
    return maskable;
  }

  #site(table: TableSource, written: WrittenText): SourceSite {
    const found = this.#found.get(table);
    if (found === undefined) throw new Refusal('unknown-object', 'a table or view does not exist');
    const { name, object } = found;
    const query = object.kind === 'view' ? this.#views.get(objectKey(name)) : undefined;
    return {
      object: name,
      ...written.spanOf(table.from, table.end),
      columns: object.columns,
      view: query === undefined ? undefined : this.maskable(query),
      unmaskable: table.unmaskable ?? (query !== undefined && table.end > table.to ? TRAVELS : undefined),
    };
  }

  get viewTexts(): ReadonlyMap<string, string> {
    return new Map([...this.#views].map(([key, query]) => [key, this.maskable(query).text]));
  }
}

/** The tables behind a view would have to travel, each of them. */
const TRAVELS = 'time travel on a view';

function writeName(table: TableSource, name: ObjectName, { edits }: ParsedQuery): void {
  edits.replace(table.from, table.to, quoteObjectName(name));
  if (table.ownAlias) edits.insert(table.end, `AS ${quoteIdentifier(name.name)}`);
}
