import type { QueryFacts } from './facts.js';
import type { NameParts } from './names.js';

/**
 * How the values a statement moves are traced: by queries whose outputs they would be. Each stands for a part of the
 * statement; its text is made of pieces that the query parser has read whole, so that no piece can reach over its end.
 */
export interface FlowPlan {
  readonly parts: readonly FlowPart[];
  /** Only when this shows columns at all something moves: constants alone are no flow. */
  readonly onlyWithColumns: boolean;
}

export type OutputNames = readonly (string | undefined)[];

/** Tokens [from, to) of the statement. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

/** A query as it stands in the statement. */
export interface QueryPiece {
  readonly text: string;
  readonly place: Place;
}

export interface FlowPart {
  readonly query: string;
  /** What the outputs are: values that move, or values that only decide which rows do. */
  readonly role: 'moves' | 'decides';
  /** Names the outputs get where they go, one undefined where the statement does not tell; undefined keeps their own. */
  readonly names: OutputNames | undefined;
  /**
   * A query over the table that is changed, where the part names it once as its first source: its rows are not read for anybody,
   * and what a column of it holds already moves nowhere when it is assigned to that column.
   */
  readonly target: string | undefined;
  /** Where the query stands in the statement as it is; undefined where it is put together. */
  readonly place: Place | undefined;
  /** The object beside which the query's names are looked up; undefined: where those of the session are. */
  readonly beside: NameParts | undefined;
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

export function movesRowsOf(query: QueryPiece | string, names?: OutputNames, beside?: NameParts): Flow {
  return { kind: 'moved', plan: { parts: [queryPart(query, names, beside)], onlyWithColumns: false } };
}

export function movesParts(parts: readonly FlowPart[], onlyWithColumns = false): Flow {
  return { kind: 'moved', plan: { parts, onlyWithColumns } };
}

export function defines(query: QueryPiece | string, names?: OutputNames, beside?: NameParts): Flow {
  return { kind: 'defined', plan: { parts: [queryPart(query, names, beside)], onlyWithColumns: false } };
}

/** All that a query gives moves. */
export function queryPart(query: QueryPiece | string, names?: OutputNames, beside?: NameParts): FlowPart {
  const piece = typeof query === 'string' ? { text: query, place: undefined } : query;
  return { query: piece.text, role: 'moves', names, target: undefined, place: piece.place, beside };
}

export function movingPart(query: string, names?: OutputNames, target?: string): FlowPart {
  return { ...queryPart(query, names), target };
}

export function decidingPart(query: string, target?: string): FlowPart {
  return { ...queryPart(query), role: 'decides', target };
}

/** Do the facts name any column or table? */
export function showsColumns(facts: QueryFacts): boolean {
  return facts.predicate.length > 0 || facts.outputs.some((output) => output.sources.length > 0);
}
