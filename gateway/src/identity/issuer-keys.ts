import type { FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters } from 'jose';
import { createLocalJWKSet, errors } from 'jose';
import { errorMessage } from '../errors.js';
import type { Log } from '../telemetry/log.js';
import { isAskable } from './trusted-issuer.js';

/** How long fetched keys are used before they are fetched again: a key the issuer withdrew lives on at most this long. */
const FRESH_MS = 10 * 60_000;
/** How long old keys may still be used while the issuer does not answer. */
const MAX_STALE_MS = 60 * 60_000;
/** Least time between two fetches that found nothing new or failed, so that made-up key ids cannot make us a flood. */
const COOL_DOWN_MS = 30_000;
const FETCH_TIMEOUT_MS = 5_000;
const MAX_DOCUMENT_BYTES = 256 * 1024;

/** The keys of this issuer cannot be had now. */
export class IssuerUnavailable extends Error {
  readonly code = 'ISSUER_UNAVAILABLE';
}

/** `fetch`, as far as it is used here. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

type LocalKeys = ReturnType<typeof createLocalJWKSet>;
type VerificationKey = Awaited<ReturnType<LocalKeys>>;

/** Signing keys of issuers, cached. */
export interface IssuerKeys {
  /**
   * The key a token's header names. Fetches at most once per cool-down for a key id that is not known.
   *
   * Throws `IssuerUnavailable` when there are no keys young enough, and jose's `JWKSNoMatchingKey` or
   * `JWKSMultipleMatchingKeys` when the set has not exactly one key for the header.
   */
  find(
    issuer: { url: string; jwksUri?: string | undefined },
    header: JWSHeaderParameters,
    token: FlattenedJWSInput,
  ): Promise<VerificationKey>;
}

interface KeySet {
  keys: LocalKeys | undefined;
  fetchedAtMs: number;
  triedAtMs: number;
  fetching: Promise<void> | undefined;
}

export interface IssuerKeysDependencies {
  readonly clock: () => number;
  readonly log: Log;
  readonly fetch: Fetch;
  /** Lets keys come over plain http from other machines: anybody on the way can then be anybody. */
  readonly allowInsecureIssuers: boolean;
  readonly onFetch?: ((outcome: 'ok' | 'failed') => void) | undefined;
}

/** A key cache with one fetch at a time per issuer. Keys in a token's own header are never looked at. */
export function createIssuerKeys(deps: IssuerKeysDependencies): IssuerKeys {
  const { clock } = deps;
  const sets = new Map<string, KeySet>();

  function setOf(issuer: { url: string; jwksUri?: string | undefined }): KeySet {
    const name = JSON.stringify([issuer.url, issuer.jwksUri ?? null]);
    let set = sets.get(name);
    if (set === undefined) {
      set = {
        keys: undefined,
        fetchedAtMs: Number.NEGATIVE_INFINITY,
        triedAtMs: Number.NEGATIVE_INFINITY,
        fetching: undefined,
      };
      sets.set(name, set);
    }
    return set;
  }

  /** Resolves when the attempt is over, whatever its outcome; a second caller joins the first. */
  function refresh(set: KeySet, issuer: { url: string; jwksUri?: string | undefined }): Promise<void> {
    set.fetching ??= fetchKeys(deps, issuer)
      .then((keys) => {
        set.keys = keys;
        set.fetchedAtMs = clock();
        deps.onFetch?.('ok');
      })
      .catch((error: unknown) => {
        deps.log.warn('issuer keys could not be fetched', { issuer: issuer.url, error: errorMessage(error) });
        deps.onFetch?.('failed');
      })
      .finally(() => {
        set.triedAtMs = clock();
        set.fetching = undefined;
      });
    return set.fetching;
  }

  const mayTry = (set: KeySet) => set.fetching !== undefined || clock() - set.triedAtMs >= COOL_DOWN_MS;

  return {
    async find(issuer, header, token) {
      const set = setOf(issuer);
      if (clock() - set.fetchedAtMs >= FRESH_MS && mayTry(set)) await refresh(set, issuer);
      if (set.keys === undefined || clock() - set.fetchedAtMs >= MAX_STALE_MS)
        throw new IssuerUnavailable(`no usable keys of ${issuer.url}`);
      try {
        return await set.keys(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !mayTry(set)) throw error;
        await refresh(set, issuer);
        return await set.keys(header, token);
      }
    },
  };
}

async function fetchKeys(
  deps: IssuerKeysDependencies,
  issuer: { url: string; jwksUri?: string | undefined },
): Promise<LocalKeys> {
  const jwksUri = issuer.jwksUri ?? (await discoverJwksUri(deps, issuer.url));
  const document = await fetchJson(deps, jwksUri);
  if (!isKeySet(document)) throw new Error('the key document has no list of keys');
  return createLocalJWKSet(document);
}

/** OpenID Connect Discovery 1.0 §4: the document must name the very issuer it was asked for. */
async function discoverJwksUri(deps: IssuerKeysDependencies, issuerUrl: string): Promise<string> {
  const document = await fetchJson(deps, `${issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (typeof document !== 'object' || document === null) throw new Error('the discovery document is not an object');
  if (Reflect.get(document, 'issuer') !== issuerUrl) throw new Error('the discovery document names another issuer');
  const jwksUri: unknown = Reflect.get(document, 'jwks_uri');
  if (typeof jwksUri !== 'string') throw new Error('the discovery document names no jwks_uri');
  return jwksUri;
}

async function fetchJson(deps: IssuerKeysDependencies, url: string): Promise<unknown> {
  if (!isAskable(url, deps.allowInsecureIssuers)) throw new Error('issuers are only asked over https');
  const response = await deps.fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the issuer answered ${response.status}`);
  }
  return JSON.parse(await readBounded(response));
}

async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_DOCUMENT_BYTES) throw new Error('the document is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function isKeySet(document: unknown): document is JSONWebKeySet {
  if (typeof document !== 'object' || document === null || !('keys' in document)) return false;
  const { keys } = document;
  return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null && !Array.isArray(key));
}
