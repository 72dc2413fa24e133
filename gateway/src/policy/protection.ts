import type { ColumnRef, ObjectName } from '../sql/facts.js';
import type { CompiledMaskingPolicy, CompiledMaskingRule, ConnectionPolicy, Exemption, Requester } from './compiled.js';
import { matchesColumn, matchesObject } from './patterns.js';

/** One rule that protects a column from a requester. */
export interface Protection {
  readonly policy: CompiledMaskingPolicy;
  readonly rule: CompiledMaskingRule;
}

/** Every rule that speaks about `column` and exempts `requester` by none of its entries; DryRun policies included. */
export function protectionsOf(
  column: ColumnRef,
  requester: Requester,
  policy: ConnectionPolicy,
): readonly Protection[] {
  return policy.maskingPolicies.flatMap((masking) =>
    masking.rules
      .filter((rule) => rule.columns.some((pattern) => matchesColumn(pattern, column)))
      .filter((rule) => !rule.unless.some((exemption) => isExempt(exemption, requester)))
      .map((rule) => ({ policy: masking, rule })),
  );
}

export function isExempt(exemption: Exemption, requester: Requester): boolean {
  switch (exemption.kind) {
    case 'Group':
      return requester.groups.includes(exemption.name);
    case 'User':
      return exemption.name === `${requester.issuer}#${requester.subject}` || exemption.name === requester.subject;
    case 'Claim': {
      const claims = requester.claims;
      if (claims === undefined || !Object.hasOwn(claims, exemption.name)) return false;
      const claim = claims[exemption.name];
      return claim === exemption.value || (Array.isArray(claim) && claim.includes(exemption.value));
    }
  }
}

const STRICTNESS = [
  'Partial',
  'Bucket',
  'DateTruncate',
  'Tokenize',
  'Hash',
  'Constant',
  'Redact',
  'Null',
  'Deny',
] as const;

/** How much an action hides; a larger number hides more. */
export function strictness(action: CompiledMaskingRule['action']): number {
  return STRICTNESS.indexOf(action.type);
}

/** The protection that hides most. Equal actions are settled by what they keep, then by name, so the choice never wavers. */
export function strictestOf(protections: readonly Protection[]): Protection | undefined {
  return [...protections].sort(compareProtections)[0];
}

function compareProtections(a: Protection, b: Protection): number {
  return (
    strictness(b.rule.action) - strictness(a.rule.action) ||
    keptCharacters(a) - keptCharacters(b) ||
    compareText(a.policy.name, b.policy.name) ||
    compareText(a.rule.name, b.rule.name)
  );
}

function keptCharacters(protection: Protection): number {
  const action = protection.rule.action;
  return action.type === 'Partial' ? action.keepFirst + action.keepLast : 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * True when an enforced policy has a column pattern for the object. DryRun policies do not count: putting a policy into
 * DryRun must not open objects that nothing protects.
 */
export function isSpokenAbout(object: ObjectName, policy: ConnectionPolicy): boolean {
  return policy.maskingPolicies.some(
    (masking) =>
      masking.enforcement === 'Enforce' &&
      masking.rules.some((rule) => rule.columns.some((pattern) => matchesObject(pattern, object, 'narrow'))),
  );
}
