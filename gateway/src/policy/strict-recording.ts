import type { Analysis } from '../sql/facts.js';
import { classGroup, isSessionGroup } from './classes.js';
import { createRuleMatcher } from './column-match.js';
import type { CompiledMaskingPolicy, ConnectionPolicy } from './compiled.js';
import { withQueryInside } from './flow-findings.js';
import { maySpeakAbout } from './rules.js';
import { mentionedColumns } from './select.js';

/**
 * The policies and rules that want the statement recorded in `strict`, sorted; whoever asks, as those who are exempt see real
 * values. Doubts fall on the side of recording.
 */
export function strictDemands(analysis: Analysis, policy: ConnectionPolicy): readonly string[] {
  const rules = policy.rules.filter(({ recording }) => recording === 'Strict');
  const policies = policy.maskingPolicies.filter(
    ({ recording, enforcement }) => recording === 'Strict' && enforcement === 'Enforce',
  );
  if (rules.length + policies.length === 0) return [];
  const statements = withQueryInside(analysis);
  const speaking = rules.filter((rule) => statements.some((statement) => maySpeakAbout(rule, statement)));
  const touched = policies.filter((masking) => touches(analysis, masking));
  return [
    ...speaking.map(({ name }) => `ApprovalRule ${name}`),
    ...touched.map(({ name }) => `MaskingPolicy ${name}`),
  ].sort();
}

/** Whether a statement may have to do with a column that the policy protects from anybody. */
function touches(analysis: Analysis, { rules }: CompiledMaskingPolicy): boolean {
  if (rules.length === 0) return false;
  if (!analysis.read) return true;
  const traced = [analysis.query, analysis.moved, analysis.defined, analysis.explained];
  if (traced.includes('unread')) return true;
  const matchers = rules.map(createRuleMatcher);
  const mentioned = traced.flatMap((query) => (typeof query === 'object' ? mentionedColumns(query) : []));
  const isMentioned = mentioned.some((column) =>
    matchers.some((matcher) => matcher(column.object)?.(column, column.column.toUpperCase())),
  );
  if (isMentioned || analysis.query !== undefined) return isMentioned;
  if (readsNoRows(analysis)) return false;
  // Which columns it works on is not in the facts: any of its tables may be meant.
  const objects = [...analysis.objects, ...analysis.writes];
  return runsCode(analysis) || objects.some((object) => matchers.some((matcher) => matcher(object) !== undefined));
}

function readsNoRows(statement: Analysis): boolean {
  const group = classGroup(statement);
  return isSessionGroup(group) || group === 'show' || group === 'describe' || group === 'explain';
}

function runsCode(statement: Analysis): boolean {
  const group = classGroup(statement);
  return group === 'opaque' || group === 'other';
}
