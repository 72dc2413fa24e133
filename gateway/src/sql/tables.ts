import { type Column, type ColumnTable, NO_COLUMNS, type Relation } from './columns.js';
import type { Catalog, CatalogObject, ObjectName } from './facts.js';
import { type CurrentSchema, distinctNames, objectKey, qualify } from './names.js';
import type { ParsedQuery } from './parse-query.js';
import { Refusal } from './refusal.js';
import { type ResolveContext, resolveQuery, type WorkedColumns } from './resolve.js';
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

class Loader implements Tables {
  readonly #catalog: Catalog;
  readonly #columns: ColumnTable;
  readonly #worked: WorkedColumns;
  readonly #found = new Map<TableSource, FoundTable>();
  readonly #views = new Map<string, ParsedQuery>();
  readonly #relations = new Map<string, Relation>();
  readonly #open = new Set<string>();

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
    let level = [{ query, current, searchesPublic: true }];
    while (level.length > 0) {
      const missing: ObjectName[] = [];
      const next: typeof level = [];
      for (const entry of level) {
        for (const table of entry.query.tables) this.#look(table, entry, missing, next);
      }
      if (missing.length > 0) {
        throw new Refusal('unknown-object', 'an object is not known yet', distinctNames(missing));
      }
      level = next;
    }
  }

  #look(
    table: TableSource,
    from: { readonly current: CurrentSchema; readonly searchesPublic: boolean },
    missing: ObjectName[],
    next: { query: ParsedQuery; current: CurrentSchema; searchesPublic: boolean }[],
  ): void {
    const found = this.#find(table, from.current, from.searchesPublic);
    if (!('object' in found)) {
      missing.push(found.missing);
      return;
    }
    this.#found.set(table, found);
    const view = this.#openView(found);
    // Names in a view are looked up beside the view, not along the session's search path.
    if (view !== undefined) next.push({ query: view, current: found.name, searchesPublic: false });
  }

  /** The search path of a session is its current schema, then PUBLIC (Snowflake: SEARCH_PATH). */
  #find(table: TableSource, current: CurrentSchema, searchesPublic: boolean): FoundTable | { missing: ObjectName } {
    const name = qualify(table.parts, current);
    const here = this.#lookUp(name);
    if (here !== undefined) return here;
    const isBare = table.parts.length === 1;
    const fallback = isBare && searchesPublic ? this.#lookUp({ ...name, schema: 'PUBLIC' }) : undefined;
    if (fallback !== undefined) return fallback;
    throw new Refusal('unknown-object', 'a table or view does not exist');
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
      const id = this.#columns.add(name, column.name, column.type);
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
      const own = object.columns[index]?.name ?? '';
      const sources = this.#columns.union([column.sources, new Set([this.#columns.add(name, own)])]);
      return { name: own, sources, direct: column.direct };
    });
    return { columns, predicate: inner.predicate };
  }

  #resolveView(query: ParsedQuery): Relation {
    try {
      const [columns, worked, relationOf] = [this.#columns, this.#worked, this.relationOf];
      return resolveQuery(query.query, { columns, worked, relationOf, rewrite: undefined });
    } catch (error) {
      if (!(error instanceof Refusal) || error.kind === 'unreadable-view') throw error;
      throw new Refusal('unreadable-view', `in a view: ${error.message}`);
    }
  }
}
