import { UNREAD_SOURCE_CLAUSES } from './keywords.js';
import { parseExpression } from './parse-expression.js';
import { isReshaped, parseReshaping } from './parse-reshaping.js';
import { parseSample } from './parse-sample.js';
import { parseLateral, parseTable, parseTableCall, parseValueRows } from './parse-source.js';
import type { ParserState } from './parser-state.js';
import { unknownSyntax, unsupported } from './refusal.js';
import type { Expression, Join, JoinChain, Source } from './syntax.js';
import { isSymbol, isWord } from './tokens.js';

/** The list behind FROM. */
export function parseFrom(state: ParserState): readonly JoinChain[] {
  const chains = [parseChain(state)];
  while (state.takeSymbol(',')) chains.push(parseChain(state));
  return chains;
}

function parseChain(state: ParserState): JoinChain {
  const first = parseSource(state);
  const joins: Join[] = [];
  for (let kind = joinKind(state); kind !== undefined; kind = joinKind(state)) joins.push(parseJoin(state, kind));
  return { first, joins };
}

type JoinKind = 'plain' | 'cross' | 'natural' | 'asof';

/** Steps over the words of a join. Which side it keeps does not change the columns, only the rows. */
function joinKind(state: ParserState): JoinKind | undefined {
  const start = state.at;
  if (state.take('CROSS', 'JOIN')) return 'cross';
  if (state.take('ASOF', 'JOIN')) return 'asof';
  const natural = state.take('NATURAL');
  if (state.takeOne('LEFT', 'RIGHT', 'FULL') !== undefined) state.take('OUTER');
  else state.take('INNER');
  // Fixes the order in which tables are joined, and nothing else.
  if (isWord(state.peek(1), 'JOIN')) state.take('DIRECTED');
  if (state.take('JOIN')) return natural ? 'natural' : 'plain';
  if (state.at !== start) unknownSyntax('JOIN was expected');
  return undefined;
}

function parseJoin(state: ParserState, kind: JoinKind): Join {
  const source = parseSource(state);
  const on: Expression[] = [];
  let using: readonly string[] = [];
  if (kind === 'asof') {
    state.expect('MATCH_CONDITION');
    state.expectSymbol('(');
    on.push(parseExpression(state));
    state.expectSymbol(')');
  }
  if (kind === 'plain' || kind === 'asof') {
    if (state.take('ON')) on.push(parseExpression(state));
    else if (state.take('USING')) using = state.names();
  }
  return { source, on, using, natural: kind === 'natural' };
}

/** A source with what may stand behind it: PIVOT, UNPIVOT or MATCH_RECOGNIZE, another alias, SAMPLE. */
function parseSource(state: ParserState): Source {
  const plain = state.nested(() => plainSource(state));
  // Its ON conditions would be lost.
  if (plain.kind === 'joined' && isReshaped(state)) unsupported('a reshaping clause behind a join in brackets');
  const source = isReshaped(state) ? parseReshaping(state, plain) : plain;
  if (isReshaped(state)) unsupported('one reshaping clause behind another');
  parseSample(state, source);
  const clause = UNREAD_SOURCE_CLAUSES.find((word) => state.sees(word));
  if (clause !== undefined) unsupported(`${clause} behind a source`);
  return source;
}

function plainSource(state: ParserState): Source {
  const token = state.peek();
  if (token?.kind === 'stage') unsupported('a stage');
  if (token?.kind === 'string' || token?.kind === 'dollar-string') unsupported('a source given as a string');
  if (state.take('LATERAL')) return parseLateral(state);
  if (isWord(token, 'TABLE') && isSymbol(state.peek(1), '(')) return parseTableCall(state);
  if (state.sees('VALUES')) {
    const rows = parseValueRows(state);
    return { kind: 'values', rows, alias: state.sourceAlias() };
  }
  if (state.seesSymbol('(')) return bracketed(state);
  return parseTable(state);
}

/** `(query) alias`, `(VALUES …) alias` or a join in brackets. */
function bracketed(state: ParserState): Source {
  if (state.bracketHoldsQuery()) {
    return { kind: 'derived', query: state.bracketedQuery(), lateral: false, alias: state.sourceAlias() };
  }
  state.expectSymbol('(');
  if (state.sees('VALUES')) {
    const rows = parseValueRows(state);
    state.expectSymbol(')');
    return { kind: 'values', rows, alias: state.sourceAlias() };
  }
  const chain = parseChain(state);
  state.expectSymbol(')');
  return { kind: 'joined', chain };
}
