import { deny } from '../errors.js';
import type { ColumnRef, ObjectName, Output, QueryFacts } from '../sql/facts.js';
import type { CompiledApprovalRule, ConnectionPolicy, Requester } from './compiled.js';
import type { MaskObligation, Reason } from './decision.js';
import type { Finding } from './finding.js';
import { finding, reason } from './finding.js';
import { showColumn, showObject } from './patterns.js';
import type { Protection } from './protection.js';
import { isSpokenAbout, protectionsOf, strictestOf } from './protection.js';
import type { MatchedRules } from './rules.js';
import { isSystemObjectAdmitted, systemKind } from './system-objects.js';

/** What masking policies make of a query: obligations on its outputs, and reasons not to run it at all. */
export interface QueryJudgement {
  readonly findings: readonly Finding[];
  readonly reasons: readonly Reason[];
  readonly masks: readonly MaskObligation[];
  readonly touchesProtected: boolean;
}

interface Guarded {
  readonly column: ColumnRef;
  readonly enforced: readonly Protection[];
  readonly dryRun: readonly Protection[];
}

type OutputJudgement = { readonly finding: Finding } | { readonly mask: MaskObligation } | undefined;

/**
 * Judges every output, every predicate column and every object of a query. An output that is a plain copy of one
 * protected column gets the strictest action; any other use of a protected column blocks.
 */
export function judgeQuery(
  query: QueryFacts,
  who: Requester,
  policy: ConnectionPolicy,
  matched: MatchedRules,
): QueryJudgement {
  const guard = createGuard(who, policy);
  const outputs = query.outputs.map((output, index) => judgeOutput(output, index, guard));
  const predicate = query.predicate.map(guard);
  const columnFindings = outputs.flatMap((judged) =>
    judged !== undefined && 'finding' in judged ? [judged.finding] : [],
  );
  const masks = outputs.flatMap((judged) => (judged !== undefined && 'mask' in judged ? [judged.mask] : []));
  const computed = query.computed.map(guard);
  const guarded = [...query.outputs.flatMap(columnsOf).map(guard), ...predicate, ...computed];
  const valueFindings = [...columnFindings, ...judgePredicate(predicate)];
  const revealed = valueFindings.length > 0 ? [] : judgeRevealing(query.revealing.map(guard));
  return {
    findings: [...valueFindings, ...revealed, ...judgeObjects(query, policy, matched)],
    reasons: [...masks.map(maskReason), ...dryRunReasons(guarded)],
    masks,
    touchesProtected: guarded.some((column) => column.enforced.length > 0),
  };
}

/** Looks each column up once per question, however often the query mentions it. */
function createGuard(who: Requester, policy: ConnectionPolicy): (column: ColumnRef) => Guarded {
  const known = new Map<string, Guarded>();
  return (column) => {
    const key = JSON.stringify([column.object.database, column.object.schema, column.object.name, column.column]);
    const guarded = known.get(key) ?? guardOf(column, who, policy);
    known.set(key, guarded);
    return guarded;
  };
}

function guardOf(column: ColumnRef, who: Requester, policy: ConnectionPolicy): Guarded {
  const protections = protectionsOf(column, who, policy);
  return {
    column,
    enforced: protections.filter((protection) => protection.policy.enforcement === 'Enforce'),
    dryRun: protections.filter((protection) => protection.policy.enforcement === 'DryRun'),
  };
}

function columnsOf(output: Output): readonly ColumnRef[] {
  return output.direct === undefined ? output.sources : [...output.sources, output.direct];
}

function judgeOutput(output: Output, index: number, guard: (column: ColumnRef) => Guarded): OutputJudgement {
  const protectedColumns = columnsOf(output)
    .map(guard)
    .filter((column) => column.enforced.length > 0);
  const first = protectedColumns[0];
  if (first === undefined) return undefined;
  for (const { column, enforced } of protectedColumns) {
    const denying = enforced.find((protection) => protection.rule.action.type === 'Deny');
    if (denying !== undefined) {
      return {
        finding: finding('protected-column-denied', deny.protectedColumn(showColumn(column)), ruleName(denying)),
      };
    }
  }
  if (output.direct !== undefined) return { mask: obligation(output, index, protectedColumns) };
  if (protectedColumns.every(({ enforced }) => enforced.every(({ policy }) => policy.onUnresolved === 'MaskAll'))) {
    return { mask: { ...obligation(output, index, protectedColumns), action: { type: 'Null' } } };
  }
  const speaking = strictestOf(first.enforced);
  return {
    finding: finding(
      'protected-column-not-direct',
      deny.cannotMask(`${showColumn(first.column)} inside an expression`),
      speaking === undefined ? undefined : ruleName(speaking),
    ),
  };
}

/** A copy through a view counts as the view's column and as the base column: rules on either bind, the strictest wins. */
function obligation(output: Output, index: number, columns: readonly Guarded[]): MaskObligation {
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
    barrier: 'only',
  };
}

function judgePredicate(predicate: readonly Guarded[]): readonly Finding[] {
  return predicate.flatMap(({ column, enforced }) => {
    const strictest = strictestOf(enforced);
    return strictest === undefined
      ? []
      : [finding('protected-column-in-predicate', deny.protectedPredicate(showColumn(column)), ruleName(strictest))];
  });
}

/** Whether a statement fails, and how its rows are sorted, is an answer too: for outputs masked whole or not asked for. */
function judgeRevealing(revealing: readonly Guarded[]): readonly Finding[] {
  return revealing.flatMap(({ column, enforced }) => {
    const strictest = strictestOf(enforced);
    if (strictest === undefined) return [];
    const form = `${showColumn(column)} inside an expression that can fail by its values or sorts by them`;
    return [finding('protected-column-not-direct', deny.cannotMask(form), ruleName(strictest))];
  });
}

function judgeObjects(query: QueryFacts, policy: ConnectionPolicy, matched: MatchedRules): readonly Finding[] {
  const admitting = [...matched.allow, ...matched.hold];
  return query.reads.map((object) => judgeObject(object, policy, admitting)).filter((found) => found !== undefined);
}

function judgeObject(
  object: ObjectName,
  policy: ConnectionPolicy,
  admitting: readonly CompiledApprovalRule[],
): Finding | undefined {
  switch (systemKind(object)) {
    case 'names':
      return undefined;
    case 'system': {
      const what = `reading ${showObject(object)}, which tells about other sessions and accounts,`;
      return isSystemObjectAdmitted(object, admitting) ? undefined : finding('no-rule-admits', deny.noRuleAdmits(what));
    }
    case 'ordinary': {
      const isCovered = policy.unmatchedObjects === 'Allow' || isSpokenAbout(object, policy);
      return isCovered ? undefined : finding('object-without-policy', deny.objectWithoutPolicy(showObject(object)));
    }
  }
}

function maskReason(mask: MaskObligation): Reason {
  const message = `Output ${mask.index + 1} carries ${showColumn(mask.column)}, masked (${mask.action.type}).`;
  return reason('masked', message, `${mask.policy}/${mask.rule}`);
}

function dryRunReasons(guarded: readonly Guarded[]): readonly Reason[] {
  const reasons = new Map<string, Reason>();
  for (const { column, dryRun } of guarded) {
    for (const protection of dryRun) {
      const message = `DryRun: ${showColumn(column)} would have been protected (${protection.rule.action.type}).`;
      reasons.set(`${ruleName(protection)} ${message}`, reason('masked', message, ruleName(protection)));
    }
  }
  return [...reasons.values()];
}

function ruleName({ policy, rule }: Protection): string {
  return `${policy.name}/${rule.name}`;
}
