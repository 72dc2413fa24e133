import { createHash, randomBytes } from 'node:crypto';
import type { PendingLogin, VerifiedLogin } from '../../identity/index.js';
import type { Store } from '../../store/store.js';

/** A person's login; ends after this whatever happens, since groups are read from the token once. */
export const SESSION_SECONDS = 4 * 3600;
/** How long a person may take at the issuer. */
export const PENDING_SECONDS = 600;

/** What is kept of a login. */
export interface LoginSession {
  readonly id: string;
  readonly login: VerifiedLogin;
  /** Stands in every form of the session and nowhere else. */
  readonly csrfToken: string;
}

/** A login under way, and where the person wanted to go. */
export interface LoginUnderWay {
  readonly pending: PendingLogin;
  readonly returnTo: string;
}

/** Logins on the server side; browsers hold only an unguessable id. All calls reject when the store is unreachable. */
export interface LoginSessions {
  begin(underWay: LoginUnderWay): Promise<string>;
  /** Gives a login under way once; a second call for the same id finds nothing. */
  take(id: string): Promise<LoginUnderWay | undefined>;
  /** Always a new id, so that one known before the login is worth nothing after it. */
  start(login: VerifiedLogin): Promise<LoginSession>;
  find(id: string): Promise<LoginSession | undefined>;
  end(id: string): Promise<void>;
}

const ID_BYTES = 32;

export function createLoginSessions(deps: {
  readonly store: Pick<Store, 'get' | 'create' | 'delete'>;
  readonly random?: ((bytes: number) => Uint8Array) | undefined;
}): LoginSessions {
  const { store } = deps;
  const secret = () => Buffer.from((deps.random ?? randomBytes)(ID_BYTES)).toString('base64url');
  // The store holds digests, so reading it does not let one become anybody.
  const key = (kind: 'login' | 'session', id: string) =>
    `console/${kind}/${createHash('sha256').update(id).digest('hex')}`;
  const put = async (kind: 'login' | 'session', value: object, ttlSeconds: number) => {
    const id = secret();
    if (!(await store.create(key(kind, id), JSON.stringify(value), ttlSeconds)))
      throw new Error('a random id was taken');
    return id;
  };

  return {
    begin: (underWay) => put('login', underWay, PENDING_SECONDS),
    async take(id) {
      const found = await store.get(key('login', id));
      if (found === undefined || !(await store.delete(key('login', id), found.version))) return undefined;
      const underWay: LoginUnderWay = JSON.parse(found.value);
      return underWay;
    },
    async start(login) {
      const session = { login, csrfToken: secret() };
      return { id: await put('session', session, SESSION_SECONDS), ...session };
    },
    async find(id) {
      const found = await store.get(key('session', id));
      if (found === undefined) return undefined;
      const session: Omit<LoginSession, 'id'> = JSON.parse(found.value);
      return { id, ...session };
    },
    async end(id) {
      await store.delete(key('session', id));
    },
  };
}
