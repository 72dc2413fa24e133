import type { StatementHead } from './classify.js';
import { defines, type Flow, movesRowsOf, NO_FLOW } from './flow-plan.js';
import { CODE_TYPES } from './object-types.js';
import type { Pieces } from './pieces.js';
import { unknownSyntax, unsupported } from './refusal.js';
import { isIdentifier, isSymbol, isWord } from './tokens.js';

/** Objects that keep rows of their own, so that a query in their definition copies. */
const KEEPS_ROWS: ReadonlySet<string> = new Set([
  'TABLE',
  'DYNAMIC_TABLE',
  'TRANSIENT_TABLE',
  'TEMPORARY_TABLE',
  'HYBRID_TABLE',
  'ICEBERG_TABLE',
  'INTERACTIVE_TABLE',
  'EVENT_TABLE',
  'EXTERNAL_TABLE',
  'MATERIALIZED_VIEW',
  'CORTEX_SEARCH_SERVICE',
]);

/** Objects that can be cloned and hold no rows. */
const KEEPS_NO_ROWS: ReadonlySet<string> = new Set(['STAGE', 'FILE_FORMAT', 'SEQUENCE', 'TASK', 'ALERT', 'PIPE']);

/** What CREATE moves or shows: `[IF NOT EXISTS] name …`, read behind the object type. */
export function createdFlow(head: StatementHead, pieces: Pieces, carriesQuery: boolean): Flow {
  const type = head.objectType ?? '';
  if (CODE_TYPES.has(type) && !KEEPS_ROWS.has(type)) return NO_FLOW;
  if (!carriesQuery && type !== 'STREAM') return restoredFlow(pieces);
  pieces.take('IF', 'NOT', 'EXISTS');
  const name = pieces.nameParts(3);
  if (pieces.take('CLONE')) return clonedFlow(type, pieces);
  if (type === 'STREAM') return streamFlow(pieces);
  if (type !== 'VIEW' && !KEEPS_ROWS.has(type)) unsupported('a query in this kind of object');
  const columns = pieces.seesSymbol('(') ? listedColumns(pieces) : undefined;
  skipToQuery(pieces);
  const query = pieces.wholeQuery();
  pieces.expectEnd();
  // Names in a view are looked up in the view's own schema (Snowflake: object name resolution).
  if (type === 'VIEW') return defines(query, columns, name);
  return movesRowsOf(query, columns, type === 'MATERIALIZED_VIEW' ? name : undefined);
}

/** `FROM BACKUP SET …` and `AS REPLICA OF …` bring rows back that are not named. A share is not the account's own. */
function restoredFlow(pieces: Pieces): Flow {
  const brings = pieces.tokens.some(
    (token, index) =>
      (isWord(token, 'FROM') && isWord(pieces.tokens[index + 1], 'BACKUP', 'SNAPSHOT')) ||
      (isWord(token, 'REPLICA') && isWord(pieces.tokens[index + 1], 'OF')),
  );
  return brings ? unsupported('a copy brought back') : NO_FLOW;
}

function clonedFlow(type: string, pieces: Pieces): Flow {
  if (KEEPS_NO_ROWS.has(type)) return NO_FLOW;
  if (!KEEPS_ROWS.has(type)) unsupported('a copy of everything in a container');
  const query = `SELECT * FROM ${pieces.tableName()}`;
  if (pieces.restHas('SELECT', 'CLONE')) unsupported('a query behind CLONE');
  return movesRowsOf(query);
}

const STREAMED = ['TABLE', 'VIEW'] as const;

/** A stream shows the rows of its source under its own name. Files in a stage have no columns. */
function streamFlow(pieces: Pieces): Flow {
  if (!pieces.skipTo('ON')) unknownSyntax('ON was expected');
  pieces.expect('ON');
  if (pieces.sees('STAGE')) return NO_FLOW;
  if (isWord(pieces.peek(1), ...STREAMED)) pieces.takeOne('EXTERNAL', 'DYNAMIC', 'ICEBERG', 'EVENT', 'MATERIALIZED');
  if (pieces.takeOne(...STREAMED) === undefined) unsupported('a stream on this kind of object');
  const query = `SELECT * FROM ${pieces.tableName()}`;
  if (pieces.restHas('SELECT')) unsupported('a query in a stream');
  return defines(query);
}

/** Steps to the query behind AS. No query may stand in what is stepped over: it would not be traced. */
function skipToQuery(pieces: Pieces): void {
  const start = pieces.at;
  for (;;) {
    if (!pieces.skipTo('AS')) unsupported('a query in another place than behind AS');
    pieces.expect('AS');
    if (pieces.seesQuery) break;
  }
  const before = pieces.tokens.slice(start, pieces.at);
  if (before.some((token) => isWord(token, 'SELECT', 'CLONE', 'TEMPLATE'))) unsupported('a second query');
}

/** Does an entry of a column list begin here that is a constraint and no column? */
function seesConstraint(pieces: Pieces): boolean {
  return (
    pieces.sees('CONSTRAINT') ||
    pieces.sees('UNIQUE') ||
    pieces.sees('CHECK') ||
    pieces.sees('PRIMARY', 'KEY') ||
    pieces.sees('FOREIGN', 'KEY')
  );
}

/** The columns named between the brackets behind an object's name; each gets its value from the query. */
function listedColumns(pieces: Pieces): readonly string[] {
  const names: string[] = [];
  pieces.expectSymbol('(');
  do {
    const token = pieces.peek();
    if (!isIdentifier(token)) unknownSyntax('a column name was expected');
    if (!seesConstraint(pieces)) names.push(token.value);
    pieces.at += 1;
    while (!pieces.done && !pieces.seesSymbol(',', ')')) {
      if (pieces.sees('AS') || pieces.sees('SELECT')) unsupported('a computed column');
      if (pieces.seesSymbol('(', '[', '{')) skipPlainBracket(pieces);
      else pieces.at += 1;
    }
  } while (pieces.takeSymbol(','));
  if (!isSymbol(pieces.peek(), ')')) unknownSyntax("')' was expected");
  pieces.at += 1;
  return names;
}

function skipPlainBracket(pieces: Pieces): void {
  const start = pieces.at;
  pieces.skipBracket();
  if (pieces.tokens.slice(start, pieces.at).some((token) => isWord(token, 'SELECT'))) unsupported('a second query');
}
