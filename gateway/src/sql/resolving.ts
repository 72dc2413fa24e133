import type { Edits } from './canonical.js';
import type { ColumnSet, ColumnTable, Relation } from './columns.js';
import type { ObjectName, SessionFacts } from './facts.js';
import type { Scope } from './name-scope.js';
import type { Cte, Expression, Query, TableSource } from './syntax.js';
import type { Token } from './tokens.js';

/** Gets the columns that expressions work on, and those that may show by it: see `QueryFacts`. */
export interface WorkedColumns {
  readonly computed: Set<number>;
  readonly revealing: Set<number>;
}

/** How a text's names are looked up, and where corrections of the text go. */
export interface ResolveContext {
  readonly columns: ColumnTable;
  readonly worked: WorkedColumns;
  /** The relation behind a table name. The tables have been found before: see `loadTables`. */
  readonly relationOf: (table: TableSource) => Relation & { readonly object: ObjectName };
  /** What earlier statements left behind; undefined in a view, which sees nothing of it. */
  readonly facts: SessionFacts | undefined;
  /** The text, and where its corrections go. */
  readonly tokens: readonly Token[];
  readonly edits: Edits;
  /** The caller wrote the text: what may fail in it can be aimed at a value. A view fails as its author wrote it. */
  readonly isAimed: boolean;
}

/** What the parts of the resolver need of each other. */
export interface Resolving {
  readonly context: ResolveContext;
  query(query: Query, outer: Scope | undefined): Relation;
  cte(cte: Cte): Relation | undefined;
  /** Everything that can influence the value, the rows of its subqueries included. */
  value(expression: Expression, scope: Scope): ColumnSet;
  union(...sets: readonly ColumnSet[]): ColumnSet;
  /** The columns are worked on; `reveals` where that may show their values. */
  note(worked: ColumnSet, reveals: boolean): void;
}
