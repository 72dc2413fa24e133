import type { CatalogColumn, ColumnRef, ObjectName } from '../sql/facts.js';
import { type ColumnMatcher, createRuleMatcher, isMarkedFor } from './column-match.js';
import type {
  CompiledMaskingPolicy,
  CompiledMaskingRule,
  ConnectionPolicy,
  Exemption,
  PredicateMode,
  Requester,
} from './compiled.js';
import { objectKey } from './keys.js';
import { matchesObject } from './patterns.js';

/** One rule that protects a column from a requester. */
export interface Protection {
  readonly policy: CompiledMaskingPolicy;
  readonly rule: CompiledMaskingRule;
}

/** Without a clock every exemption that has an end is over. */
export const END_OF_TIME = Number.POSITIVE_INFINITY;

/** Every rule that speaks about `column` and exempts `requester` by none of its entries; DryRun policies included. */
export function protectionsOf(
  column: ColumnRef,
  requester: Requester,
  policy: ConnectionPolicy,
  nowMs: number = END_OF_TIME,
): readonly Protection[] {
  return createProtections(requester, policy, nowMs)(column);
}

/**
 * `protectionsOf` for many columns: tables are wide, so what only depends on the requester or on the table is found once for all of
 * its columns.
 */
export function createProtections(
  requester: Requester,
  policy: ConnectionPolicy,
  nowMs: number,
): (column: ColumnRef) => readonly Protection[] {
  const binding = policy.maskingPolicies.flatMap((masking) =>
    masking.rules
      .filter((rule) => !rule.unless.some((exemption) => isExempt(exemption, requester, nowMs)))
      .map((rule) => ({ protection: { policy: masking, rule }, matcher: createRuleMatcher(rule) })),
  );
  const byObject = new Map<string, readonly { readonly protection: Protection; readonly fits: ColumnMatcher }[]>();
  return (column) => {
    const key = objectKey(column.object);
    const candidates =
      byObject.get(key) ??
      binding.flatMap(({ protection, matcher }) => {
        const fits = matcher(column.object);
        return fits === undefined ? [] : [{ protection, fits }];
      });
    byObject.set(key, candidates);
    const upperName = column.column.toUpperCase();
    return candidates.filter(({ fits }) => fits(column, upperName)).map(({ protection }) => protection);
  };
}

/** An end that cannot be read has come. */
export function isExempt(exemption: Exemption, requester: Requester, nowMs: number): boolean {
  if (exemption.expiresAt !== undefined && !(Date.parse(exemption.expiresAt) > nowMs)) return false;
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

const UNITS = ['Hour', 'Day', 'Week', 'Month', 'Quarter', 'Year'] as const;

/** The protection that hides most. Equal actions are settled by what they keep, then by name, so the choice never wavers. */
export function strictestOf(protections: readonly Protection[]): Protection | undefined {
  return [...protections].sort(compareProtections)[0];
}

function compareProtections(a: Protection, b: Protection): number {
  return (
    strictness(b.rule.action) - strictness(a.rule.action) ||
    kept(a) - kept(b) ||
    compareText(a.policy.name, b.policy.name) ||
    compareText(a.rule.name, b.rule.name)
  );
}

/** How much a value shows through, comparable between equal actions only. */
function kept({ rule: { action } }: Protection): number {
  switch (action.type) {
    case 'Partial':
      return action.keepFirst + action.keepLast;
    case 'Bucket':
      return -action.size;
    case 'DateTruncate':
      return -UNITS.indexOf(action.unit);
    case 'Redact':
    case 'Null':
    case 'Hash':
    case 'Constant':
    case 'Tokenize':
    case 'Deny':
      return 0;
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const PREDICATE_MODES: readonly PredicateMode[] = ['Deny', 'Mask', 'Allow'];

/** The strictest word about predicates; Mask where nobody speaks. */
export function strictestPredicates(protections: readonly Protection[]): PredicateMode {
  const modes = protections.map(({ policy }) => policy.predicates ?? 'Mask');
  return PREDICATE_MODES.find((mode) => modes.includes(mode)) ?? 'Mask';
}

/**
 * True when an enforced policy speaks about the object: by a column pattern, or by a tag or category that is on one of its
 * columns. A data type is in every table, so it speaks about none. DryRun policies do not count: putting a policy into DryRun
 * must not open objects that nothing protects.
 */
export function isSpokenAbout(
  object: ObjectName,
  columns: readonly CatalogColumn[],
  policy: ConnectionPolicy,
): boolean {
  return policy.maskingPolicies.some(
    (masking) =>
      masking.enforcement === 'Enforce' &&
      masking.rules.some(
        (rule) =>
          rule.columns.some((pattern) => matchesObject(pattern, object, 'narrow')) ||
          columns.some((column) => isMarkedFor(rule, column)),
      ),
  );
}
