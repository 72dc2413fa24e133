import { UNREAD_SOURCE_CLAUSES } from './keywords.js';
import { parseExpression, parseExpressions } from './parse-expression.js';
import type { ParserState } from './parser-state.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
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

function parseSource(state: ParserState): Source {
  const source = state.nested(() => sourceItself(state));
  refuseUnreadClauses(state);
  return source;
}

function refuseUnreadClauses(state: ParserState): void {
  const token = state.peek();
  if (token === undefined || !isWord(token, ...UNREAD_SOURCE_CLAUSES)) return;
  unsupported(`${token.value} behind a source`);
}

function sourceItself(state: ParserState): Source {
  const token = state.peek();
  if (token?.kind === 'stage' || token?.kind === 'string') unsupported('a stage as source');
  if (token?.kind === 'variable') throw new Refusal('dynamic', 'a source is given by a variable');
  if (state.sees('LATERAL')) unsupported('LATERAL');
  if (isWord(token, 'TABLE') && isSymbol(state.peek(1), '(')) return refuseTableFunction(state);
  if (state.sees('IDENTIFIER') && isSymbol(state.peek(1), '(')) {
    throw new Refusal('dynamic', 'a name is computed by IDENTIFIER()');
  }
  if (state.sees('VALUES')) return values(state);
  if (state.seesSymbol('(')) return bracketed(state);
  return table(state);
}

function refuseTableFunction(state: ParserState): never {
  const argument = state.peek(2);
  if (argument?.kind === 'variable' || isSymbol(argument, ':', '?')) {
    throw new Refusal('dynamic', 'a table is given by a variable or placeholder');
  }
  return unsupported('a table function');
}

/** `VALUES (…), (…) [alias]` */
function values(state: ParserState): Source {
  const rows = valueRows(state);
  return { kind: 'values', rows, alias: state.sourceAlias() };
}

function valueRows(state: ParserState): readonly (readonly Expression[])[] {
  state.expect('VALUES');
  const rows: (readonly Expression[])[] = [];
  do {
    state.expectSymbol('(');
    rows.push(parseExpressions(state));
    state.expectSymbol(')');
  } while (state.takeSymbol(','));
  if (rows.some((row) => row.length !== rows[0]?.length)) unknownSyntax('rows of values differ in length');
  return rows;
}

/** `(query) alias`, `(VALUES …) alias` or a join in brackets. */
function bracketed(state: ParserState): Source {
  if (state.bracketHoldsQuery()) return { kind: 'derived', query: state.bracketedQuery(), alias: state.sourceAlias() };
  state.expectSymbol('(');
  if (state.sees('VALUES')) {
    const rows = valueRows(state);
    state.expectSymbol(')');
    return { kind: 'values', rows, alias: state.sourceAlias() };
  }
  const chain = parseChain(state);
  state.expectSymbol(')');
  return { kind: 'joined', chain };
}

function table(state: ParserState): Source {
  const from = state.at;
  const first = state.peek();
  state.name();
  state.at = from;
  const parts = state.nameParts(3);
  const to = state.at;
  if (state.seesSymbol('(') || state.seesSymbol('!')) unsupported('a table function');
  const cte = parts.length === 1 && first !== undefined ? state.findCte(first.value) : undefined;
  refuseUnreadClauses(state);
  const alias = state.sourceAlias();
  const source = { kind: 'table', parts, from, to, end: to, cte, alias, ownAlias: alias === undefined } as const;
  if (cte === undefined) state.tables.push(source);
  else if (cte.query === undefined) unsupported('a recursive query');
  return source;
}
