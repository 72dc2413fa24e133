import { tableFunction } from './functions.js';
import { isIdentifierCall, takeLiteralName } from './literal-name.js';
import type { NameParts } from './names.js';
import { parseExpression, parseExpressions } from './parse-expression.js';
import { isReshaped } from './parse-reshaping.js';
import type { ParserState } from './parser-state.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import type { Cte, Expression, FunctionSource, Source, TableSource } from './syntax.js';
import { isSymbol, isWord, stringValue } from './tokens.js';

/** Single sources of FROM: tables, table functions, rows of values. */

/** `VALUES (…), (…)` */
export function parseValueRows(state: ParserState): readonly (readonly Expression[])[] {
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

/** Behind LATERAL: a query in brackets or a table function. */
export function parseLateral(state: ParserState): Source {
  if (state.bracketHoldsQuery()) {
    return { kind: 'derived', query: state.bracketedQuery(), lateral: true, alias: state.sourceAlias() };
  }
  if (isWord(state.peek(), 'TABLE') && isSymbol(state.peek(1), '(')) return parseTableCall(state);
  const call = functionCall(state);
  return { ...call, alias: state.sourceAlias() };
}

/** `TABLE(function(…))`, `TABLE(RESULT_SCAN(…))` or `TABLE('name')` */
export function parseTableCall(state: ParserState): Source {
  const argument = state.peek(2);
  if (argument?.kind === 'string' || argument?.kind === 'dollar-string') return literalTable(state);
  if (argument?.kind === 'variable' || isSymbol(argument, ':', '?')) {
    throw new Refusal('dynamic', 'a table is given by a variable or placeholder');
  }
  state.expect('TABLE');
  state.expectSymbol('(');
  if (state.sees('RESULT_SCAN')) return resultScan(state);
  const call = functionCall(state);
  if (state.sees('OVER')) unsupported('a table function with partitions');
  state.expectSymbol(')');
  return { ...call, alias: state.sourceAlias() };
}

// ---------------------------------------------------------------------------------------------- functions

function functionCall(state: ParserState): Omit<FunctionSource, 'alias'> {
  const name = state.peek();
  const found = name?.kind === 'word' && isSymbol(state.peek(1), '(') ? tableFunction(name.value) : undefined;
  if (found === undefined) unsupported('a table function that is not on the list');
  state.at += 2;
  const given: Expression[] = [];
  if (!state.seesSymbol(')')) {
    do {
      if (isSymbol(state.peek(1), '=>')) parameterName(state, found.parameters);
      given.push(parseExpression(state));
    } while (state.takeSymbol(','));
  }
  state.expectSymbol(')');
  return { kind: 'function', function: found, arguments: given };
}

function parameterName(state: ParserState, known: readonly string[]): void {
  const name = state.identifier().value;
  if (!known.includes(name)) unsupported('an argument of that name');
  state.expectSymbol('=>');
}

/** The result of an earlier query, by its id or as the last one. */
function resultScan(state: ParserState): Source {
  state.expect('RESULT_SCAN');
  state.expectSymbol('(');
  const from = state.at;
  const token = state.peek();
  let queryId: string | undefined;
  if (token?.kind === 'string') {
    queryId = stringValue(token);
    state.at += 1;
  } else lastQueryId(state);
  const to = state.at;
  state.expectSymbol(')');
  state.expectSymbol(')');
  return { kind: 'result', queryId, from, to, alias: state.sourceAlias() };
}

/** `LAST_QUERY_ID()` or `LAST_QUERY_ID(-1)` */
function lastQueryId(state: ParserState): void {
  if (!state.take('LAST_QUERY_ID')) throw new Refusal('dynamic', 'the id of a result is computed');
  state.expectSymbol('(');
  if (state.takeSymbol('-')) {
    if (state.peek()?.value !== '1') unsupported('a result further back than the last one');
    state.at += 1;
  }
  if (!state.takeSymbol(')')) unsupported('a result further back than the last one');
}

// ---------------------------------------------------------------------------------------------- tables

/** `TABLE('name')` */
function literalTable(state: ParserState): Source {
  const from = state.at;
  return table(state, takeLiteralName(state, 3), from, undefined);
}

export function parseTable(state: ParserState): Source {
  const from = state.at;
  if (isIdentifierCall(state)) {
    const parts = takeLiteralName(state, 3);
    const isShadowed = parts.length === 1 && state.findCtes(parts[0] ?? '').length > 0;
    if (isShadowed) unsupported('IDENTIFIER() with the name of a common table expression');
    return table(state, parts, from, undefined);
  }
  state.name();
  state.at = from;
  const parts = state.nameParts(3);
  if (state.seesSymbol('(') || state.seesSymbol('!')) unsupported('a table function without TABLE()');
  return table(state, parts, from, parts.length === 1 ? findCte(state, parts[0] ?? '') : undefined);
}

/**
 * What a bare name means. Within a common table expression its own name is recursion behind a UNION ALL; before that it is a
 * table, which the canonical text names in full.
 */
function findCte(state: ParserState, name: string): Cte | undefined {
  const [cte, outer] = state.findCtes(name);
  if (cte === undefined || cte.phase === 'closed') return cte;
  if (cte.phase === 'step' && !cte.hidesTable) {
    cte.isRecursive = true;
    return cte;
  }
  if (cte.phase === 'step' || cte.declaredRecursive || outer !== undefined)
    unsupported('a recursive query of this form');
  cte.hidesTable = true;
  return undefined;
}

function table(state: ParserState, parts: NameParts, from: number, cte: Cte | undefined): TableSource {
  const to = state.at;
  const changes = cte === undefined && timeTravel(state);
  const end = state.at;
  const alias = isReshaped(state) ? undefined : state.sourceAlias();
  const ownAlias = alias === undefined && !isReshaped(state);
  const unmaskable = changes ? 'CHANGES' : undefined;
  const source: TableSource = {
    kind: 'table',
    parts,
    from,
    to,
    end,
    cte,
    alias,
    ownAlias,
    hasMoreColumns: changes,
    unmaskable,
  };
  if (cte === undefined) state.tables.push(source);
  return source;
}

/** `[AT | BEFORE (point)]` or `CHANGES (…) AT | BEFORE (point) [END (point)]`; true for CHANGES. */
function timeTravel(state: ParserState): boolean {
  if (isSymbol(state.peek(1), '(') && state.take('CHANGES')) {
    state.expectSymbol('(');
    state.expect('INFORMATION');
    state.expectSymbol('=>');
    if (state.takeOne('DEFAULT', 'APPEND_ONLY') === undefined) unknownSyntax('DEFAULT or APPEND_ONLY was expected');
    state.expectSymbol(')');
    if (state.takeOne('AT', 'BEFORE') === undefined) unknownSyntax('AT or BEFORE was expected');
    point(state);
    if (state.take('END')) point(state);
    return true;
  }
  if (isSymbol(state.peek(1), '(') && state.takeOne('AT', 'BEFORE') !== undefined) point(state);
  return false;
}

/** `(OFFSET => …)` or `(TIMESTAMP => …)`: constants, because what stands here is sent as it is. */
function point(state: ParserState): void {
  state.expectSymbol('(');
  if (state.takeOne('OFFSET', 'TIMESTAMP') === undefined) unsupported('time travel to a statement or stream');
  state.expectSymbol('=>');
  const { columns, stars, queries, variables } = parseExpression(state);
  if (columns.length + stars.length + queries.length + variables.length > 0) {
    unsupported('time travel to a point that is not constant');
  }
  state.expectSymbol(')');
}
