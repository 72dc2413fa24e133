import { deny, errorMessage } from '../errors.js';
import {
  type Envelope,
  encodeBody,
  failure,
  parseJson,
  renewalAnswer,
  SESSION_CODES,
  snowflakeFailure,
  success,
} from '../protocol/index.js';
import type { Entry, Recording } from '../recording/index.js';
import type { Authenticated, Session, Sessions, TokenRefusal } from '../session/index.js';
import type { Log } from '../telemetry/index.js';
import type { Endpoint, Snowflake } from '../upstream/index.js';
import type { Answer } from './answer.js';
import type { Catalogs } from './catalogs.js';
import { type BodyDigest, controlEntry } from './entries.js';
import type { Statements } from './statements.js';
import { createTokenBox } from './token-box.js';

export interface SessionControlDeps {
  readonly sessions: Sessions;
  readonly statements: Statements;
  readonly catalogs: Catalogs;
  readonly snowflake: Snowflake;
  readonly recording: Recording;
  readonly endpointOf: (connectionName: string) => Endpoint | undefined;
  readonly log: Log;
  readonly onSession: (change: 1 | -1, connection: string) => void;
}

/** What a driver does with its session besides statements. */
export interface SessionControl {
  renew(masterToken: string | undefined): Promise<Answer>;
  heartbeat(session: Session): Promise<Answer>;
  logout(session: Session): Promise<Answer>;
  /** Ends a session whose keys are destroyed: nothing more is recorded under them, and nobody uses it any more. */
  endShredded(sessionId: string): Promise<void>;
  /** Telemetry is swallowed: it can hold statement ids, stack traces and file names. The record tells its size and digest. */
  swallowTelemetry(sent: BodyDigest): Promise<Answer>;
  /** The answer to a token that opens nothing. */
  refuseToken(refusal: TokenRefusal, op: string): Promise<Answer>;
  authenticate(token: string | undefined): Promise<Authenticated>;
}

const REFUSALS: Readonly<Record<TokenRefusal, { code: string; sqlState: string; message: string }>> = {
  expired: {
    code: SESSION_CODES.tokenExpired,
    sqlState: '08003',
    message: 'Authentication token has expired. The driver renews it.',
  },
  gone: {
    code: SESSION_CODES.sessionGone,
    sqlState: '08003',
    message: deny.sessionEnded('it expired or was closed').message,
  },
  invalid: {
    code: SESSION_CODES.tokenInvalid,
    sqlState: '08003',
    message: deny.sessionEnded('the token is not one of this gateway').message,
  },
};

export function createSessionControl(deps: SessionControlDeps): SessionControl {
  const { recording, sessions } = deps;
  const answer = (entry: Entry, envelope: Envelope, session?: Session): Promise<Answer> =>
    recording.recordAnswer(entry, encodeBody(envelope), { connection: session?.connection });

  const endUpstream = async (session: Session): Promise<void> => {
    const endpoint = deps.endpointOf(session.connection);
    if (endpoint === undefined) return;
    await deps.snowflake.logout(endpoint, createTokenBox(deps, session));
  };

  return {
    async renew(masterToken) {
      const master = await sessions.authenticate(masterToken, 'master');
      if (!master.ok) {
        const message = deny.sessionEnded(
          master.refusal === 'invalid' ? 'the token is not one of this gateway' : 'it expired or was closed',
        ).message;
        return answer(
          controlEntry('renew', master.refusal, undefined),
          snowflakeFailure(SESSION_CODES.masterExpired, '08003', message),
        );
      }
      const { id } = master.session;
      const tokens = await sessions.renew(id);
      if (tokens === undefined)
        return answer(
          controlEntry('renew', 'gone', id),
          failure(deny.sessionEnded('it expired or was closed')),
          master.session,
        );
      return answer(
        controlEntry('renew', 'ok', id),
        renewalAnswer(tokens, parseJson(master.session.upstream.sessionId) ?? 0),
        master.session,
      );
    },

    async heartbeat(session) {
      const recorded = await answer(controlEntry('heartbeat', 'ok', session.id), success(), session);
      const endpoint = deps.endpointOf(session.connection);
      if (endpoint !== undefined) await deps.snowflake.heartbeat(endpoint, createTokenBox(deps, session));
      return recorded;
    },

    async logout(session) {
      const close: Entry = { kind: 'session.close', sessionId: session.id, fields: { why: 'logout' }, bodies: [] };
      const recorded = await answer(close, success(), session);
      await deps.statements.abandon(session.id);
      await sessions.close(session.id);
      deps.catalogs.forget(session.id);
      deps.onSession(-1, session.connection);
      // The client waits at most 5 s for this answer; Snowflake's own idle limit ends what a failed call leaves.
      endUpstream(session).catch((error: unknown) =>
        deps.log.warn('Snowflake session not closed', { connection: session.connection, error: errorMessage(error) }),
      );
      return recorded;
    },

    async endShredded(sessionId) {
      let session: Session | undefined;
      try {
        await deps.statements.abandon(sessionId);
        session = await sessions.close(sessionId);
        deps.catalogs.forget(sessionId);
      } finally {
        await recording.endShredded(sessionId);
      }
      if (session === undefined) return;
      deps.onSession(-1, session.connection);
      await endUpstream(session);
    },

    swallowTelemetry: (sent) => answer(controlEntry('telemetry', 'swallowed', undefined, { in: sent }), success()),

    refuseToken(refusal, op) {
      const { code, sqlState, message } = REFUSALS[refusal];
      return answer(controlEntry(op, refusal, undefined), snowflakeFailure(code, sqlState, message));
    },

    authenticate: (token) => sessions.authenticate(token, 'session'),
  };
}
