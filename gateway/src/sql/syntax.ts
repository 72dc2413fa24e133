import type { NameParts } from './names.js';

/** The query language as far as it is read. Positions are token indexes of the statement. */

export interface Query {
  readonly ctes: readonly Cte[];
  /** More than one arm: joined by set operations. */
  readonly arms: readonly Arm[];
  /** Some set operation between the arms compares rows (everything but UNION ALL). */
  readonly compares: boolean;
  readonly orderBy: readonly Expression[];
}

export type Arm = Select | { readonly kind: 'nested'; readonly query: Query };

/** `query` is filled in when the body has been read: until then a reference to the name is recursion. */
export interface Cte {
  readonly name: string;
  readonly columns: readonly string[] | undefined;
  query: Query | undefined;
}

export interface Select {
  readonly kind: 'select';
  readonly distinct: boolean;
  readonly items: readonly SelectItem[];
  readonly from: readonly JoinChain[];
  /** WHERE, HAVING and QUALIFY. */
  readonly filters: readonly Expression[];
  /** `all`: GROUP BY ALL. */
  readonly groupBy: readonly Expression[] | 'all';
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
  /** One past what must stay with the name: AT, BEFORE. */
  readonly end: number;
  /** Present where the name is that of a common table expression in scope. */
  readonly cte: Cte | undefined;
  readonly alias: Alias | undefined;
  /** The canonical text gives the table its own name as alias. */
  readonly ownAlias: boolean;
  /** Why no query in brackets can stand in its place. */
  readonly unmaskable?: string;
}

export interface DerivedSource {
  readonly kind: 'derived';
  readonly query: Query;
  readonly alias: Alias | undefined;
}

export interface ValuesSource {
  readonly kind: 'values';
  readonly rows: readonly (readonly Expression[])[];
  readonly alias: Alias | undefined;
}

/** A name in the position of a column. */
export interface ColumnUse {
  readonly parts: NameParts;
  readonly from: number;
  readonly to: number;
  /** It may also be a date part (`DATEADD(day, …)`): then it need not be a column. */
  readonly maybeDatePart: boolean;
}

/**
 * An expression is kept as what it mentions: which operators connect the mentions makes no difference to what can
 * influence its value.
 */
export interface Expression {
  readonly columns: readonly ColumnUse[];
  readonly stars: readonly Star[];
  readonly queries: readonly Query[];
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
  /** Some value may make it fail: a conversion, also an implied one, a calculation, a subquery with more than one row. */
  readonly canFail: boolean;
}
