/**
 * An issuer a connection trusts, as `SnowflakeConnection.spec.issuers[]` declares it. Claims are named as in
 * `readClaim`.
 */
export interface TrustedIssuer {
  readonly name: string;
  /** Compared with the token's `iss` character by character. */
  readonly url: string;
  /** The only audience a token may name. */
  readonly audience: string;
  /** Where the signing keys are; found by OIDC discovery when absent. */
  readonly jwksUri?: string | undefined;
  /** Asymmetric signature algorithms the issuer may use; `none` and `HS*` are refused even if listed. */
  readonly algorithms: readonly string[];
  readonly claims: ClaimMapping;
  readonly groupRules?: readonly GroupRule[] | undefined;
}

/** Which claims say who the principal is. A mapped claim that is present must be a plain string. */
export interface ClaimMapping {
  /** The subject; default `sub`. */
  readonly principal?: string | undefined;
  readonly displayName?: string | undefined;
  /** An array of strings or one string; absent means no groups. */
  readonly groups?: string | undefined;
  readonly agent?: string | undefined;
  readonly instance?: string | undefined;
  readonly delegator?: string | undefined;
  readonly task?: string | undefined;
}

/** Gives `groups` to every token whose `claim` fulfils the one test that is set; a rule without a test gives nothing. */
export interface GroupRule {
  readonly claim: string;
  readonly equals?: string | undefined;
  readonly prefix?: string | undefined;
  /** The whole value, where each `*` stands for any characters, none included. */
  readonly pattern?: string | undefined;
  readonly groups: readonly string[];
}

/** What identity needs to know of a connection. */
export interface IdentityConnection {
  readonly name: string;
  readonly issuers: readonly TrustedIssuer[];
  /** Membership in one of them admits; an empty list admits nobody. */
  readonly allowedGroups: readonly string[];
}

const ASYMMETRIC_ALGORITHMS: ReadonlySet<string> = new Set([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]);

/** The issuer's algorithms without anything that is not a public-key signature. */
export function acceptedAlgorithms(issuer: Pick<TrustedIssuer, 'algorithms'>): readonly string[] {
  return issuer.algorithms.filter((algorithm) => ASYMMETRIC_ALGORITHMS.has(algorithm));
}

/** True for an address that may be asked: https, or http on this very machine. Other http only where it was allowed. */
export function isAskable(url: string, allowInsecureIssuers: boolean): boolean {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:') return true;
  return protocol === 'http:' && (allowInsecureIssuers || LOOPBACK_HOSTS.has(hostname));
}

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
