import type { ColumnUse, Expression, Query, Star } from './syntax.js';

/** What an expression mentions, while it is read. */
export interface Mentions {
  readonly columns: ColumnUse[];
  readonly stars: Star[];
  readonly queries: Query[];
  readonly variables: string[];
  readonly windowKeys: Expression[];
  readonly windows: string[];
  /** Set at everything that is not known to work for every value. */
  canFail: boolean;
}

/** What an operand was, as far as `Expression` asks. */
export type Shape = 'column' | 'integer' | 'aggregate' | 'bracket' | 'other';

export function noMentions(): Mentions {
  return { columns: [], stars: [], queries: [], variables: [], windowKeys: [], windows: [], canFail: false };
}

/** An expression within another one. */
export function mention(expression: Expression, mentions: Mentions): void {
  mentions.columns.push(...expression.columns);
  mentions.stars.push(...expression.stars);
  mentions.queries.push(...expression.queries);
  mentions.variables.push(...expression.variables);
  mentions.windowKeys.push(...expression.windowKeys);
  mentions.windows.push(...expression.windows);
  mentions.canFail ||= expression.canFail;
}

/** A word that is a column only where there is one of its name. */
export function mentionOptional(name: string, at: number, mentions: Mentions): void {
  mentions.columns.push({ parts: [name], position: undefined, from: at, to: at + 1, isOptional: true });
}
