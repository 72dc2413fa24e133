import { deny } from '../errors.js';
import type { Analysis, ColumnRef, Facts, ObjectName, Output, QueryFacts } from '../sql/facts.js';
import { lex } from '../sql/lexer.js';
import { isIdentifier, isSymbol, isWord } from '../sql/tokens.js';
import { explainClass } from './classes.js';
import type { Finding } from './finding.js';
import { finding } from './finding.js';
import { createGuard, type Guard } from './guard.js';
import { matchesColumn, showColumn } from './patterns.js';
import { judgeExplained, judgeMoved, type QueryQuestion } from './select.js';

/**
 * Why a statement that is not a query may not run because of the values it would carry away, also with a person's approval: a
 * person may approve a change, not that protected values go where no mask reaches them. Protected values may move into
 * columns that the very same rules protect.
 */
export function flowFindings(facts: Facts, question: QueryQuestion): readonly Finding[] {
  const moved = facts.moved ?? (facts.objectType === 'STREAM' ? facts.defined : undefined);
  // Nothing but this judges what a variable is set from: no rule need admit it.
  const isJudged = hasEnforcedMasks(question) || facts.effect !== undefined;
  if (moved === undefined || !isJudged) return [];
  if (moved === 'unread') return [untraced(facts)];
  const what = explainClass(facts);
  const judged = judgeMoved(withoutSafeOutputs(moved, facts, question), question);
  const released = judged.masks.map(({ column, policy, rule }) =>
    finding('protected-column-moved', deny.protectedMove(showColumn(column), what), `${policy}/${rule}`),
  );
  return [...judged.findings, ...released];
}

/** The query inside a statement that is decided like a query: what a variable is set from, what is explained. */
export function queryInside(facts: Facts): QueryFacts | undefined {
  const inside = facts.effect?.kind === 'variable' ? facts.moved : facts.explained;
  return inside === 'unread' ? undefined : inside;
}

/** The statement, and the query inside it as a statement of its own: SET is no way around what is said about queries. */
export function withQueryInside(analysis: Analysis): readonly Analysis[] {
  const query = analysis.read ? queryInside(analysis) : undefined;
  if (!analysis.read || query === undefined) return [analysis];
  return [
    analysis,
    { ...analysis, class: 'SELECT', verb: 'SELECT', objectType: undefined, objects: query.reads, query },
  ];
}

/** What is explained is not run; its answer tells how much of a table a predicate leaves. */
export function explainedFindings(facts: Facts, question: QueryQuestion): readonly Finding[] {
  const { explained } = facts;
  if (explained === undefined) return [];
  return explained === 'unread' ? [untraced(facts)] : judgeExplained(explained, question);
}

function untraced(facts: Facts): Finding {
  const because = facts.unreadBecause ?? 'the columns it would move could not be traced';
  return finding('unread', deny.unread(`${explainClass(facts)}: ${because}`));
}

export function hasEnforcedMasks({ policy }: Pick<QueryQuestion, 'policy'>): boolean {
  return policy.maskingPolicies.some((masking) => masking.enforcement === 'Enforce');
}

/** Leaves out the outputs that go, unchanged, into a column under the same protection. */
function withoutSafeOutputs(moved: QueryFacts, facts: Facts, question: QueryQuestion): QueryFacts {
  const target = namedTarget(facts);
  if (target === undefined) return moved;
  const guard = createGuard(question.who, question.policy, question.nowMs);
  return { ...moved, outputs: moved.outputs.filter((output) => !isSafe(output, target, guard)) };
}

/**
 * The one table that receives the rows, where the outputs are certain to carry the names of its columns: a list of columns
 * behind INSERT, a table made from the query, the assignments of UPDATE.
 */
function namedTarget(facts: Facts): ObjectName | undefined {
  const [target, ...more] = facts.writes;
  if (target === undefined || more.length > 0) return undefined;
  const isNamed =
    facts.class === 'CTAS' || facts.class === 'UPDATE' || (facts.class === 'INSERT' && listsColumns(facts));
  return isNamed ? target : undefined;
}

/** `INSERT INTO name (column, …) …` */
function listsColumns({ canonicalText }: Facts): boolean {
  const lexed = lex(canonicalText);
  if (!lexed.ok) return false;
  const { tokens } = lexed;
  if (!isWord(tokens[0], 'INSERT') || !isWord(tokens[1], 'INTO')) return false;
  const open = tokens.findIndex((token) => isSymbol(token, '('));
  const isName = tokens.slice(2, open).every((token) => isIdentifier(token) || isSymbol(token, '.'));
  const first = tokens[open + 1];
  return open > 2 && isName && isIdentifier(first) && !isWord(first, 'SELECT', 'WITH', 'VALUES');
}

/**
 * Only a plain copy is as safe as its source: a value turned round and partly masked shows its other end. Every rule on the
 * source must be certain to speak about the target; then the same people see the same of both.
 */
function isSafe(output: Output, target: ObjectName, guard: Guard): boolean {
  if (output.direct === undefined || output.name === undefined) return false;
  const into: ColumnRef = { object: target, column: output.name };
  return [...output.sources, output.direct]
    .flatMap((column) => guard(column).enforced)
    .every(({ rule }) => rule.columns.some((pattern) => matchesColumn(pattern, into, 'narrow')));
}
