import { deny } from '../errors.js';
import type { CatalogColumn, ObjectName, QueryFacts } from '../sql/facts.js';
import type { CompiledApprovalRule, ConnectionPolicy } from './compiled.js';
import type { Finding } from './finding.js';
import { finding } from './finding.js';
import { showObject } from './patterns.js';
import { isSpokenAbout } from './protection.js';
import type { MatchedRules } from './rules.js';
import { isSystemObjectAdmitted, systemKind } from './system-objects.js';

interface ObjectQuestion {
  readonly policy: ConnectionPolicy;
  readonly matched: MatchedRules;
}

/** Objects a query reads that nothing admits. */
export function judgeObjects(
  query: QueryFacts,
  { policy, matched }: ObjectQuestion,
  columnsOf: (object: ObjectName) => readonly CatalogColumn[],
): readonly Finding[] {
  const admitting = [...matched.allow, ...matched.hold];
  return query.reads.flatMap((object) => judgeObject(object, columnsOf(object), policy, admitting) ?? []);
}

function judgeObject(
  object: ObjectName,
  columns: readonly CatalogColumn[],
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
      const isCovered = policy.unmatchedObjects === 'Allow' || isSpokenAbout(object, columns, policy);
      return isCovered ? undefined : finding('object-without-policy', deny.objectWithoutPolicy(showObject(object)));
    }
  }
}
