import type { Decision } from '../policy/index.js';
import { showColumn } from '../policy/patterns.js';
import type { Protection } from '../policy/protection.js';
import { type Analysis, type ColumnRef, readStatement } from '../sql/index.js';
import { isIdentifier } from '../sql/tokens.js';
import { queryOf } from './explain-judge.js';

/** A place in the submitted text that a refusal is about. */
export interface Place {
  /** Characters [start, end) of the text. */
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const MAX_PLACES = 10;

/** Where in the text the reasons of a refusal stand, as far as it can be told. */
export function placesOf(
  sql: string,
  analysis: Analysis,
  decision: Decision,
  guard: (column: ColumnRef) => readonly Protection[],
): readonly Place[] {
  if (decision.verdict !== 'block') return [];
  const spans = analysis.read
    ? columnSpans(sql, analysis, (column) => (isBlamed(column, decision) ? guard(column) : []))
    : unreadSpans(analysis);
  return spans.slice(0, MAX_PLACES).map(({ start, end, message }) => ({ ...placeAt(sql, start, end), message }));
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

function unreadSpans(analysis: Extract<Analysis, { read: false }>): readonly Span[] {
  const { span, detail } = analysis;
  return span === undefined ? [] : [{ ...span, message: detail }];
}

/** Is the refusal about this column? Others may be protected and masked without harm. */
function isBlamed(column: ColumnRef, { reasons }: Decision): boolean {
  const shown = showColumn(column);
  return reasons.some(({ kind, message }) => kind.startsWith('protected-column') && message.includes(shown));
}

/** Where the text names columns that a policy protects. A star names none. */
function columnSpans(
  sql: string,
  analysis: Extract<Analysis, { read: true }>,
  guard: (column: ColumnRef) => readonly Protection[],
): readonly Span[] {
  const query = queryOf(analysis);
  const reading = readStatement(sql);
  if (query === undefined || !reading.ok) return [];
  const used = [...query.outputs.flatMap((output) => output.sources), ...query.predicate, ...query.computed];
  const messages = new Map<string, string>();
  for (const column of used) {
    const [first] = guard(column);
    if (first === undefined || messages.has(column.column)) continue;
    messages.set(column.column, `${showColumn(column)}, protected by ${first.policy.name}/${first.rule.name}`);
  }
  return reading.tokens.flatMap(({ start, end, ...token }) => {
    const message = isIdentifier({ start, end, ...token }) ? messages.get(token.value) : undefined;
    return message === undefined ? [] : [{ start, end, message }];
  });
}

function placeAt(sql: string, start: number, end: number): Omit<Place, 'message'> {
  const before = sql.slice(0, start);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { start, end, line: before.split('\n').length, column: Array.from(sql.slice(lineStart, start)).length + 1 };
}

/** The line of a text in which a place begins, and the characters of it that the place covers. */
export function lineOf(sql: string, { start, end }: Place): { before: string; marked: string; after: string } {
  const from = sql.slice(0, start).lastIndexOf('\n') + 1;
  const newline = sql.indexOf('\n', start);
  const to = newline === -1 ? sql.length : newline;
  const stop = Math.min(Math.max(end, start), to);
  return { before: sql.slice(from, start), marked: sql.slice(start, stop), after: sql.slice(stop, to) };
}
