import { readClaim } from './claim-path.js';
import { groupsByRule } from './group-rules.js';
import type { Principal } from './principal.js';
import type { TrustedIssuer } from './trusted-issuer.js';

const MAX_TEXT_CHARACTERS = 512;

/** The principal a verified set of claims describes, or why it describes none. */
export type PrincipalOutcome =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly kind: 'claims' | 'group-overage'; readonly why: string };

/**
 * Maps verified claims to a principal by the issuer's mapping. Call it only after the signature was checked.
 *
 * A mapped claim that is present in another form than text is a refusal, not an absence: half an identity is none.
 */
export function claimsToPrincipal(claims: unknown, issuer: TrustedIssuer, tokenDigest: string): PrincipalOutcome {
  const { claims: mapping } = issuer;
  const texts = {
    subject: mapping.principal ?? 'sub',
    displayName: mapping.displayName,
    agent: mapping.agent,
    instance: mapping.instance,
    delegator: mapping.delegator,
    task: mapping.task,
  };
  const read: { [name in keyof typeof texts]?: string | undefined } = {};
  for (const name of ['subject', 'displayName', 'agent', 'instance', 'delegator', 'task'] as const) {
    const path = texts[name];
    const value = path === undefined ? undefined : readClaim(claims, path);
    if (value === undefined || value === null) continue;
    if (!isPlainText(value)) return { ok: false, kind: 'claims', why: `its claim "${path}" is not a plain text` };
    read[name] = value;
  }
  if (read.subject === undefined)
    return { ok: false, kind: 'claims', why: `it has no claim "${texts.subject}" that names its subject` };

  if (hasGroupOverage(claims, mapping.groups)) {
    return {
      ok: false,
      kind: 'group-overage',
      why: 'its subject is in more groups than the issuer puts into a token, so the groups are missing; have the issuer send only the groups assigned to this application',
    };
  }
  const groups = groupsClaim(claims, mapping.groups);
  if (groups === undefined)
    return { ok: false, kind: 'claims', why: `its claim "${mapping.groups}" is not a list of texts` };

  const all = [...new Set([...groups, ...groupsByRule(claims, issuer.groupRules ?? [])])];
  return {
    ok: true,
    principal: Object.freeze({
      issuer: issuer.url,
      subject: read.subject,
      name: read.displayName ?? read.subject,
      groups: Object.freeze(all),
      agent: read.agent,
      instance: read.instance,
      delegator: read.delegator,
      task: read.task,
      tokenDigest,
    }),
  };
}

/** Not empty, not long, and without characters that could disguise it where it is shown. */
function isPlainText(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= MAX_TEXT_CHARACTERS &&
    !/[\p{C}\p{Zl}\p{Zp}]/u.test(value)
  );
}

/** Undefined when the claim has another form than text or a list of texts. */
function groupsClaim(claims: unknown, path: string | undefined): readonly string[] | undefined {
  const value = path === undefined ? undefined : readClaim(claims, path);
  if (value === undefined || value === null) return [];
  const groups: readonly unknown[] = Array.isArray(value) ? value : [value];
  return groups.every(isPlainText) ? groups : undefined;
}

/** Entra ID replaces a long groups claim by a link (`_claim_names`) or a flag (`hasgroups`). */
function hasGroupOverage(claims: unknown, path: string | undefined): boolean {
  if (path === undefined) return false;
  const flag = readClaim(claims, 'hasgroups');
  if (flag === true || flag === 'true') return true;
  const names = readClaim(claims, '_claim_names');
  return typeof names === 'object' && names !== null && (Object.hasOwn(names, path) || Object.hasOwn(names, 'groups'));
}
