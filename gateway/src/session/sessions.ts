import { randomBytes } from 'node:crypto';
import type { SessionContext } from '../sql/facts.js';
import type { Sealer } from '../store/seal.js';
import type { Store, Versioned } from '../store/store.js';
import type { Session, UpstreamSession } from './session.js';
import { createSessionId, createToken, isSameDigest, parseToken, type RandomBytes, type TokenKind } from './tokens.js';

export interface SessionsDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: { nowMs(): number };
  readonly random?: RandomBytes;
  readonly sessionTokenSeconds: number;
  readonly masterTokenSeconds: number;
}

export interface NewSession extends Omit<Session, 'id' | 'createdAtMs'> {
  readonly idleTimeoutSeconds: number;
  readonly maxLifetimeSeconds: number;
}

/** Tokens as they go to the client, once. */
export interface IssuedTokens {
  readonly token: string;
  readonly tokenSeconds: number;
  readonly masterToken: string;
  readonly masterTokenSeconds: number;
}

/** Why a token opens nothing: the driver renews on `expired` and gives up on the others. */
export type TokenRefusal = 'invalid' | 'expired' | 'gone';

export type Authenticated =
  | { readonly ok: true; readonly session: Session }
  | { readonly ok: false; readonly refusal: TokenRefusal };

/**
 * Client sessions, kept in the store so that any gateway serves any request. Snowflake's tokens lie there sealed.
 * Every call rejects with `StoreUnavailable` when the store is lost.
 */
export interface Sessions {
  open(session: NewSession): Promise<{ session: Session; tokens: IssuedTokens }>;
  authenticate(token: string | undefined, kind: TokenKind): Promise<Authenticated>;
  /** New tokens for a session; the old session token stays good for a grace period. Undefined when the session is gone. */
  renew(sessionId: string): Promise<IssuedTokens | undefined>;
  /** The session as it stands now. */
  load(sessionId: string): Promise<Session | undefined>;
  /** Where the session stands after a statement. */
  update(
    sessionId: string,
    change: Partial<Pick<Session, 'context' | 'parameters' | 'claimedPurpose' | 'upstream'>>,
  ): Promise<Session | undefined>;
  close(sessionId: string): Promise<Session | undefined>;
}

/** The shape in the store. Times in milliseconds since the epoch. */
interface Stored {
  readonly session: Omit<Session, 'upstream'>;
  readonly sealedUpstream: string;
  readonly tokenDigest: string;
  readonly tokenExpiresAtMs: number;
  readonly previousDigest: string | null;
  readonly previousUntilMs: number;
  readonly masterDigest: string;
  readonly masterExpiresAtMs: number;
  readonly idleTimeoutSeconds: number;
  readonly endsAtMs: number;
}

/** Threads of one connection may still use the old token while another renews it. */
const RENEWAL_GRACE_MS = 600_000;
/** A session is touched at most this often, to spare the store a write per request. */
const TOUCH_EVERY_MS = 15_000;
/** Sessions kept open in this process; beyond, all are opened anew. */
const MAX_OPENED = 5_000;

const keyOf = (sessionId: string): string => `session:${sessionId}`;

export function createSessions(deps: SessionsDeps): Sessions {
  const { store, sealer, clock } = deps;
  const random = deps.random ?? randomBytes;
  const touchedAtMs = new Map<string, number>();

  const encode = (session: Session, rest: Omit<Stored, 'session' | 'sealedUpstream'>): string => {
    const { upstream, ...plain } = session;
    const sealedUpstream = sealer.seal(JSON.stringify(upstream), keyOf(session.id));
    return JSON.stringify({ ...rest, session: plain, sealedUpstream } satisfies Stored);
  };

  const decode = (value: string, sessionId: string): { stored: Stored; session: Session } | undefined => {
    const stored = JSON.parse(value) as Stored;
    const upstream = sealer.open(stored.sealedUpstream, keyOf(sessionId));
    if (upstream === undefined) return undefined;
    return {
      stored,
      session: {
        ...stored.session,
        context: withAllNames(stored.session.context),
        upstream: JSON.parse(upstream) as UpstreamSession,
      },
    };
  };

  const opened = new Map<string, { readonly value: string; readonly stored: Stored; readonly session: Session }>();

  /** A statement looks at its session several times; what did not change in the store is opened once. */
  const open = (value: string, sessionId: string): { stored: Stored; session: Session } | undefined => {
    const known = opened.get(sessionId);
    if (known?.value === value) return known;
    opened.delete(sessionId);
    const decoded = decode(value, sessionId);
    if (decoded === undefined) return undefined;
    if (opened.size >= MAX_OPENED) opened.clear();
    opened.set(sessionId, { value, ...decoded });
    return decoded;
  };

  const read = async (
    sessionId: string,
  ): Promise<{ versioned: Versioned; stored: Stored; session: Session } | undefined> => {
    const versioned = await store.get(keyOf(sessionId));
    const found = versioned === undefined ? undefined : open(versioned.value, sessionId);
    if (versioned === undefined || found === undefined || found.stored.endsAtMs <= clock.nowMs()) {
      opened.delete(sessionId);
      return undefined;
    }
    return { versioned, stored: found.stored, session: found.session };
  };

  /** Compare-and-swap until it holds; undefined when the session is gone. */
  const change = async (
    sessionId: string,
    apply: (session: Session, stored: Stored) => { session: Session; stored: Stored },
  ): Promise<Session | undefined> => {
    for (;;) {
      const current = await read(sessionId);
      if (current === undefined) return undefined;
      const { session, stored } = apply(current.session, current.stored);
      const value = encode(session, stored);
      if (await store.replace(keyOf(sessionId), current.versioned.version, value, stored.idleTimeoutSeconds))
        return session;
    }
  };

  const issue = (
    sessionId: string,
  ): {
    tokens: IssuedTokens;
    digests: Pick<Stored, 'tokenDigest' | 'tokenExpiresAtMs' | 'masterDigest' | 'masterExpiresAtMs'>;
  } => {
    const session = createToken('session', sessionId, random);
    const master = createToken('master', sessionId, random);
    const now = clock.nowMs();
    return {
      tokens: {
        token: session.token,
        tokenSeconds: deps.sessionTokenSeconds,
        masterToken: master.token,
        masterTokenSeconds: deps.masterTokenSeconds,
      },
      digests: {
        tokenDigest: session.digest,
        tokenExpiresAtMs: now + deps.sessionTokenSeconds * 1000,
        masterDigest: master.digest,
        masterExpiresAtMs: now + deps.masterTokenSeconds * 1000,
      },
    };
  };

  const touch = async (sessionId: string, idleTimeoutSeconds: number): Promise<void> => {
    const now = clock.nowMs();
    if (now - (touchedAtMs.get(sessionId) ?? 0) < Math.min(TOUCH_EVERY_MS, idleTimeoutSeconds * 100)) return;
    if (touchedAtMs.size > 10_000) touchedAtMs.clear();
    touchedAtMs.set(sessionId, now);
    await store.touch(keyOf(sessionId), idleTimeoutSeconds);
  };

  return {
    async open(fresh) {
      const { idleTimeoutSeconds, maxLifetimeSeconds, ...fields } = fresh;
      const session: Session = { id: createSessionId(random), createdAtMs: clock.nowMs(), ...fields };
      const { tokens, digests } = issue(session.id);
      const value = encode(session, {
        ...digests,
        previousDigest: null,
        previousUntilMs: 0,
        idleTimeoutSeconds,
        endsAtMs: clock.nowMs() + maxLifetimeSeconds * 1000,
      });
      if (!(await store.create(keyOf(session.id), value, idleTimeoutSeconds)))
        throw new Error('a session id came up twice');
      return { session, tokens };
    },

    async authenticate(token, kind) {
      const parsed = token === undefined ? undefined : parseToken(token);
      if (parsed === undefined || parsed.kind !== kind) return { ok: false, refusal: 'invalid' };
      const current = await read(parsed.sessionId);
      if (current === undefined) return { ok: false, refusal: 'gone' };
      const refusal = checkToken(parsed.digest, kind, current.stored, clock.nowMs());
      if (refusal !== undefined) return { ok: false, refusal };
      await touch(parsed.sessionId, current.stored.idleTimeoutSeconds);
      return { ok: true, session: current.session };
    },

    async renew(sessionId) {
      const { tokens, digests } = issue(sessionId);
      const renewed = await change(sessionId, (session, stored) => ({
        session,
        stored: {
          ...stored,
          ...digests,
          previousDigest: stored.tokenDigest,
          previousUntilMs: clock.nowMs() + RENEWAL_GRACE_MS,
        },
      }));
      return renewed === undefined ? undefined : tokens;
    },

    load: async (sessionId) => (await read(sessionId))?.session,

    update: (sessionId, fields) =>
      change(sessionId, (session, stored) => ({ session: { ...session, ...fields }, stored })),

    async close(sessionId) {
      const current = await read(sessionId);
      await store.delete(keyOf(sessionId));
      touchedAtMs.delete(sessionId);
      opened.delete(sessionId);
      return current?.session;
    },
  };
}

function checkToken(digest: string, kind: TokenKind, stored: Stored, nowMs: number): TokenRefusal | undefined {
  if (kind === 'master') {
    if (!isSameDigest(digest, stored.masterDigest)) return 'invalid';
    return nowMs < stored.masterExpiresAtMs ? undefined : 'expired';
  }
  if (isSameDigest(digest, stored.tokenDigest)) return nowMs < stored.tokenExpiresAtMs ? undefined : 'expired';
  if (stored.previousDigest !== null && isSameDigest(digest, stored.previousDigest)) {
    return nowMs < stored.previousUntilMs ? undefined : 'expired';
  }
  return 'invalid';
}

/** JSON drops absent names; the type wants them present. */
function withAllNames(context: Partial<SessionContext>): SessionContext {
  return {
    database: context.database ?? undefined,
    schema: context.schema ?? undefined,
    role: context.role ?? undefined,
    warehouse: context.warehouse ?? undefined,
    ...(context.facts === undefined ? {} : { facts: context.facts }),
  };
}
