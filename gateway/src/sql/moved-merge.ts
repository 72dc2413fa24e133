import { decidingPart, type Flow, type FlowPart, movesParts, movingPart } from './flow-plan.js';
import { readAssignments } from './moved-update.js';
import type { Pieces } from './pieces.js';
import { unknownSyntax, unsupported } from './refusal.js';

interface Sides {
  readonly target: string;
  readonly source: string;
  /** WHERE with the condition that joins both. */
  readonly joined: string;
}

/**
 * `MERGE INTO t [alias] USING source ON condition WHEN …`, read behind MERGE. Values of UPDATE branches see both sides, those
 * of INSERT branches the source only, as in Snowflake.
 */
export function mergeFlow(pieces: Pieces): Flow {
  pieces.expect('INTO');
  const target = pieces.table();
  pieces.expect('USING');
  const source = pieces.sources();
  pieces.expect('ON');
  const sides: Sides = { target, source, joined: `WHERE (${pieces.expression()})` };
  const parts: FlowPart[] = [decidingPart(`SELECT 1 FROM ${target}, ${source} ${sides.joined}`, wholeTarget(sides))];
  do parts.push(...readBranch(pieces, sides));
  while (!pieces.done);
  return movesParts(parts);
}

const wholeTarget = ({ target }: Sides): string => `SELECT * FROM ${target}`;

/** `WHEN [NOT] MATCHED [BY …] [AND condition] THEN …` */
function readBranch(pieces: Pieces, sides: Sides): readonly FlowPart[] {
  pieces.expect('WHEN');
  const isMatched = !pieces.take('NOT');
  pieces.expect('MATCHED');
  if (pieces.sees('BY')) unsupported('a branch for one side of a merge');
  const from = isMatched ? `FROM ${sides.target}, ${sides.source} ${sides.joined}` : `FROM ${sides.source} WHERE TRUE`;
  const where = pieces.take('AND') ? `${from} AND (${pieces.expression()})` : from;
  pieces.expect('THEN');
  if (isMatched && pieces.take('DELETE')) return [decidingPart(`SELECT 1 ${where}`, wholeTarget(sides))];
  if (isMatched && pieces.take('UPDATE')) return [updated(pieces, sides, where)];
  if (!isMatched && pieces.take('INSERT')) return [inserted(pieces, where)];
  return unknownSyntax('a branch of a merge was expected');
}

function updated(pieces: Pieces, sides: Sides, where: string): FlowPart {
  if (pieces.sees('ALL')) unsupported('a merge by name');
  pieces.expect('SET');
  const { columns, values } = readAssignments(pieces);
  return movingPart(`SELECT ${values.join(', ')} ${where}`, columns, wholeTarget(sides));
}

function inserted(pieces: Pieces, where: string): FlowPart {
  if (pieces.sees('ALL')) unsupported('a merge by name');
  const columns = pieces.seesSymbol('(') ? pieces.names() : undefined;
  pieces.expect('VALUES');
  return movingPart(`SELECT ${pieces.bracketed().join(', ')} ${where}`, columns);
}
