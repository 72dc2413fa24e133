import { decidingPart, type Flow, movesParts, movingPart, NO_FLOW } from './flow-plan.js';
import { isPureFunction } from './functions.js';
import type { Pieces } from './pieces.js';
import { isIdentifier, isSymbol, isWord, type Token } from './tokens.js';

/** `SET` entries of UPDATE and MERGE: the columns assigned to, and what they get. */
export interface Assignments {
  readonly columns: readonly string[];
  readonly values: readonly string[];
  /** Every column gets constants, or only what it holds itself. */
  readonly stayInPlace: boolean;
}

/** `UPDATE t [alias] SET a = expression, … [FROM …] [WHERE …]`, read behind UPDATE. */
export function updateFlow(pieces: Pieces, carriesQuery: boolean): Flow {
  const target = pieces.table();
  pieces.expect('SET');
  const { columns, values, stayInPlace } = readAssignments(pieces);
  if (stayInPlace && !carriesQuery) return NO_FLOW;
  const from = pieces.take('FROM') ? `, ${pieces.sources()}` : '';
  const where = takeWhere(pieces);
  pieces.expectEnd();
  const query = `SELECT ${values.join(', ')} FROM ${target}${from}${where}`;
  return movesParts([movingPart(query, columns, `SELECT * FROM ${target}`)], !carriesQuery);
}

/** `DELETE FROM t [alias] [USING …] [WHERE …]`, read behind DELETE: nothing moves, but what decides about rows shows. */
export function deleteFlow(pieces: Pieces, carriesQuery: boolean): Flow {
  if (!carriesQuery) return NO_FLOW;
  pieces.expect('FROM');
  const target = pieces.table();
  const using = pieces.take('USING') ? `, ${pieces.sources()}` : '';
  const where = takeWhere(pieces);
  pieces.expectEnd();
  return movesParts([decidingPart(`SELECT 1 FROM ${target}${using}${where}`, `SELECT * FROM ${target}`)]);
}

function takeWhere(pieces: Pieces): string {
  return pieces.take('WHERE') ? ` WHERE ${pieces.expression()}` : '';
}

/** `[t.]column = value` between commas. */
export function readAssignments(pieces: Pieces): Assignments {
  const columns: string[] = [];
  const values: string[] = [];
  let stayInPlace = true;
  do {
    const column = pieces.columnName();
    pieces.expectSymbol('=');
    const start = pieces.at;
    values.push(pieces.expression());
    columns.push(column);
    stayInPlace &&= pieces.tokens.slice(start, pieces.at).every(isInPlace(column));
  } while (pieces.takeSymbol(','));
  return { columns, values, stayInPlace };
}

/** Words of expressions that name nothing. */
const WORDS = 'AND AS BETWEEN CASE DEFAULT ELSE END FALSE ILIKE IN IS LIKE NOT NULL OR THEN TRUE WHEN'.split(' ');

/** May the value be known without any lookup to hold constants only? */
export function areConstants(tokens: readonly Token[]): boolean {
  return tokens.every(isInPlace(undefined));
}

/** Is a token of a value a constant, or the column itself? */
function isInPlace(column: string | undefined): (token: Token, index: number, value: readonly Token[]) => boolean {
  return (token, index, value) => {
    const next = value[index + 1];
    if (token.kind === 'string' || token.kind === 'dollar-string' || token.kind === 'number') return true;
    // A star may be the whole row, and brackets of this kind may hold one.
    if (token.kind === 'symbol') return !isSymbol(token, '*', '{', '[');
    if (!isIdentifier(token)) return false;
    if (isSymbol(next, '(')) return token.kind === 'word' && (isPureFunction(token.value) || isWord(token, ...WORDS));
    if (isWord(token, ...WORDS)) return true;
    return column !== undefined && (token.value === column || isSymbol(next, '.'));
  };
}
