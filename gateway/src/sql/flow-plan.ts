import type { QueryFacts } from './facts.js';

/**
 * How the values a statement moves are traced: by queries whose outputs they would be. Each stands for a part of the
 * statement; its text is made of pieces that the query parser has read whole, so that no piece can reach over its end.
 */
export interface FlowPlan {
  readonly parts: readonly FlowPart[];
  /** Only when this shows columns at all something moves: constants alone are no flow. */
  readonly onlyWithColumns: boolean;
}

export interface FlowPart {
  readonly query: string;
  /** What the outputs are: values that move, or values that only decide which rows do. */
  readonly role: 'moves' | 'decides';
  /** Names the outputs get where they go; undefined keeps their own. */
  readonly names: readonly string[] | undefined;
  /**
   * A query over the table that is changed, where the part names it once as its first source: its rows are not read for anybody,
   * and what a column of it holds already moves nowhere when it is assigned to that column.
   */
  readonly target: string | undefined;
}

/** What is known of a statement's flow before any name is resolved. */
export type Flow =
  | { readonly kind: 'none' }
  | { readonly kind: 'untraceable'; readonly because: string }
  | { readonly kind: 'moved' | 'defined'; readonly plan: FlowPlan };

export const NO_FLOW: Flow = { kind: 'none' };

export function untraceable(because: string): Flow {
  return { kind: 'untraceable', because };
}

export function movesRowsOf(query: string, names?: readonly string[]): Flow {
  return { kind: 'moved', plan: { parts: [movingPart(query, names)], onlyWithColumns: false } };
}

export function movesParts(parts: readonly FlowPart[], onlyWithColumns = false): Flow {
  return { kind: 'moved', plan: { parts, onlyWithColumns } };
}

export function defines(query: string, names?: readonly string[]): Flow {
  return { kind: 'defined', plan: { parts: [movingPart(query, names)], onlyWithColumns: false } };
}

export function movingPart(query: string, names?: readonly string[], target?: string): FlowPart {
  return { query, role: 'moves', names, target };
}

export function decidingPart(query: string, target?: string): FlowPart {
  return { query, role: 'decides', names: undefined, target };
}

/** Do the facts name any column or table? */
export function showsColumns(facts: QueryFacts): boolean {
  return facts.predicate.length > 0 || facts.outputs.some((output) => output.sources.length > 0);
}
