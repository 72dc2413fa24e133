import { createHash } from 'node:crypto';
import * as client from 'openid-client';
import { errorMessage } from '../errors.js';
import type { Log } from '../telemetry/log.js';
import { claimsToPrincipal } from './claims-to-principal.js';
import type { Principal } from './principal.js';
import { parseUnverifiedToken } from './token-shape.js';
import type { IdentityConnection } from './trusted-issuer.js';
import { acceptedAlgorithms, isAskable } from './trusted-issuer.js';

/** What must be remembered, on the server, between leaving for the issuer and coming back. */
export interface PendingLogin {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** What the issuer proved about a person; kept on the server while the person is logged in. */
export interface VerifiedLogin {
  readonly issuerUrl: string;
  /** The ID token's claims. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** SHA-256 (hex) of the ID token. */
  readonly tokenDigest: string;
}

export type LoginOutcome =
  | { readonly ok: true; readonly login: VerifiedLogin }
  | { readonly ok: false; readonly why: 'issuer-unavailable' | 'rejected' };

/**
 * Who the person is for this connection, by the connection's own reading of that issuer's claims. Undefined when the
 * connection does not trust the issuer or the claims describe nobody. What the person may do is not decided here.
 */
export function principalOfLogin(login: VerifiedLogin, connection: IdentityConnection): Principal | undefined {
  const issuer = connection.issuers.find((candidate) => candidate.url === login.issuerUrl);
  if (issuer === undefined) return undefined;
  const outcome = claimsToPrincipal(login.claims, issuer, login.tokenDigest);
  return outcome.ok ? outcome.principal : undefined;
}

/** Sign-in of people at their issuer: OpenID Connect authorization code flow with PKCE (RFC 7636, S256), state and nonce. */
export interface ConsoleLogin {
  /**
   * Where to send the browser, and what to keep; undefined when the issuer cannot be reached. With `askAgain` the issuer
   * is told not to let a running session there decide who it is.
   */
  begin(options?: {
    readonly askAgain: boolean;
  }): Promise<{ readonly url: string; readonly pending: PendingLogin } | undefined>;
  /** Redeems what the issuer sent back to `redirectUri`. `query` is the raw query string, with its question mark. */
  finish(query: string, pending: PendingLogin): Promise<LoginOutcome>;
}

export interface ConsoleLoginOptions {
  readonly issuerUrl: string;
  /** Signature algorithms accepted for ID tokens; `none` and `HS*` are refused even if listed. */
  readonly algorithms?: readonly string[] | undefined;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  /** Default `openid profile email`. */
  readonly scope?: string | undefined;
  /** Lets an issuer on another machine be asked over plain http, where anybody on the way can become anybody. */
  readonly allowInsecureIssuers?: boolean | undefined;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

const DEFAULT_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
const TIMEOUT_SECONDS = 10;
/** How long a discovery document is believed: a key or endpoint the issuer changed is noticed after this. */
const CONFIGURATION_LIFE_MS = 10 * 60_000;

/** A relying party for one issuer. Discovery happens at the first login and again when the document grew old. */
export function createConsoleLogin(options: ConsoleLoginOptions): ConsoleLogin {
  const { log, clock } = options;
  let known: { configuration: Promise<client.Configuration>; atMs: number } | undefined;

  function configuration(): Promise<client.Configuration> {
    if (known !== undefined && clock() - known.atMs < CONFIGURATION_LIFE_MS) return known.configuration;
    const fresh = { configuration: discover(options), atMs: clock() };
    known = fresh;
    fresh.configuration.catch(() => {
      if (known === fresh) known = undefined;
    });
    return fresh.configuration;
  }

  return {
    async begin(begin) {
      const codeVerifier = client.randomPKCECodeVerifier();
      const pending = { state: client.randomState(), nonce: client.randomNonce(), codeVerifier };
      try {
        const url = client.buildAuthorizationUrl(await configuration(), {
          redirect_uri: options.redirectUri,
          scope: options.scope ?? 'openid profile email',
          code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
          state: pending.state,
          nonce: pending.nonce,
          ...(begin?.askAgain === true ? { prompt: 'login' } : {}),
        });
        return { url: url.href, pending };
      } catch (error) {
        log.warn('login issuer cannot be reached', { issuer: options.issuerUrl, error: errorMessage(error) });
        return undefined;
      }
    },

    async finish(query, pending) {
      const configured = await configuration().catch(() => undefined);
      if (configured === undefined) return { ok: false, why: 'issuer-unavailable' };
      try {
        const tokens = await client.authorizationCodeGrant(configured, callbackUrl(options.redirectUri, query), {
          expectedState: pending.state,
          expectedNonce: pending.nonce,
          pkceCodeVerifier: pending.codeVerifier,
          idTokenExpected: true,
        });
        return outcomeOf(tokens.id_token, tokens.claims(), options);
      } catch (error) {
        // The message of the error may quote the answer; its code does not.
        log.warn('login was rejected', { issuer: options.issuerUrl, error: rejectionCode(error) });
        return { ok: false, why: 'rejected' };
      }
    },
  };
}

async function discover(options: ConsoleLoginOptions): Promise<client.Configuration> {
  const url = options.issuerUrl;
  if (!isAskable(url, options.allowInsecureIssuers ?? false)) throw new Error('issuers are only asked over https');
  const insecure = url.startsWith('http:') ? [client.allowInsecureRequests] : [];
  return client.discovery(
    new URL(url),
    options.clientId,
    { client_secret: options.clientSecret },
    client.ClientSecretBasic(options.clientSecret),
    // The ID token's signature is checked although it came straight from the token endpoint.
    { timeout: TIMEOUT_SECONDS, execute: [client.enableNonRepudiationChecks, ...insecure] },
  );
}

/** The redirect URI as registered, whatever host name the request came in with. */
function callbackUrl(redirectUri: string, query: string): URL {
  const url = new URL(redirectUri);
  url.search = query;
  return url;
}

function outcomeOf(
  idToken: string | undefined,
  claims: client.IDToken | undefined,
  options: ConsoleLoginOptions,
): LoginOutcome {
  const algorithm = idToken === undefined ? undefined : parseUnverifiedToken(idToken)?.algorithm;
  const accepted = acceptedAlgorithms({ algorithms: options.algorithms ?? DEFAULT_ALGORITHMS });
  if (idToken === undefined || claims === undefined || algorithm === undefined || !accepted.includes(algorithm)) {
    options.log.warn('login was rejected', { issuer: options.issuerUrl, error: 'id-token' });
    return { ok: false, why: 'rejected' };
  }
  const tokenDigest = createHash('sha256').update(idToken).digest('hex');
  return { ok: true, login: { issuerUrl: options.issuerUrl, claims: { ...claims }, tokenDigest } };
}

function rejectionCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const code: unknown = Reflect.get(error, 'error') ?? Reflect.get(error, 'code');
  return typeof code === 'string' ? code.replace(/[^\w.-]/g, '').slice(0, 64) : 'unknown';
}
