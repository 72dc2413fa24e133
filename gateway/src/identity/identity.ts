import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { errors, jwtVerify } from 'jose';
import type { Denial } from '../errors.js';
import { deny, quoteHumanText } from '../errors.js';
import type { Log } from '../telemetry/log.js';
import { audiencesOf, isOnlyAudience, showAudiences } from './audience.js';
import { claimsToPrincipal } from './claims-to-principal.js';
import type { Fetch, IssuerKeys } from './issuer-keys.js';
import { createIssuerKeys, IssuerUnavailable } from './issuer-keys.js';
import type { Principal } from './principal.js';
import { isBearerType, isSnowflakeKeyPairIssuer, MAX_TOKEN_BYTES, parseUnverifiedToken } from './token-shape.js';
import type { IdentityConnection, TrustedIssuer } from './trusted-issuer.js';
import { acceptedAlgorithms } from './trusted-issuer.js';

/** Why a token was refused. Closed vocabulary: used as metric label and in the record. */
export type RefusalKind =
  | 'not-a-token'
  | 'too-large'
  | 'untrusted-issuer'
  | 'algorithm'
  | 'token-type'
  | 'audience'
  | 'issuer-unavailable'
  | 'unknown-key'
  | 'signature'
  | 'expired'
  | 'not-yet-valid'
  | 'claims'
  | 'group-overage'
  | 'not-admitted';

export interface IdentityRefusal {
  readonly kind: RefusalKind;
  readonly denial: Denial;
  /** The trusted issuer the token named; absent when it named none of ours. */
  readonly issuer?: string;
}

export type IdentityOutcome =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly refusal: IdentityRefusal };

/** Token → principal. Holds no token and caches nothing by token; only issuers' public keys are kept. */
export interface Identity {
  /** Proves the token and admits its principal to the connection. Never throws for a bad token. */
  verify(presented: string, connection: IdentityConnection): Promise<IdentityOutcome>;
  /** Proves the token only: for people who decide about a connection without being allowed to use it. */
  authenticate(presented: string, connection: IdentityConnection): Promise<IdentityOutcome>;
}

/** What identity counts. */
export interface IdentityMetrics {
  tokenChecked(outcome: 'accepted' | RefusalKind): void;
  keysFetched(outcome: 'ok' | 'failed'): void;
}

export interface IdentityDependencies {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: Log;
  readonly metrics?: IdentityMetrics | undefined;
  readonly fetch?: Fetch | undefined;
  /** Lets issuers on other machines be asked over plain http, where anybody on the way can become anybody. */
  readonly allowInsecureIssuers?: boolean | undefined;
}

/** How far clocks may differ. */
const LEEWAY_SECONDS = 60;

/** Builds the verifier. */
export function createIdentity(deps: IdentityDependencies): Identity {
  const keys = createIssuerKeys({
    clock: deps.clock,
    log: deps.log,
    fetch: deps.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    allowInsecureIssuers: deps.allowInsecureIssuers ?? false,
    onFetch: (outcome) => deps.metrics?.keysFetched(outcome),
  });
  const authenticate = (presented: string, connection: IdentityConnection) =>
    proveToken(presented, connection, keys, deps.clock);
  const counted = async (outcome: Promise<IdentityOutcome>): Promise<IdentityOutcome> => {
    const settled = await outcome;
    deps.metrics?.tokenChecked(settled.ok ? 'accepted' : settled.refusal.kind);
    return settled;
  };
  return {
    authenticate: (presented, connection) => counted(authenticate(presented, connection)),
    verify: (presented, connection) =>
      counted(authenticate(presented, connection).then((outcome) => admit(outcome, connection))),
  };
}

function admit(outcome: IdentityOutcome, connection: IdentityConnection): IdentityOutcome {
  if (!outcome.ok) return outcome;
  const { principal } = outcome;
  if (principal.groups.some((group) => connection.allowedGroups.includes(group))) return outcome;
  return refuse(
    'not-admitted',
    deny.notAdmitted(quoteHumanText(principal.name), principal.groups, connection.name),
    principal.issuer,
  );
}

async function proveToken(
  presented: string,
  connection: IdentityConnection,
  keys: IssuerKeys,
  clock: () => number,
): Promise<IdentityOutcome> {
  const audiences = [...new Set(connection.issuers.map((issuer) => issuer.audience))].join('" or "');
  if (presented.length > MAX_TOKEN_BYTES)
    return refuse('too-large', deny.badToken(`it is larger than ${MAX_TOKEN_BYTES} bytes`, audiences));
  const token = parseUnverifiedToken(presented);
  if (token === undefined || isSnowflakeKeyPairIssuer(token.issuer))
    return refuse('not-a-token', deny.noToken(audiences));

  // Before anything is fetched: only issuers of this connection are ever asked.
  const named = connection.issuers.filter((issuer) => issuer.url === token.issuer);
  const first = named[0];
  if (first === undefined) {
    const trusted = connection.issuers.map((issuer) => issuer.url);
    return refuse(
      'untrusted-issuer',
      deny.untrustedIssuer(quoteHumanText(token.issuer ?? 'none').slice(0, 120), connection.name, trusted),
    );
  }
  const given = audiencesOf(token.audience);
  const issuer = named.find((candidate) => given !== undefined && isOnlyAudience(given, candidate.audience));
  if (issuer === undefined)
    return refuse('audience', deny.wrongAudience(showAudiences(given), first.audience), first.url);
  if (!acceptedAlgorithms(issuer).includes(token.algorithm ?? 'none')) {
    return refuse(
      'algorithm',
      deny.badToken('its signature algorithm is not accepted from this issuer', issuer.audience),
      issuer.url,
    );
  }
  if (!isBearerType(token.type))
    return refuse(
      'token-type',
      deny.badToken('its type says it is meant for another use', issuer.audience),
      issuer.url,
    );
  return verifySignature(presented, issuer, keys, clock);
}

async function verifySignature(
  presented: string,
  issuer: TrustedIssuer,
  keys: IssuerKeys,
  clock: () => number,
): Promise<IdentityOutcome> {
  const nowMs = clock();
  try {
    const { payload } = await jwtVerify(presented, (header, token) => keys.find(issuer, header, token), {
      algorithms: [...acceptedAlgorithms(issuer)],
      issuer: issuer.url,
      audience: issuer.audience,
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp'],
    });
    return toOutcome(presented, payload, issuer, nowMs);
  } catch (error) {
    return refusalOf(error, issuer, nowMs);
  }
}

function toOutcome(presented: string, payload: JWTPayload, issuer: TrustedIssuer, nowMs: number): IdentityOutcome {
  const bad = (kind: RefusalKind, why: string) => refuse(kind, deny.badToken(why, issuer.audience), issuer.url);
  if (payload.iat !== undefined && (typeof payload.iat !== 'number' || payload.iat > nowMs / 1000 + LEEWAY_SECONDS)) {
    return bad('not-yet-valid', 'it says it was issued in the future');
  }
  // RFC 7800: only the holder of a further key may use such a token, and that key was not shown.
  if (payload['cnf'] !== undefined)
    return bad('claims', 'it is bound to a key (claim "cnf") that a driver cannot show');
  const outcome = claimsToPrincipal(payload, issuer, createHash('sha256').update(presented).digest('hex'));
  return outcome.ok ? outcome : bad(outcome.kind, outcome.why);
}

/** Everything jose or the key cache can throw. What is not recognised is a signature that was not proven. */
function refusalOf(error: unknown, issuer: TrustedIssuer, nowMs: number): IdentityOutcome {
  const bad = (kind: RefusalKind, why: string) => refuse(kind, deny.badToken(why, issuer.audience), issuer.url);
  if (error instanceof IssuerUnavailable)
    return refuse('issuer-unavailable', deny.issuerUnavailable(issuer.url), issuer.url);
  if (error instanceof errors.JWTExpired) {
    const minutes = Math.max(1, Math.round((nowMs / 1000 - (error.payload.exp ?? 0)) / 60));
    return refuse('expired', deny.tokenExpired(minutes, issuer.url), issuer.url);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf' && error.reason === 'check_failed') return bad('not-yet-valid', 'it is not valid yet');
    return bad('claims', `its claim "${error.claim}" is missing or malformed`);
  }
  if (error instanceof errors.JWKSNoMatchingKey) return bad('unknown-key', 'the issuer has no such signing key');
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return bad('unknown-key', "it does not say which of the issuer's keys signed it");
  return bad('signature', 'its signature does not verify');
}

function refuse(kind: RefusalKind, denial: Denial, issuer?: string): IdentityOutcome {
  return { ok: false, refusal: issuer === undefined ? { kind, denial } : { kind, denial, issuer } };
}
