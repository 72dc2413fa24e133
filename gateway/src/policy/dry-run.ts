import type { ConnectionPolicy } from './compiled.js';
import type { Decision, DryRun, WouldMask } from './decision.js';
import type { Finding } from './finding.js';
import { columnKey } from './keys.js';

/** A decision and what led to it. */
export interface Decided {
  readonly decision: Decision;
  readonly findings: readonly Finding[];
  readonly masked: readonly WouldMask[];
}

export function withEverythingEnforced(policy: ConnectionPolicy): ConnectionPolicy {
  const maskingPolicies = policy.maskingPolicies.map((masking) => ({ ...masking, enforcement: 'Enforce' as const }));
  return { ...policy, maskingPolicies };
}

/** What enforcing every policy would change; undefined where it would change nothing. */
export function compareDryRun(now: Decided, would: Decided): DryRun | undefined {
  const isMaskedNow = new Set(now.masked.map(maskKey));
  const saidNow = new Set(now.findings.map(({ reason }) => JSON.stringify(reason)));
  const masked = [...new Map(would.masked.map((mask) => [maskKey(mask), mask])).values()].filter(
    (mask) => !isMaskedNow.has(maskKey(mask)),
  );
  const blocked = would.findings.map((found) => found.reason).filter((reason) => !saidNow.has(JSON.stringify(reason)));
  const { verdict } = would.decision;
  if (masked.length === 0 && blocked.length === 0 && verdict === now.decision.verdict) return undefined;
  return { verdict, masked, blocked };
}

function maskKey({ column, action, policy, rule }: WouldMask): string {
  return JSON.stringify([columnKey(column), action, policy, rule]);
}
