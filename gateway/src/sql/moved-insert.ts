import {
  decidingPart,
  type Flow,
  type FlowPart,
  movesParts,
  movesRowsOf,
  movingPart,
  NO_FLOW,
  type OutputNames,
} from './flow-plan.js';
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
  readonly columns: OutputNames | undefined;
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
  const from = `FROM (${pieces.wholeQuery().text})`;
  pieces.expectEnd();
  const moving = runs(branches).map((run) => branchPart(run, from));
  const deciding = conditions.length === 0 ? [] : [decidingPart(`SELECT ${conditions.join(', ')} ${from}`)];
  return movesParts([...moving, ...deciding]);
}

/** Branches with values in a row are one query: otherwise each would read the source again. */
function runs(branches: readonly Branch[]): readonly Branch[] {
  const joined: Branch[] = [];
  for (const { columns, values } of branches) {
    const last = joined.at(-1);
    if (values === undefined || last?.values === undefined)
      joined.push({ columns: columns ?? values?.map(() => undefined), values });
    else {
      const names = columns ?? values.map(() => undefined);
      if (names.length !== values.length) unknownSyntax('a column list does not have the length of its values');
      joined[joined.length - 1] = { columns: [...(last.columns ?? []), ...names], values: [...last.values, ...values] };
    }
  }
  return joined;
}

function branchPart({ columns, values }: Branch, from: string): FlowPart {
  return movingPart(`SELECT ${values?.join(', ') ?? '*'} ${from}`, columns);
}

function readBranch(pieces: Pieces): Branch {
  pieces.expect('INTO');
  pieces.tableName();
  const columns = takeColumns(pieces);
  const values = pieces.take('VALUES') ? pieces.bracketed() : undefined;
  return { columns, values };
}
