import { type Mentions, mention } from './mentions.js';
import { parseExpressions, parseOrdering } from './parse-expression.js';
import type { ParserState } from './parser-state.js';
import { unknownSyntax, unsupported } from './refusal.js';
import type { Expression } from './syntax.js';
import { isSymbol, isWord } from './tokens.js';

/** What a window partitions and sorts by, and the named window it builds on. */
interface Window {
  readonly keys: readonly Expression[];
  readonly base: string | undefined;
}

/** Behind OVER: `name` or `([name] [PARTITION BY …] [ORDER BY …] [frame])`. */
export function parseOver(state: ParserState, mentions: Mentions): void {
  if (!state.seesSymbol('(')) {
    mentions.windows.push(state.name().value);
    return;
  }
  const { keys, base } = parseWindow(state);
  for (const key of keys) mention(key, mentions);
  mentions.windowKeys.push(...keys);
  if (base !== undefined) mentions.windows.push(base);
}

/** Behind WINDOW: `name AS (…), …`. A window may build on one before it. */
export function parseWindows(state: ParserState): ReadonlyMap<string, readonly Expression[]> {
  const windows = new Map<string, readonly Expression[]>();
  do {
    const name = state.name().value;
    state.expect('AS');
    const { keys, base } = parseWindow(state);
    const inherited = base === undefined ? [] : windows.get(base);
    if (windows.has(name) || inherited === undefined)
      unknownSyntax('a window is not known or there are two of one name');
    windows.set(name, [...inherited, ...keys]);
  } while (state.takeSymbol(','));
  return windows;
}

function parseWindow(state: ParserState): Window {
  state.expectSymbol('(');
  const keys: Expression[] = [];
  const begins = isSymbol(state.peek(), ')') || isWord(state.peek(), 'PARTITION', 'ORDER', 'ROWS', 'RANGE', 'GROUPS');
  const base = begins ? undefined : state.name().value;
  if (state.take('PARTITION', 'BY')) keys.push(...parseExpressions(state));
  if (state.take('ORDER', 'BY')) keys.push(...parseOrdering(state));
  if (state.takeOne('ROWS', 'RANGE') !== undefined) frame(state);
  state.expectSymbol(')');
  return { keys, base };
}

function frame(state: ParserState): void {
  const isRange = state.take('BETWEEN');
  frameBound(state);
  if (!isRange) return;
  state.expect('AND');
  frameBound(state);
}

function frameBound(state: ParserState): void {
  if (state.take('CURRENT', 'ROW')) return;
  if (state.take('INTERVAL')) {
    if (state.peek()?.kind !== 'string') unknownSyntax('an interval was expected');
    state.at += 1;
  } else if (!state.take('UNBOUNDED')) {
    if (state.peek()?.kind !== 'number') unsupported('a window frame of this form');
    state.at += 1;
  }
  if (state.takeOne('PRECEDING', 'FOLLOWING') === undefined) unknownSyntax('PRECEDING or FOLLOWING was expected');
}
