import type { ParserState } from './parser-state.js';
import { unknownSyntax, unsupported } from './refusal.js';
import type { Source } from './syntax.js';

/**
 * `SAMPLE [method] (number [ROWS]) [SEED (number)]` behind a source. Chance decides about the rows, no value does. Sampling
 * by blocks or with a seed works on tables only.
 */
export function parseSample(state: ParserState, source: Source): void {
  if (state.takeOne('SAMPLE', 'TABLESAMPLE') === undefined) return;
  const method = state.takeOne('BERNOULLI', 'ROW', 'SYSTEM', 'BLOCK');
  state.expectSymbol('(');
  number(state);
  state.take('ROWS');
  state.expectSymbol(')');
  const isSeeded = state.takeOne('SEED', 'REPEATABLE') !== undefined;
  if (isSeeded) {
    state.expectSymbol('(');
    number(state);
    state.expectSymbol(')');
  }
  if (!isSeeded && method !== 'SYSTEM' && method !== 'BLOCK') return;
  if (source.kind !== 'table') unsupported('a sample by blocks or with a seed of something that is no table');
  source.unmaskable ??= isSeeded ? 'SAMPLE with a seed' : 'SAMPLE by blocks';
}

function number(state: ParserState): void {
  if (state.takeSymbol('?')) return;
  state.takeSymbol(':');
  if (state.peek()?.kind !== 'number') unknownSyntax('a number was expected');
  state.at += 1;
}
