import type { Principal } from '../identity/principal.js';
import type { SessionContext } from '../sql/facts.js';

/** The gateway's own session with Snowflake behind a client session. Secret, every field but `sessionId`. */
export interface UpstreamSession {
  readonly token: string;
  readonly masterToken: string;
  /** Digits of Snowflake's session number. */
  readonly sessionId: string;
  /** Value of SERVICE_NAME, echoed in X-Snowflake-Service. */
  readonly service: string | undefined;
}

/** A client's session: who it is, where it stands, and what lies behind it. */
export interface Session {
  readonly id: string;
  readonly principal: Principal;
  /** Name of the SnowflakeConnection. */
  readonly connection: string;
  readonly account: string;
  readonly clientApp: string;
  readonly clientVersion: string;
  readonly context: SessionContext;
  /** Parameters the client set for its session, by log-in and ALTER SESSION since: a JSON object as text. */
  readonly parameters: string;
  /** Purpose the client claims (QUERY_TAG of the session); shown to approvers as claimed. */
  readonly claimedPurpose: string | undefined;
  readonly createdAtMs: number;
  readonly upstream: UpstreamSession;
}
