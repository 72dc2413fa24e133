import { deny } from '../errors.js';
import type { ColumnRef, Output, QueryFacts } from '../sql/facts.js';
import type { ConnectionPolicy, Requester } from './compiled.js';
import type { MaskObligation, Reason, SourceMask, WouldMask } from './decision.js';
import type { Finding } from './finding.js';
import { finding, reason } from './finding.js';
import { createGuard, type Guard, type Guarded, isDenied, ruleName } from './guard.js';
import { columnKey } from './keys.js';
import { judgeObjects } from './objects.js';
import { showColumn } from './patterns.js';
import { strictestOf } from './protection.js';
import type { MatchedRules } from './rules.js';
import { maskingAtSource } from './source-masks.js';

/** What masking policies make of a query: what is replaced where, and reasons not to run it at all. */
export interface QueryJudgement {
  readonly findings: readonly Finding[];
  readonly reasons: readonly Reason[];
  readonly masks: readonly MaskObligation[];
  readonly sourceMasks: readonly SourceMask[];
  /** Columns the query mentions and sees or gives masked only. */
  readonly masked: readonly WouldMask[];
  readonly touchesProtected: boolean;
}

/** Who asks, under which rules, and when. */
export interface QueryQuestion {
  readonly who: Requester;
  readonly policy: ConnectionPolicy;
  readonly matched: MatchedRules;
  readonly nowMs: number;
  /** Columns whose values the session holds already (earlier results, variables), outside the query's sources. */
  readonly carried: readonly ColumnRef[];
}

/** Which protected columns the query only ever sees masked. */
type IsMasked = (column: ColumnRef) => boolean;

type OutputJudgement = { readonly finding: Finding } | { readonly mask: MaskObligation } | undefined;

/**
 * Judges a query whose sources are replaced before it runs. A protected column is masked where it is read, so that whatever
 * the query does with it is done to the mask. What cannot be replaced there (predicates Allow, Tokenize, values that come
 * into the query by another way) may only be selected as it is, and is masked in the result.
 */
export function judgeQuery(query: QueryFacts, question: QueryQuestion): QueryJudgement {
  const guard = createGuard(question.who, question.policy, question.nowMs);
  const carried = new Set(question.carried.map(columnKey));
  const source = maskingAtSource(query, guard, (column) => carried.has(columnKey(column)));
  const values = judgeValues(query, guard, source.isMasked);
  const mentioned = new Set(mentionedColumns(query).map(columnKey));
  const seenMasked = source.masks.filter((mask) => mentioned.has(columnKey(mask.column)));
  return {
    ...values,
    findings: [...source.findings, ...values.findings, ...judgeObjects(query, question, source.columnsOf)],
    reasons: [
      ...values.masks.map(maskReason),
      ...sourceReasons(seenMasked, values.masks),
      ...dryRunReasons(query, guard),
    ],
    sourceMasks: source.masks,
    masked: [...values.masks, ...seenMasked].map(({ column, action, policy, rule }) => ({
      column,
      action: action.type,
      policy,
      rule,
    })),
  };
}

/** Judges rows that leave their place by a statement that is not a query: nothing of it is replaced or masked. */
export function judgeMoved(query: QueryFacts, question: QueryQuestion): QueryJudgement {
  const guard = createGuard(question.who, question.policy, question.nowMs);
  const source = maskingAtSource(query, guard, () => true);
  const values = judgeValues(query, guard, () => false);
  return {
    ...values,
    findings: [...values.findings, ...judgeObjects(query, question, source.columnsOf)],
    reasons: dryRunReasons(query, guard),
    sourceMasks: [],
    masked: [],
  };
}

/**
 * Judges a query that is only planned: no value leaves, but the plan tells how much of a table the predicate leaves, and by real
 * values.
 */
export function judgeExplained(query: QueryFacts, question: QueryQuestion): readonly Finding[] {
  const guard = createGuard(question.who, question.policy, question.nowMs);
  const source = maskingAtSource(query, guard, () => true);
  const denied = query.outputs.flatMap(columnsOf).map(guard).filter(isDenied);
  return [
    ...denied.map(deniedFinding),
    ...judgePredicate(query.predicate.map(guard), () => false),
    ...judgeObjects(query, question, source.columnsOf),
  ];
}

function judgeValues(
  query: QueryFacts,
  guard: Guard,
  isMasked: IsMasked,
): Pick<QueryJudgement, 'findings' | 'masks' | 'touchesProtected'> {
  const outputs = query.outputs.map((output, index) => judgeOutput(output, index, guard, isMasked));
  const columnFindings = outputs.flatMap((judged) =>
    judged !== undefined && 'finding' in judged ? [judged.finding] : [],
  );
  const valueFindings = [...columnFindings, ...judgePredicate(query.predicate.map(guard), isMasked)];
  const told = new Set(query.predicate.map(columnKey));
  const isTold = (guarded: Guarded): boolean => guarded.predicates === 'Allow' && told.has(columnKey(guarded.column));
  const raw = query.revealing.filter((column) => !isMasked(column)).map(guard);
  const revealed = valueFindings.length > 0 ? [] : judgeRevealing(raw.filter((guarded) => !isTold(guarded)));
  return {
    findings: [...valueFindings, ...revealed],
    masks: outputs.flatMap((judged) => (judged !== undefined && 'mask' in judged ? [judged.mask] : [])),
    touchesProtected: mentionedColumns(query).some((column) => guard(column).enforced.length > 0),
  };
}

/** Columns that have a say in what the query answers. */
export function mentionedColumns(query: QueryFacts): readonly ColumnRef[] {
  return [...query.outputs.flatMap(columnsOf), ...query.predicate, ...query.computed];
}

function columnsOf(output: Output): readonly ColumnRef[] {
  return output.direct === undefined ? output.sources : [...output.sources, output.direct];
}

function judgeOutput(output: Output, index: number, guard: Guard, isMasked: IsMasked): OutputJudgement {
  const protectedColumns = columnsOf(output)
    .map(guard)
    .filter((column) => column.enforced.length > 0);
  const denied = protectedColumns.find(isDenied);
  if (denied !== undefined) return { finding: deniedFinding(denied) };
  const raw = protectedColumns.filter(({ column }) => !isMasked(column));
  if (output.direct !== undefined && protectedColumns.length > 0) {
    return { mask: obligation(output, index, protectedColumns, raw.length === 0 ? 'second' : 'only') };
  }
  const first = raw[0];
  if (first === undefined) return undefined;
  if (raw.every(({ enforced }) => enforced.every(({ policy }) => policy.onUnresolved === 'MaskAll'))) {
    return { mask: { ...obligation(output, index, raw, 'only'), action: { type: 'Null' } } };
  }
  return {
    finding: finding(
      'protected-column-not-direct',
      deny.cannotMask(`${showColumn(first.column)} inside an expression`),
      strictestName(first),
    ),
  };
}

/** A copy through a view counts as the view's column and as the base column: rules on either bind, the strictest wins. */
function obligation(
  output: Output,
  index: number,
  columns: readonly Guarded[],
  barrier: MaskObligation['barrier'],
): MaskObligation {
  const strictest = strictestOf(columns.flatMap((column) => column.enforced));
  const guarded = columns.find((column) => strictest !== undefined && column.enforced.includes(strictest));
  const action = strictest?.rule.action;
  if (strictest === undefined || guarded === undefined || action === undefined || action.type === 'Deny') {
    throw new Error('an obligation needs a masking action');
  }
  return {
    index,
    name: output.name,
    action,
    policy: strictest.policy.name,
    rule: strictest.rule.name,
    column: guarded.column,
    barrier,
  };
}

function judgePredicate(predicate: readonly Guarded[], isMasked: IsMasked): readonly Finding[] {
  return predicate.flatMap((guarded) => {
    if (guarded.enforced.length === 0) return [];
    if (isDenied(guarded)) return [deniedFinding(guarded)];
    if (!isPredicateRefused(guarded, isMasked)) return [];
    const denial = deny.protectedPredicate(showColumn(guarded.column));
    return [finding('protected-column-in-predicate', denial, strictestName(guarded))];
  });
}

function isPredicateRefused({ column, predicates }: Guarded, isMasked: IsMasked): boolean {
  switch (predicates) {
    case 'Deny':
      return true;
    case 'Mask':
      return !isMasked(column);
    case 'Allow':
      return false;
  }
}

/**
 * Whether a statement fails, and how its rows are sorted, is an answer too: for outputs masked whole or not asked for. Where a
 * predicate may see the column, such an answer says nothing that the predicate does not.
 */
function judgeRevealing(revealing: readonly Guarded[]): readonly Finding[] {
  return revealing.flatMap((guarded) => {
    if (guarded.enforced.length === 0) return [];
    const form = `${showColumn(guarded.column)} inside an expression that can fail by its values or sorts by them`;
    return [finding('protected-column-not-direct', deny.cannotMask(form), strictestName(guarded))];
  });
}

function deniedFinding(guarded: Guarded): Finding {
  return finding('protected-column-denied', deny.protectedColumn(showColumn(guarded.column)), strictestName(guarded));
}

function strictestName({ strictest }: Guarded): string | undefined {
  return strictest === undefined ? undefined : ruleName(strictest);
}

function maskReason(mask: MaskObligation): Reason {
  const message = `Output ${mask.index + 1} carries ${showColumn(mask.column)}, masked (${mask.action.type}).`;
  return reason('masked', message, `${mask.policy}/${mask.rule}`);
}

/** A column that an obligation speaks about needs no second sentence. */
function sourceReasons(masks: readonly SourceMask[], obligations: readonly MaskObligation[]): readonly Reason[] {
  const told = new Set(obligations.map((mask) => columnKey(mask.column)));
  return masks
    .filter((mask) => !told.has(columnKey(mask.column)))
    .map(({ column, action, policy, rule }) =>
      reason('masked', `${showColumn(column)} is masked where it is read (${action.type}).`, `${policy}/${rule}`),
    );
}

function dryRunReasons(query: QueryFacts, guard: Guard): readonly Reason[] {
  const reasons = new Map<string, Reason>();
  for (const { column, dryRun } of mentionedColumns(query).map(guard)) {
    for (const protection of dryRun) {
      const message = `DryRun: ${showColumn(column)} would have been protected (${protection.rule.action.type}).`;
      reasons.set(`${ruleName(protection)} ${message}`, reason('dry-run', message, ruleName(protection)));
    }
  }
  return [...reasons.values()];
}
