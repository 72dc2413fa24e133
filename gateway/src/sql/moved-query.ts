import type { StatementHead } from './classify.js';
import {
  decidingPart,
  type Flow,
  movesParts,
  movesRowsOf,
  movingPart,
  NO_FLOW,
  queryPart,
  untraceable,
} from './flow-plan.js';
import { createdFlow } from './moved-create.js';
import { insertFlow } from './moved-insert.js';
import { mergeFlow } from './moved-merge.js';
import { deleteFlow, updateFlow } from './moved-update.js';
import { Pieces } from './pieces.js';
import { unknownSyntax, unsupported } from './refusal.js';
import { isSymbol, isWord, type Token } from './tokens.js';

/**
 * What a statement that is not a query does with values: the queries that stand for what moves, or that it shows to later
 * readers. Throws `Refusal` where something may move by a form that is not taken apart.
 */
export function flowOf(head: StatementHead, tokens: readonly Token[], carriesQuery: boolean): Flow {
  const pieces = new Pieces(tokens, head.next);
  switch (head.verb) {
    case 'UNLOAD':
      return unloadFlow(pieces);
    case 'LOAD':
      return loadFlow(pieces);
    case 'INSERT':
    case 'INSERT_OVERWRITE':
      return insertFlow(pieces);
    case 'UPDATE':
      return updateFlow(pieces, carriesQuery);
    case 'DELETE':
      return deleteFlow(pieces, carriesQuery);
    case 'MERGE':
      return mergeFlow(pieces);
    case 'SET':
      return setFlow(pieces);
    case 'ALTER':
      return alteredFlow(head, pieces);
    case 'CTAS':
    case 'CREATE':
    case 'CREATE_OR_REPLACE':
    case 'CREATE_OR_ALTER':
      return createdFlow(head, pieces, carriesQuery);
    default:
      return NO_FLOW;
  }
}

/** `COPY INTO @stage FROM t` or `FROM ( query )`, with options behind it. */
function unloadFlow(pieces: Pieces): Flow {
  if (!pieces.skipTo('FROM')) unknownSyntax('FROM was expected');
  pieces.expect('FROM');
  const query = pieces.bracketHoldsQuery() ? pieces.queryInBrackets() : `SELECT * FROM ${pieces.tableName()}`;
  const source = typeof query === 'string' ? query : query.text;
  const parts = [queryPart(query)];
  while (!pieces.done) {
    // What files are named by stands in their names.
    if (pieces.take('PARTITION', 'BY')) parts.push(decidingPart(`SELECT ${pieces.expression()} FROM (${source})`));
    else skipOption(pieces);
  }
  return movesParts(parts);
}

/** `NAME = value` or `NAME = ( … )`. */
function skipOption(pieces: Pieces): void {
  pieces.identifier();
  pieces.expectSymbol('=');
  if (pieces.seesSymbol('(')) pieces.skipBracket();
  else pieces.at += 1;
  if (pieces.at > pieces.tokens.length) unknownSyntax('a value was expected');
}

/** What comes out of files is in no catalog; a query behind COPY INTO may read nothing else. */
function loadFlow(pieces: Pieces): Flow {
  const selects = pieces.tokens.filter((token) => isWord(token, 'SELECT')).length;
  if (selects === 0) return NO_FLOW;
  pieces.skipTo('FROM');
  const inner = pieces.tokens.slice(pieces.at);
  const readsFiles = inner.every((token, index) => {
    return index === 0 || !isWord(token, 'FROM') || inner[index + 1]?.kind === 'stage';
  });
  const readsMore = inner.some((token) =>
    isWord(token, 'JOIN', 'UNION', 'INTERSECT', 'EXCEPT', 'MINUS', 'WITH', 'TABLE'),
  );
  return selects === 1 && readsFiles && !readsMore && !hasSecondSource(inner)
    ? NO_FLOW
    : untraceable('a load that reads more than files');
}

/** `FROM @stage, t`: something else beside the stage. */
function hasSecondSource(tokens: readonly Token[]): boolean {
  const stage = tokens.findIndex((token, index) => token.kind === 'stage' && isWord(tokens[index - 1], 'FROM'));
  const behind = tokens.slice(stage + 1);
  const end = behind.findIndex((token) => isSymbol(token, ')'));
  return behind.slice(0, end === -1 ? undefined : end).some((token) => isSymbol(token, ','));
}

/** `SET name = expression` or `SET (a, b) = (query | expression, …)`. */
function setFlow(pieces: Pieces): Flow {
  const isList = pieces.seesSymbol('(');
  const names = isList ? pieces.names() : [pieces.identifier().value];
  pieces.expectSymbol('=');
  const query = isList && pieces.bracketHoldsQuery() ? pieces.wholeQuery() : `SELECT ${setValues(pieces, isList)}`;
  pieces.expectEnd();
  return movesParts([queryPart(query, names)], true);
}

function setValues(pieces: Pieces, isList: boolean): string {
  return isList ? pieces.bracketed().join(', ') : pieces.expression();
}

/** A container, table or view under another name is not the one a mask speaks about, nor is what stands in it. */
function alteredFlow(head: StatementHead, pieces: Pieces): Flow {
  const type = head.objectType ?? '';
  const holdsColumns = /(?:^|_)(?:DATABASE|SCHEMA|TABLE|VIEW)$/.test(type);
  if (!holdsColumns) return NO_FLOW;
  pieces.take('IF', 'EXISTS');
  const isContainer = type === 'DATABASE' || type === 'SCHEMA';
  const name = pieces.tableName();
  if (pieces.take('SWAP', 'WITH')) {
    if (isContainer) unsupported('a container under another name');
    const other = pieces.tableName();
    pieces.expectEnd();
    return movesParts([movingPart(`SELECT * FROM ${name}`), movingPart(`SELECT * FROM ${other}`)]);
  }
  if (pieces.sees('RENAME')) {
    if (isContainer) unsupported('a container under another name');
    return movesRowsOf(`SELECT * FROM ${name}`);
  }
  // `ADD COLUMN c AS (…)` computes from the other columns.
  if (pieces.sees('ADD') && pieces.restHas('AS')) unsupported('a column computed from others');
  if (pieces.restHas('SELECT') || pieces.skipTo('AS', 'RENAME', 'SWAP')) unsupported('this change of an object');
  return NO_FLOW;
}
