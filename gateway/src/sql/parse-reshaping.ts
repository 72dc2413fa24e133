import { isAggregateFunction } from './functions.js';
import { parseExpression, parseExpressions, parseOrdering } from './parse-expression.js';
import type { ParserState } from './parser-state.js';
import { unknownSyntax, unsupported } from './refusal.js';
import type { Expression, MatchSource, PivotSource, Source, UnpivotSource } from './syntax.js';
import { isIdentifier, isSymbol, isWord } from './tokens.js';

/** PIVOT, UNPIVOT and MATCH_RECOGNIZE: clauses that make other columns out of those of a source. */

export function isReshaped(state: ParserState): boolean {
  return isWord(state.peek(), 'PIVOT', 'UNPIVOT', 'MATCH_RECOGNIZE');
}

export function parseReshaping(state: ParserState, source: Source): Source {
  if (state.take('PIVOT')) return pivot(state, source);
  if (state.take('UNPIVOT')) return unpivot(state, source);
  state.expect('MATCH_RECOGNIZE');
  return state.within({ isHierarchical: false, isInPattern: true }, () => match(state, source));
}

// ---------------------------------------------------------------------------------------------- PIVOT

function pivot(state: ParserState, source: Source): PivotSource {
  state.expectSymbol('(');
  const aggregates = [aggregate(state)];
  while (state.takeSymbol(',')) aggregates.push(aggregate(state));
  state.expect('FOR');
  const key = state.name().value;
  state.expect('IN');
  state.expectSymbol('(');
  if (isWord(state.peek(), 'ANY', 'SELECT', 'WITH')) unsupported('a PIVOT whose columns are values of rows');
  const names = [pivotValue(state)];
  while (state.takeSymbol(',')) names.push(pivotValue(state));
  state.expectSymbol(')');
  const defaults = state.take('DEFAULT', 'ON', 'NULL') ? bracketedExpressions(state) : [];
  state.expectSymbol(')');
  const isPlain = aggregates.length === 1 && aggregates[0]?.alias === undefined;
  const columns = aggregates.flatMap(() => names.map((name) => (isPlain ? name : undefined)));
  const values = aggregates.map(({ column }) => column);
  return { kind: 'pivot', source, values, key, columns, defaults, alias: state.sourceAlias() };
}

function aggregate(state: ParserState): { readonly column: string; readonly alias: string | undefined } {
  const name = state.peek();
  if (name?.kind !== 'word' || !isAggregateFunction(name.value)) unknownSyntax('an aggregate function was expected');
  state.at += 1;
  state.expectSymbol('(');
  const column = state.name().value;
  state.expectSymbol(')');
  return { column, alias: state.take('AS') ? state.name().value : undefined };
}

/** A constant and the name of its column: its alias, or a string with its quotes. Other names are Snowflake's to derive. */
function pivotValue(state: ParserState): string | undefined {
  const token = state.peek();
  const isSigned = state.takeSymbol('-');
  const value = state.peek();
  if (value?.kind !== 'number' && (isSigned || value?.kind !== 'string')) {
    unsupported('a PIVOT whose columns are not constants');
  }
  state.at += 1;
  if (state.take('AS')) return state.name().value;
  const isPlain = token?.kind === 'string' && !/['\\]/.test(token.value);
  return isPlain ? token.raw : undefined;
}

function bracketedExpressions(state: ParserState): readonly Expression[] {
  state.expectSymbol('(');
  const expressions = parseExpressions(state);
  state.expectSymbol(')');
  return expressions;
}

// ---------------------------------------------------------------------------------------------- UNPIVOT

function unpivot(state: ParserState, source: Source): UnpivotSource {
  if (state.takeOne('INCLUDE', 'EXCLUDE') !== undefined) state.expect('NULLS');
  state.expectSymbol('(');
  const value = state.name().value;
  state.expect('FOR');
  const key = state.name().value;
  state.expect('IN');
  state.expectSymbol('(');
  const columns = [unpivoted(state)];
  while (state.takeSymbol(',')) columns.push(unpivoted(state));
  state.expectSymbol(')');
  state.expectSymbol(')');
  return { kind: 'unpivot', source, value, key, columns, alias: state.sourceAlias() };
}

/** A column, and the constant that stands for it among the keys. */
function unpivoted(state: ParserState): string {
  const { value } = state.name();
  if (state.take('AS')) {
    if (state.peek()?.kind === 'string') state.at += 1;
    else state.name();
  }
  return value;
}

// ---------------------------------------------------------------------------------------------- MATCH_RECOGNIZE

function match(state: ParserState, source: Source): MatchSource {
  state.expectSymbol('(');
  const partitionBy = state.take('PARTITION', 'BY') ? parseExpressions(state) : [];
  const orderBy = state.take('ORDER', 'BY') ? parseOrdering(state) : [];
  const measures = state.take('MEASURES') ? parseMeasures(state) : [];
  const allRows = rowsPerMatch(state);
  if (state.take('AFTER', 'MATCH', 'SKIP')) skipTo(state);
  state.expect('PATTERN');
  const symbols = new Set(pattern(state));
  if (state.sees('SUBSET')) unsupported('SUBSET in MATCH_RECOGNIZE');
  const defines: Expression[] = [];
  if (state.take('DEFINE')) {
    do {
      symbols.add(state.name().value);
      state.expect('AS');
      defines.push(parseExpression(state));
    } while (state.takeSymbol(','));
  }
  state.expectSymbol(')');
  const alias = state.sourceAlias();
  return { kind: 'match', source, partitionBy, orderBy, measures, allRows, symbols: [...symbols], defines, alias };
}

function parseMeasures(state: ParserState): MatchSource['measures'] {
  const measures: { name: string; expression: Expression }[] = [];
  do {
    const expression = parseExpression(state);
    state.expect('AS');
    measures.push({ name: state.name().value, expression });
  } while (state.takeSymbol(','));
  return measures;
}

function rowsPerMatch(state: ParserState): boolean {
  if (state.take('ONE', 'ROW', 'PER', 'MATCH')) return false;
  if (!state.take('ALL', 'ROWS', 'PER', 'MATCH')) return false;
  if (!state.take('SHOW', 'EMPTY', 'MATCHES') && !state.take('OMIT', 'EMPTY', 'MATCHES')) {
    state.take('WITH', 'UNMATCHED', 'ROWS');
  }
  return true;
}

function skipTo(state: ParserState): void {
  if (state.take('PAST', 'LAST', 'ROW')) return;
  state.expect('TO');
  if (state.take('NEXT', 'ROW')) return;
  if (isIdentifier(state.peek(1))) state.takeOne('FIRST', 'LAST');
  state.name();
}

/** The symbols of a pattern. How they follow each other only decides about rows. */
function pattern(state: ParserState): readonly string[] {
  if (!state.seesSymbol('(')) unknownSyntax("'(' was expected");
  const start = state.at;
  state.skipBracket();
  const tokens = state.tokens.slice(start, state.at);
  const isKnown = tokens.every(
    (token) =>
      isIdentifier(token) ||
      token.kind === 'number' ||
      isSymbol(token, '(', ')', '{', '}', ',', '*', '+', '?', '|', '^', '-', '||'),
  );
  if (!isKnown) unsupported('a pattern of this form');
  return tokens.filter(isIdentifier).map((token) => token.value);
}
