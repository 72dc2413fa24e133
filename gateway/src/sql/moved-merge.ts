import { decidingPart, type Flow, type FlowPart, movesParts, movingPart } from './flow-plan.js';
import { readAssignments } from './moved-update.js';
import type { Pieces } from './pieces.js';
import { unknownSyntax, unsupported } from './refusal.js';

/** What the branches of one kind assign or insert, and when. */
interface Branches {
  readonly values: string[];
  readonly names: (string | undefined)[];
  readonly conditions: string[];
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
  const matched: Branches = { values: [], names: [], conditions: [pieces.expression()] };
  const unmatched: Branches = { values: [], names: [], conditions: [] };
  do readBranch(pieces, matched, unmatched);
  while (!pieces.done);
  const both = `FROM ${target}, ${source}${where(matched)}`;
  const own = `SELECT * FROM ${target}`;
  return movesParts([
    matched.values.length === 0
      ? decidingPart(`SELECT 1 ${both}`, own)
      : movingPart(`SELECT ${matched.values.join(', ')} ${both}`, matched.names, own),
    ...inserted(unmatched, source),
  ]);
}

function inserted(branches: Branches, source: string): readonly FlowPart[] {
  const from = `FROM ${source}${where(branches)}`;
  return branches.values.length === 0
    ? []
    : [movingPart(`SELECT ${branches.values.join(', ')} ${from}`, branches.names)];
}

function where({ conditions }: Branches): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.map((condition) => `(${condition})`).join(' AND ')}`;
}

/** `WHEN [NOT] MATCHED [AND condition] THEN …` */
function readBranch(pieces: Pieces, matched: Branches, unmatched: Branches): void {
  pieces.expect('WHEN');
  const branches = pieces.take('NOT') ? unmatched : matched;
  pieces.expect('MATCHED');
  if (pieces.sees('BY')) unsupported('a branch for one side of a merge');
  if (pieces.take('AND')) branches.conditions.push(pieces.expression());
  pieces.expect('THEN');
  if (branches === matched && pieces.take('DELETE')) return;
  pieces.expect(branches === matched ? 'UPDATE' : 'INSERT');
  if (pieces.sees('ALL')) unsupported('a merge by name');
  if (branches === matched) readUpdate(pieces, matched);
  else readInsert(pieces, unmatched);
}

function readUpdate(pieces: Pieces, branches: Branches): void {
  pieces.expect('SET');
  const { columns, values } = readAssignments(pieces);
  branches.values.push(...values);
  branches.names.push(...columns);
}

function readInsert(pieces: Pieces, branches: Branches): void {
  const columns = pieces.seesSymbol('(') ? pieces.names() : undefined;
  pieces.expect('VALUES');
  const values = pieces.bracketed();
  if (columns !== undefined && columns.length !== values.length) {
    unknownSyntax('a column list does not have the length of its values');
  }
  branches.values.push(...values);
  branches.names.push(...values.map((_, index) => columns?.[index]));
}
