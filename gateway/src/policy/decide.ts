import { deny } from '../errors.js';
import type { Analysis, ColumnRef, Facts, SessionContext, Unread, UnreadKind } from '../sql/facts.js';
import type { ClassGroup } from './classes.js';
import { classGroup, explainClass, isSessionGroup, statementTypes } from './classes.js';
import type { CompiledApprovalRule, ConnectionPolicy, Requester } from './compiled.js';
import type { ApprovalDemand, Decision, OutputExpectation, Reason } from './decision.js';
import { compareDryRun, type Decided, withEverythingEnforced } from './dry-run.js';
import type { Finding } from './finding.js';
import { finding, reason } from './finding.js';
import { explainedFindings, flowFindings, hasEnforcedMasks, queryInside, withQueryInside } from './flow-findings.js';
import { hazardFindings } from './hazards.js';
import { explainMetadata, isFreeMetadata, metadataKindOf } from './metadata.js';
import { showName } from './patterns.js';
import { END_OF_TIME } from './protection.js';
import { checkMovesNothing, holdsPlaceholder } from './provable.js';
import type { MatchedRules } from './rules.js';
import { matchRules } from './rules.js';
import type { QueryJudgement } from './select.js';
import { judgeQuery } from './select.js';
import { checkSessionEffect } from './session-rules.js';
import { strictDemands } from './strict-recording.js';

interface Question {
  readonly analysis: Analysis;
  readonly group: ClassGroup;
  readonly context: SessionContext;
  readonly policy: ConnectionPolicy;
  readonly who: Requester;
  readonly matched: MatchedRules;
  readonly nowMs: number;
  readonly carried: readonly ColumnRef[];
}

/**
 * What may be done with one statement. Pure: equal arguments give equal decisions. The strictest voice wins (Block over
 * Hold over Allow), every reason is listed, and the first one is what the caller is told. What nothing admits is blocked.
 * `nowMs` (since the epoch) tells which exemptions still hold.
 */
export function decide(
  analysis: Analysis,
  who: Requester,
  context: SessionContext,
  policy: ConnectionPolicy,
  nowMs: number = END_OF_TIME,
): Decision {
  const decided = decideUnder(policy, { analysis, who, context, nowMs });
  const strictBy = strictDemands(analysis, policy);
  const decision = strictBy.length === 0 ? decided.decision : { ...decided.decision, strictBy };
  if (policy.maskingPolicies.every((masking) => masking.enforcement === 'Enforce')) return decision;
  const dryRun = compareDryRun(decided, decideUnder(withEverythingEnforced(policy), { analysis, who, context, nowMs }));
  return dryRun === undefined ? decision : { ...decision, dryRun };
}

function decideUnder(
  policy: ConnectionPolicy,
  asked: Pick<Question, 'analysis' | 'who' | 'context' | 'nowMs'>,
): Decided {
  const { analysis, context } = asked;
  const matched = matchAll(analysis, policy.rules);
  const carried = carriedColumns(analysis, context);
  const question: Question = { ...asked, group: classGroup(analysis), policy, matched, carried };
  const query = analysis.read && analysis.query !== undefined ? judgeQuery(analysis.query, question) : undefined;
  const findings = collectFindings(question, query);
  const common = { class: analysis.class, objects: analysis.objects, policyRevision: policy.revision };
  const first = findings[0];
  const masked = query?.masked ?? [];
  if (first !== undefined) {
    const reasons = [...findings.map((found) => found.reason), ...(query?.reasons ?? [])];
    return { decision: { ...common, verdict: 'block', reasons, denial: first.denial }, findings, masked };
  }
  const admitted = {
    ...common,
    reasons: [...admittingReasons(question), ...(query?.reasons ?? [])],
    masks: query?.masks ?? [],
    sourceMasks: query?.sourceMasks ?? [],
    outputs: expectation(analysis, query),
  };
  const decision: Decision =
    matched.hold.length > 0
      ? { ...admitted, verdict: 'hold', approval: demandOf(matched.hold) }
      : { ...admitted, verdict: 'allow' };
  return { decision, findings, masked };
}

/** A query inside another statement meets the rules on queries as well. */
function matchAll(analysis: Analysis, rules: readonly CompiledApprovalRule[]): MatchedRules {
  const matched = withQueryInside(analysis).map((statement) => matchRules(statement, rules));
  const both = (action: keyof MatchedRules): readonly CompiledApprovalRule[] => [
    ...new Set(matched.flatMap((found) => found[action])),
  ];
  return { block: both('block'), hold: both('hold'), allow: both('allow') };
}

/**
 * Columns whose values the session holds already: those variables may depend on, and, where the statement reads an earlier
 * result, those of every result. They come into a query without being read at a source that could be replaced.
 */
function carriedColumns(analysis: Analysis, { facts }: SessionContext): readonly ColumnRef[] {
  if (facts === undefined || !analysis.read) return [];
  const variables = Object.values(facts.variables).flat();
  if (!analysis.identifiers.some((name) => name.toUpperCase() === 'RESULT_SCAN')) return variables;
  const results = facts.results.flatMap((result) => [
    ...result.columns.flatMap((column) => column.sources),
    ...result.predicate,
  ]);
  return [...variables, ...results];
}

/** Every reason to block, the most telling first. */
function collectFindings(question: Question, query: QueryJudgement | undefined): readonly Finding[] {
  const { analysis } = question;
  const rest = analysis.read ? [...readFindings(question, analysis, query)] : unreadFindings(question, analysis);
  // A statement of unknown type meets every Block rule; why it is unread tells its author more than a rule's name.
  const isTypeKnown = statementTypes(analysis).some((type) => type !== 'Unread');
  return [
    ...fileTransferFindings(question),
    ...(isTypeKnown ? [] : rest),
    ...ruleFindings(question),
    ...rejectedFindings(question),
    ...writeBackFindings(question),
    ...(isTypeKnown ? rest : []),
  ];
}

function fileTransferFindings({ group }: Question): readonly Finding[] {
  return group === 'file-transfer' ? [finding('no-rule-admits', deny.fileTransfer())] : [];
}

function ruleFindings({ analysis, matched }: Question): readonly Finding[] {
  return matched.block.map((rule) =>
    finding('blocked-by-rule', deny.blockedByRule(rule.name, explainClass(analysis), rule.alternative), rule.name),
  );
}

/** While a policy is not in force as written, only the session itself and constant queries remain. */
function rejectedFindings({ analysis, group, policy }: Question): readonly Finding[] {
  const query = analysis.read ? (analysis.query ?? queryInside(analysis)) : undefined;
  const isOfSession = analysis.read && isSessionGroup(group) && analysis.moved === undefined;
  if (isOfSession || query?.reads.length === 0) return [];
  return policy.rejected.map((name) => finding('policy-rejected', deny.policyRejected(showName(name)), name));
}

/** Placeholders are recognised in literals; bind values are the caller's to check. */
function writeBackFindings({ analysis, group }: Question): readonly Finding[] {
  const text = analysis.canonicalText;
  if (group !== 'row-change' || text === undefined || !holdsPlaceholder(text)) return [];
  return [finding('placeholder-written-back', deny.maskedWriteBack('a literal'))];
}

const NEVER_HELD: ReadonlySet<UnreadKind> = new Set<UnreadKind>([
  'lexical',
  'too-large',
  'empty',
  'several-statements',
  'flow',
  'script',
  'dynamic',
]);

/** Groups that return counters and messages, never rows of tables: nothing would leave unmasked. */
const RETURNS_NO_ROWS: ReadonlySet<ClassGroup> = new Set<ClassGroup>([
  'row-change',
  'definition',
  'grant',
  'load',
  'unload',
  'copying',
]);

/** Where reading stopped, counted in the text as it was submitted. */
function placeOf({ span }: Unread): string {
  return span === undefined ? '' : `, at character ${span.start + 1}`;
}

function unreadFindings({ analysis, group, matched }: Question, unread: Unread): readonly Finding[] {
  const held = matched.hold.some((rule) => rule.match.statementTypes?.includes('Unread') === true);
  const holdable = unread.canonicalText !== undefined && !NEVER_HELD.has(unread.kind) && RETURNS_NO_ROWS.has(group);
  return held && holdable
    ? []
    : [finding('unread', deny.unread(`${explainClass(analysis)}: ${unread.detail}${placeOf(unread)}`))];
}

function readFindings(question: Question, facts: Facts, query: QueryJudgement | undefined): readonly Finding[] {
  const { group, policy, context } = question;
  if (isSessionGroup(group)) {
    const refusal = checkSessionEffect(facts, policy);
    if (refusal !== undefined) return [finding(refusal.kind, refusal.denial)];
    if (facts.moved === undefined) return [];
  }
  const role = context.role;
  const foreignRole =
    role !== undefined && !policy.allowedRoles.includes(role)
      ? [finding('role-not-offered', deny.roleNotOffered(showName(role), policy.allowedRoles.map(showName)))]
      : [];
  const rest = (): readonly Finding[] => {
    if (group === 'select') return selectFindings(query);
    return isSessionGroup(group) ? flowFindings(facts, question) : otherFindings(question, facts);
  };
  return [...foreignRole, ...rest()];
}

function selectFindings(query: QueryJudgement | undefined): readonly Finding[] {
  return query === undefined ? [finding('unread', deny.unread('its columns were not traced'))] : query.findings;
}

function otherFindings(question: Question, facts: Facts): readonly Finding[] {
  const { group, matched, policy } = question;
  if (group === 'show' || group === 'describe') return metadataFindings(question, facts);
  if (group === 'explain' && facts.explained !== undefined) return explainedFindings(facts, question);
  if (group === 'other' || (matched.hold.length === 0 && matched.allow.length === 0)) {
    return [finding('no-rule-admits', deny.noRuleAdmits(explainClass(facts)))];
  }
  if (group === 'opaque' && hasEnforcedMasks(question)) {
    return [finding('unread', deny.unread(`${explainClass(facts)} runs code whose result cannot be masked`))];
  }
  const moves = flowFindings(facts, question);
  if (moves.length > 0 || matched.hold.length > 0) return moves;
  const why = checkMovesNothing(facts, group, policy);
  return [...(why === undefined ? [] : [finding('unread', deny.unread(why))]), ...hazardFindings(facts)];
}

/** No mask reaches what SHOW and DESCRIBE tell. */
function metadataFindings({ matched }: Question, facts: Facts): readonly Finding[] {
  const kind = metadataKindOf(facts);
  const what = explainMetadata(facts);
  if (kind === undefined) return [finding('unread', deny.unread(`what ${what} tells is not known`))];
  if (kind === 'session-values') {
    return [finding('unread', deny.unread(`${what} tells what an earlier statement left, which may be a value`))];
  }
  const isAdmitted = isFreeMetadata(kind) || matched.hold.length > 0 || matched.allow.length > 0;
  return isAdmitted ? [] : [finding('no-rule-admits', deny.noRuleAdmits(what))];
}

function expectation(analysis: Analysis, query: QueryJudgement | undefined): OutputExpectation | undefined {
  if (!analysis.read || analysis.query === undefined) return undefined;
  return {
    names: analysis.query.outputs.map((output) => output.name),
    touchesProtected: query?.touchesProtected ?? true,
  };
}

function admittingReasons({ analysis, matched }: Question): readonly Reason[] {
  const what = explainClass(analysis);
  if (matched.hold.length > 0) {
    return matched.hold.map((rule) => reason('held-by-rule', `Rule "${rule.name}" holds ${what}.`, rule.name));
  }
  if (matched.allow.length > 0) {
    return matched.allow.map((rule) => reason('allowed-by-rule', `Rule "${rule.name}" allows ${what}.`, rule.name));
  }
  return [reason('allowed-by-default', `${what} is allowed where no rule speaks about it.`)];
}

function demandOf(rules: readonly CompiledApprovalRule[]): ApprovalDemand {
  const quorums = rules.map((rule) => ({
    rule: rule.name,
    groups: rule.approval?.groups ?? [],
    users: rule.approval?.users ?? [],
    minApprovals: Math.max(1, rule.approval?.minApprovals ?? 1),
  }));
  return {
    rules: rules.map((rule) => rule.name),
    quorums,
    timeoutSeconds: Math.min(...rules.map((rule) => rule.approval?.timeoutSeconds ?? 0)),
    messages: rules.flatMap((rule) => (rule.message === undefined ? [] : [rule.message])),
  };
}
