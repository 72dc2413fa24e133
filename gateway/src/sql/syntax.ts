import type { TableFunction } from './functions.js';
import type { NameParts } from './names.js';

/** The query language as far as it is read. Positions are token indexes of the statement. */

export interface Query {
  readonly ctes: readonly Cte[];
  /** More than one arm: joined by set operations. */
  readonly arms: readonly Arm[];
  /** Some set operation between the arms compares rows (everything but UNION ALL). */
  readonly compares: boolean;
  /** The columns of the arms belong together by their names (`UNION ALL BY NAME`). */
  readonly byName: boolean;
  readonly orderBy: readonly Expression[];
}

export type Arm = Select | { readonly kind: 'nested'; readonly query: Query };

/** Parts of it are filled in while the body is read. */
export interface Cte {
  readonly name: string;
  readonly columns: readonly string[] | undefined;
  query: Query | undefined;
  /** Which part of the body is being read: the name means the rows so far only behind a UNION ALL. */
  phase: 'anchor' | 'step' | 'closed';
  /** WITH RECURSIVE. */
  readonly declaredRecursive: boolean;
  /** The body reads the rows so far. */
  isRecursive: boolean;
  /** The first arm reads a table of the same name. */
  hidesTable: boolean;
}

export interface Select {
  readonly kind: 'select';
  readonly distinct: boolean;
  readonly items: readonly SelectItem[];
  readonly from: readonly JoinChain[];
  /** WHERE, HAVING and QUALIFY. */
  readonly filters: readonly Expression[];
  /** START WITH and CONNECT BY; undefined where there is none. */
  readonly hierarchy: readonly Expression[] | undefined;
  /** `all`: GROUP BY ALL. */
  readonly groupBy: readonly Expression[] | 'all';
  /** What the named windows partition and sort by. */
  readonly windows: ReadonlyMap<string, readonly Expression[]>;
}

export type SelectItem = StarItem | ExpressionItem;

export interface ExpressionItem {
  readonly kind: 'expression';
  readonly expression: Expression;
  readonly alias: string | undefined;
}

export interface StarItem {
  readonly kind: 'star';
  readonly star: Star;
  /** `ILIKE 'pattern'`: only columns whose names match. */
  readonly pattern: string | undefined;
  readonly exclude: readonly string[];
  readonly replace: ReadonlyMap<string, Expression>;
  readonly rename: ReadonlyMap<string, string>;
}

/** `*` or `t.*`; `qualifier` empty for the bare star. */
export interface Star {
  readonly qualifier: NameParts;
  readonly from: number;
  readonly to: number;
}

/** One entry of FROM: a source and what is joined to it, left to right. */
export interface JoinChain {
  readonly first: Source;
  readonly joins: readonly Join[];
}

export interface Join {
  readonly source: Source;
  readonly on: readonly Expression[];
  readonly using: readonly string[];
  readonly natural: boolean;
}

export type Source =
  | TableSource
  | DerivedSource
  | ValuesSource
  | FunctionSource
  | ResultSource
  | PivotSource
  | UnpivotSource
  | MatchSource
  | { readonly kind: 'joined'; readonly chain: JoinChain };

export interface Alias {
  readonly name: string;
  readonly columns: readonly string[] | undefined;
}

export interface TableSource {
  readonly kind: 'table';
  readonly parts: NameParts;
  /** The name. */
  readonly from: number;
  readonly to: number;
  /** One past what must stay with the name: AT, BEFORE, CHANGES. */
  readonly end: number;
  /** Present where the name is that of a common table expression in scope. */
  readonly cte: Cte | undefined;
  readonly alias: Alias | undefined;
  /** The canonical text gives the table its own name as alias. */
  readonly ownAlias: boolean;
  /** CHANGES: the columns that come to those of the table are not known. */
  readonly hasMoreColumns: boolean;
  /** Why no query in brackets can stand in its place; filled in when all of its clauses have been read. */
  unmaskable: string | undefined;
}

export interface DerivedSource {
  readonly kind: 'derived';
  readonly query: Query;
  /** It sees the sources before it. */
  readonly lateral: boolean;
  readonly alias: Alias | undefined;
}

export interface ValuesSource {
  readonly kind: 'values';
  readonly rows: readonly (readonly Expression[])[];
  readonly alias: Alias | undefined;
}

/** A table function, which sees the sources before it. */
export interface FunctionSource {
  readonly kind: 'function';
  readonly function: TableFunction;
  readonly arguments: readonly Expression[];
  readonly alias: Alias | undefined;
}

/** `TABLE(RESULT_SCAN(…))` */
export interface ResultSource {
  readonly kind: 'result';
  /** Undefined for the last one. */
  readonly queryId: string | undefined;
  /** The argument of RESULT_SCAN. */
  readonly from: number;
  readonly to: number;
  readonly alias: Alias | undefined;
}

/** `source PIVOT (aggregates FOR key IN (values))` */
export interface PivotSource {
  readonly kind: 'pivot';
  readonly source: Source;
  /** The columns that are aggregated, one for each aggregate. */
  readonly values: readonly string[];
  readonly key: string;
  /** Names of the new columns; undefined where Snowflake derives them. */
  readonly columns: readonly (string | undefined)[];
  /** What stands in DEFAULT ON NULL. */
  readonly defaults: readonly Expression[];
  readonly alias: Alias | undefined;
}

/** `source UNPIVOT (value FOR key IN (columns))` */
export interface UnpivotSource {
  readonly kind: 'unpivot';
  readonly source: Source;
  readonly value: string;
  readonly key: string;
  readonly columns: readonly string[];
  readonly alias: Alias | undefined;
}

/** `source MATCH_RECOGNIZE (…)` */
export interface MatchSource {
  readonly kind: 'match';
  readonly source: Source;
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly Expression[];
  readonly measures: readonly { readonly name: string; readonly expression: Expression }[];
  readonly allRows: boolean;
  readonly symbols: readonly string[];
  readonly defines: readonly Expression[];
  readonly alias: Alias | undefined;
}

/** A name in the position of a column. */
export interface ColumnUse {
  readonly parts: NameParts;
  /** `$n`: the n-th column of the source that `parts` names, or of the only one. */
  readonly position: number | undefined;
  readonly from: number;
  readonly to: number;
  /** It may be something else (a date part, a parameter of a lambda): then it need not be a column. */
  readonly isOptional: boolean;
}

/**
 * An expression is kept as what it mentions: which operators connect the mentions makes no difference to what can
 * influence its value.
 */
export interface Expression {
  readonly columns: readonly ColumnUse[];
  readonly stars: readonly Star[];
  readonly queries: readonly Query[];
  /** Session variables, upper case. */
  readonly variables: readonly string[];
  /** The expression is exactly this one column. */
  readonly exact: ColumnUse | undefined;
  /**
   * The expression is exactly this whole number: a position in GROUP BY and ORDER BY. `unclear` where it mentions nothing and
   * might be taken for a position all the same: a number in brackets, a calculation, a placeholder.
   */
  readonly ordinal: number | 'unclear' | undefined;
  /** The expression is something in brackets and nothing else: the name of such an output is not certain. */
  readonly isBracketed: boolean;
  /** The expression is exactly one call of an aggregate function without OVER. */
  readonly isAggregate: boolean;
  /** What windows in it partition and sort by; among the mentions as well. */
  readonly windowKeys: readonly Expression[];
  /** Windows of the WINDOW clause that it uses. */
  readonly windows: readonly string[];
  /** Some value may make it fail: a conversion, also an implied one, a calculation, a subquery with more than one row. */
  readonly canFail: boolean;
}
