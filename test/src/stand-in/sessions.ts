import { randomBytes } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import { SnowflakeFailure } from './failures.js';
import type { Parameters, ParameterValue } from './parameters.js';

/** What a session remembers between statements. */
export type Session = {
  readonly id: number;
  readonly user: string;
  readonly roles: readonly string[];
  readonly clientApp: string;
  readonly clientVersion: string;
  readonly connection: DuckDBConnection;
  readonly parameters: Parameters;
  readonly variables: Map<string, ParameterValue>;
  /** Temporary tables by `DATABASE.SCHEMA.NAME`; DuckDB keeps them under the bare name. */
  readonly temporaryTables: Map<string, string>;
  /** Query ids, oldest first, for LAST_QUERY_ID. */
  readonly queryIds: string[];
  role: string;
  warehouse: string | undefined;
  database: string | undefined;
  schema: string | undefined;
  inTransaction: boolean;
  /** Grows with every statement; shown as the timestamp of the query context. */
  contextTimestamp: number;
  /** Statements of one session run one after another on its connection. */
  tail: Promise<unknown>;
};

/** The tokens of one session and when they end. */
export type Tokens = { readonly sessionToken: string; readonly masterToken: string };

type Entry = { session: Session; tokens: Tokens; sessionUntil: number; masterUntil: number };

/** What tests may do to a session's tokens. `gone` makes Snowflake forget the session. */
export type Expiry = 'session-token' | 'master-token' | 'gone';

/** Session and master tokens, and the sessions behind them. Call `close` to give back the DuckDB connections. */
export class Sessions {
  readonly #clock: () => number;
  readonly #lifetimes: { readonly sessionTokenSeconds: number; readonly masterTokenSeconds: number };
  readonly #bySessionToken = new Map<string, Entry>();
  readonly #byMasterToken = new Map<string, Entry>();
  readonly #replaced = new Set<string>();
  readonly #gone = new Set<string>();
  #nextId = 1_313_733;

  constructor(
    clock: () => number,
    lifetimes: { readonly sessionTokenSeconds: number; readonly masterTokenSeconds: number },
  ) {
    this.#clock = clock;
    this.#lifetimes = lifetimes;
  }

  nextId(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  /** Registers a session and hands out its first tokens. */
  open(session: Session): Tokens {
    const entry: Entry = { session, tokens: mintTokens(), sessionUntil: 0, masterUntil: 0 };
    this.#store(entry, entry.tokens);
    return entry.tokens;
  }

  /**
   * The session behind an `Authorization: Snowflake Token="…"` header.
   * @throws SnowflakeFailure 390104 unknown token, 390111 session gone, 390112 session token expired.
   */
  authenticate(header: string | undefined): Session {
    const token = readToken(header);
    if (this.#gone.has(token))
      throw new SnowflakeFailure(
        '390111',
        '08003',
        'Session no longer exists. New login required to access the service.',
      );
    const entry = this.#bySessionToken.get(token);
    if (entry === undefined && !this.#replaced.has(token)) {
      throw new SnowflakeFailure('390104', '08001', 'The authentication token is invalid. Session gone.');
    }
    if (entry === undefined || this.#clock() >= entry.sessionUntil) {
      throw new SnowflakeFailure(
        '390112',
        '08001',
        'Authentication token has expired. The user must authenticate again.',
      );
    }
    return entry.session;
  }

  /**
   * Exchanges a master token for a fresh pair.
   * @throws SnowflakeFailure 390113 unknown master token, 390111 session gone, 390114 master token expired.
   */
  renew(header: string | undefined): { readonly session: Session; readonly tokens: Tokens } {
    const token = readToken(header);
    if (this.#gone.has(token))
      throw new SnowflakeFailure(
        '390111',
        '08003',
        'Session no longer exists. New login required to access the service.',
      );
    const entry = this.#byMasterToken.get(token);
    if (entry === undefined) throw new SnowflakeFailure('390113', '08001', 'Master token is invalid.');
    if (this.#clock() >= entry.masterUntil) {
      throw new SnowflakeFailure(
        '390114',
        '08001',
        'Authentication token has expired. The user must authenticate again.',
      );
    }
    this.#bySessionToken.delete(entry.tokens.sessionToken);
    this.#byMasterToken.delete(entry.tokens.masterToken);
    this.#replaced.add(entry.tokens.sessionToken);
    this.#store(entry, mintTokens());
    return { session: entry.session, tokens: entry.tokens };
  }

  /** Ends tokens or whole sessions at once, as time or an administrator would. Without an id: of every session. */
  expire(what: Expiry, sessionId?: number): number {
    const entries = [...this.#bySessionToken.values()].filter(
      (entry) => sessionId === undefined || entry.session.id === sessionId,
    );
    for (const entry of entries) {
      if (what === 'gone') this.#forget(entry);
      else entry.sessionUntil = 0;
      if (what === 'master-token') entry.masterUntil = 0;
    }
    return entries.length;
  }

  /** Logout: the tokens are unknown afterwards and the connection is closed. */
  delete(session: Session): void {
    for (const entry of this.#bySessionToken.values()) {
      if (entry.session === session) this.#forget(entry);
    }
  }

  /** Live sessions. */
  list(): readonly Session[] {
    return [...this.#bySessionToken.values()].map((entry) => entry.session);
  }

  close(): void {
    for (const entry of this.#bySessionToken.values()) this.#forget(entry);
  }

  #store(entry: Entry, tokens: Tokens): void {
    entry.tokens = tokens;
    entry.sessionUntil = this.#clock() + this.#lifetimes.sessionTokenSeconds * 1000;
    entry.masterUntil = this.#clock() + this.#lifetimes.masterTokenSeconds * 1000;
    this.#bySessionToken.set(tokens.sessionToken, entry);
    this.#byMasterToken.set(tokens.masterToken, entry);
  }

  #forget(entry: Entry): void {
    this.#bySessionToken.delete(entry.tokens.sessionToken);
    this.#byMasterToken.delete(entry.tokens.masterToken);
    this.#gone.add(entry.tokens.sessionToken).add(entry.tokens.masterToken);
    // A running statement still owns the connection; closing waits for it.
    entry.session.tail = entry.session.tail.finally(() => entry.session.connection.closeSync()).catch(() => undefined);
  }
}

function mintTokens(): Tokens {
  return {
    sessionToken: `ver:3-hint:1-${randomBytes(32).toString('base64url')}`,
    masterToken: `ver:3-hint:2-${randomBytes(32).toString('base64url')}`,
  };
}

function readToken(header: string | undefined): string {
  return /^Snowflake Token="([^"]*)"/.exec(header ?? '')?.[1] ?? '';
}
