import { canonicalText } from './canonical.js';
import { isPureFunction } from './functions.js';
import { isIdentifier, isSymbol, isWord, type Token } from './tokens.js';

/** Rows may move by a form that is not taken apart. */
export const UNREADABLE = Symbol('unreadable');

interface Assignment {
  readonly column: string;
  readonly value: readonly Token[];
}

/**
 * `UPDATE t SET a = expression, …` without another source, as the query of what comes from one column into another.
 * Undefined where every column gets constants, or only what it holds itself; `UNREADABLE` for any other form.
 */
export function updatedQuery(tokens: readonly Token[]): string | typeof UNREADABLE | undefined {
  const set = tokens.findIndex((token) => isWord(token, 'SET'));
  const assignments = set < 2 ? undefined : readAssignments(tokens, set + 1);
  if (assignments === undefined) return UNREADABLE;
  const moving = assignments.filter((assignment) => !staysInPlace(assignment));
  if (moving.length === 0) return undefined;
  const values = moving.map(({ value }) => canonicalText(value));
  return `SELECT ${values.join(', ')} FROM ${canonicalText(tokens.slice(1, set))}`;
}

/** `[t.]column = value` between commas, up to WHERE. */
function readAssignments(tokens: readonly Token[], start: number): readonly Assignment[] | undefined {
  const assignments: Assignment[] = [];
  let at = start;
  for (;;) {
    while (isIdentifier(tokens[at]) && isSymbol(tokens[at + 1], '.')) at += 2;
    const column = tokens[at];
    if (!isIdentifier(column) || !isSymbol(tokens[at + 1], '=')) return undefined;
    const end = endOfValue(tokens, at + 2);
    if (end === at + 2) return undefined;
    assignments.push({ column: column.value, value: tokens.slice(at + 2, end) });
    if (!isSymbol(tokens[end], ',')) return assignments;
    at = end + 1;
  }
}

function endOfValue(tokens: readonly Token[], start: number): number {
  let depth = 0;
  for (let at = start; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (depth === 0 && (isSymbol(token, ',') || isWord(token, 'WHERE'))) return at;
    if (isSymbol(token, '(', '[', '{')) depth += 1;
    else if (isSymbol(token, ')', ']', '}')) depth -= 1;
  }
  return tokens.length;
}

/** Words of expressions that name nothing. */
const WORDS = 'AND AS BETWEEN CASE DEFAULT ELSE END FALSE ILIKE IN IS LIKE NOT NULL OR THEN TRUE WHEN'.split(' ');

function staysInPlace({ column, value }: Assignment): boolean {
  return value.every((token, index) => {
    const next = value[index + 1];
    if (token.kind === 'string' || token.kind === 'dollar-string' || token.kind === 'number') return true;
    // A star may be the whole row, and brackets of this kind may hold one.
    if (token.kind === 'symbol') return !isSymbol(token, '*', '{', '[');
    if (!isIdentifier(token)) return false;
    if (isSymbol(next, '(')) return token.kind === 'word' && (isPureFunction(token.value) || isWord(token, ...WORDS));
    return token.value === column || isSymbol(next, '.') || isWord(token, ...WORDS);
  });
}
