import { decidingPart, type Flow, type FlowPart, movesParts, movesRowsOf, movingPart, NO_FLOW } from './flow-plan.js';
import { areConstants } from './moved-update.js';
import type { Pieces } from './pieces.js';
import { unknownSyntax } from './refusal.js';

/** `INSERT [OVERWRITE] …`, read behind these words. */
export function insertFlow(pieces: Pieces): Flow {
  const rule = pieces.takeOne('ALL', 'FIRST');
  if (rule !== undefined) return manyTables(pieces);
  pieces.expect('INTO');
  pieces.tableName();
  const columns = takeColumns(pieces);
  const flow = pieces.sees('VALUES') ? valuesFlow(pieces, columns) : movesRowsOf(pieces.wholeQuery(), columns);
  pieces.expectEnd();
  return flow;
}

function takeColumns(pieces: Pieces): readonly string[] | undefined {
  return pieces.seesSymbol('(') && !pieces.seesQuery ? pieces.names() : undefined;
}

/** Constants in any number move nothing; everything else is looked at as a query over the rows. */
function valuesFlow(pieces: Pieces, columns: readonly string[] | undefined): Flow {
  pieces.expect('VALUES');
  if (areConstants(pieces.tokens.slice(pieces.at))) {
    pieces.at = pieces.tokens.length;
    return NO_FLOW;
  }
  const rows: string[] = [];
  do rows.push(`(${pieces.bracketed().join(', ')})`);
  while (pieces.takeSymbol(','));
  return movesParts([movingPart(`SELECT * FROM (VALUES ${rows.join(', ')})`, columns)], true);
}

interface Branch {
  readonly columns: readonly string[] | undefined;
  /** Undefined: the row as the query gives it. */
  readonly values: readonly string[] | undefined;
}

/** `ALL | FIRST { [WHEN condition THEN] INTO t [(columns)] [VALUES (…)] … } [ELSE INTO …] query` */
function manyTables(pieces: Pieces): Flow {
  const conditions: string[] = [];
  const branches: Branch[] = [];
  while (!pieces.seesQuery) {
    if (pieces.take('WHEN')) {
      conditions.push(pieces.expression());
      pieces.expect('THEN');
    } else pieces.take('ELSE');
    branches.push(readBranch(pieces));
  }
  if (branches.length === 0) unknownSyntax('a target table was expected');
  const from = `FROM (${pieces.wholeQuery()})`;
  pieces.expectEnd();
  const moving = branches.map(({ columns, values }): FlowPart => {
    return movingPart(`SELECT ${values?.join(', ') ?? '*'} ${from}`, columns);
  });
  const deciding = conditions.length === 0 ? [] : [decidingPart(`SELECT ${conditions.join(', ')} ${from}`)];
  return movesParts([...moving, ...deciding]);
}

function readBranch(pieces: Pieces): Branch {
  pieces.expect('INTO');
  pieces.tableName();
  const columns = takeColumns(pieces);
  const values = pieces.take('VALUES') ? pieces.bracketed() : undefined;
  return { columns, values };
}
