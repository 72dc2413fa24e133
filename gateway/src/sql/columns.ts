import type { CatalogColumn, ColumnRef, ObjectName } from './facts.js';
import { objectKey } from './names.js';
import { Refusal } from './refusal.js';

/** Numbers given by a `ColumnTable`. */
export type ColumnSet = ReadonlySet<number>;

export const NO_COLUMNS: ColumnSet = new Set();

/** Columns and set members copied in one analysis. Ordinary statements stay below a thousandth of it. */
const MAX_COPIES = 3_000_000;

/** Numbers the columns of one analysis and bounds the work of moving them about. */
export class ColumnTable {
  readonly #refs: ColumnRef[] = [];
  /** By object, then by name. */
  readonly #ids = new Map<string, Map<string, number>>();
  #last: { readonly object: ObjectName; readonly ids: Map<string, number> } | undefined;
  #copied = 0;

  add(object: ObjectName, column: CatalogColumn): number {
    const ids = this.#idsOf(object);
    const known = ids.get(column.name);
    if (known !== undefined) return known;
    this.#refs.push({ object, column: column.name, traits: column });
    ids.set(column.name, this.#refs.length - 1);
    return this.#refs.length - 1;
  }

  /** Columns of one object come one after the other. */
  #idsOf(object: ObjectName): Map<string, number> {
    if (this.#last?.object === object) return this.#last.ids;
    const key = objectKey(object);
    const ids = this.#ids.get(key) ?? new Map<string, number>();
    this.#ids.set(key, ids);
    this.#last = { object, ids };
    return ids;
  }

  refs(columns: ColumnSet): readonly ColumnRef[] {
    return [...columns].sort((one, other) => one - other).flatMap((id) => this.#refs[id] ?? []);
  }

  ref(id: number | undefined): ColumnRef | undefined {
    return id === undefined ? undefined : this.#refs[id];
  }

  /** Are all of them known columns of one type? */
  haveOneType(ids: readonly (number | undefined)[]): boolean {
    const types = new Set(ids.map((id) => this.ref(id)?.traits?.type));
    return types.size === 1 && !types.has(undefined) && !types.has('unknown');
  }

  /** Counts work against the bound; throws `Refusal` beyond it. */
  spend(copies: number): void {
    this.#copied += copies;
    if (this.#copied > MAX_COPIES) throw new Refusal('too-large', 'too many columns flow through the query');
  }

  union(sets: Iterable<ColumnSet>): ColumnSet {
    const filled = [...sets].filter((set) => set.size > 0);
    if (filled.length < 2) return filled[0] ?? NO_COLUMNS;
    const all = new Set<number>();
    for (const set of filled) {
      this.spend(set.size);
      for (const id of set) all.add(id);
    }
    return all;
  }
}

/** A column a query or source offers. */
export interface Column {
  /** Undefined where Snowflake derives the name from the expression's text: a quoted name may still refer to it. */
  readonly name: string | undefined;
  /** Present where the derived name may be that of an ordinary column. */
  readonly anyName?: true;
  /** What can influence the value. */
  readonly sources: ColumnSet;
  /** The base column it is an unchanged copy of. */
  readonly direct: number | undefined;
}

/** What a query gives to whoever reads it. */
export interface Relation {
  readonly columns: readonly Column[];
  /** What influences which rows there are, and their order. */
  readonly predicate: ColumnSet;
}
