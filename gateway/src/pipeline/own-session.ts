import { randomUUID } from 'node:crypto';
import { errorMessage } from '../errors.js';
import type { Resources } from '../resources/index.js';
import type { Session } from '../session/index.js';
import type { Log } from '../telemetry/index.js';
import type { Endpoint, LoggedIn, TokenBox, UpstreamCredential, UpstreamTokens } from '../upstream/index.js';
import { askSnowflake, type OwnStatementDeps, type OwnStatementKind, type Rows } from './catalog/own-statements.js';
import { contextFields, controlEntry } from './entries.js';
import { upstreamRenewalEntry } from './token-box.js';

export interface OwnSessionDeps extends OwnStatementDeps {
  readonly resources: Pick<Resources, 'current'>;
  readonly credentialOf: (connectionName: string) => UpstreamCredential | undefined;
  readonly clock: { nowMs(): number };
  readonly log: Log;
  readonly version: string;
}

/** A session of the gateway's own with the account behind a connection. */
export interface OwnSession {
  /** The database the connection starts in. */
  readonly database: string | undefined;
  /** Runs a statement, recorded before it leaves; undefined when Snowflake refuses it or its answer is not whole. */
  ask(text: string, statementClass: OwnStatementKind['statementClass']): Promise<Rows | undefined>;
}

/** Why no session could be opened; for a log and an answer, without secrets. */
export class OwnSessionUnavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OwnSessionUnavailable';
  }
}

/** Drivers are what accounts admit: some admit no client that they do not know. */
const CLIENT = { app: 'JavaScript', version: '3.3.0' };

/**
 * Logs in with the connection's credential, lets `work` ask, logs out. Recorded like every session: log-in, opening, each
 * statement before it leaves, closing. Throws `OwnSessionUnavailable` when the account does not let it in.
 */
export async function withOwnSession<T>(
  deps: OwnSessionDeps,
  connectionName: string,
  signal: AbortSignal,
  work: (own: OwnSession) => Promise<T>,
): Promise<T> {
  const connection = deps.resources.current().connections.get(connectionName);
  const endpoint = deps.endpointOf(connectionName);
  const credential = deps.credentialOf(connectionName);
  if (connection === undefined || endpoint === undefined || credential === undefined) {
    throw new OwnSessionUnavailable(`the connection "${connectionName}" is not served`);
  }
  const who = { iss: 'piste', sub: deps.recording.writer, name: 'the gateway itself', grp: [] };
  await deps.recording.append(controlEntry('login', 'admitted', undefined, { connection: connectionName, who }));
  const login = await logInOwn(deps, endpoint, credential, connection.resource.spec);
  const { tokens, context } = login;
  const id = randomUUID();
  const session: Session = {
    id,
    principal: {
      issuer: who.iss,
      subject: who.sub,
      name: who.name,
      groups: [],
      agent: undefined,
      instance: undefined,
      delegator: undefined,
      task: undefined,
      tokenDigest: '',
    },
    connection: connectionName,
    account: connection.resource.spec.account.identifier,
    clientApp: CLIENT.app,
    clientVersion: CLIENT.version,
    context: {
      database: context.database ?? undefined,
      schema: context.schema ?? undefined,
      warehouse: context.warehouse ?? undefined,
      role: context.role ?? undefined,
    },
    parameters: '{}',
    claimedPurpose: undefined,
    createdAtMs: deps.clock.nowMs(),
    upstream: tokens,
  };
  const box = createOwnBox(tokens, async () => void (await deps.recording.append(upstreamRenewalEntry(id))));
  let why = 'failed';
  try {
    await deps.recording.append({
      kind: 'session.open',
      sessionId: id,
      fields: {
        who,
        connection: connectionName,
        account: session.account,
        client: { app: 'piste', version: deps.version },
        ctx: contextFields(session.context),
        up: { sess: tokens.sessionId },
        internal: true,
      },
      bodies: [],
    });
    const result = await work({
      database: session.context.database,
      ask: (text, statementClass) =>
        askSnowflake(deps, text, { session, connection, box, signal }, { purpose: 'history', statementClass }),
    });
    why = 'done';
    return result;
  } finally {
    await deps.recording.append({ kind: 'session.close', sessionId: id, fields: { why }, bodies: [] });
    deps.snowflake.logout(endpoint, box).catch((error: unknown) => {
      deps.log.warn('Snowflake session not closed', { connection: connectionName, error: errorMessage(error) });
    });
  }
}

interface Spec {
  readonly allowedRoles: readonly string[];
  readonly defaults?: {
    readonly role?: string;
    readonly warehouse?: string;
    readonly database?: string;
    readonly schema?: string;
  };
}

async function logInOwn(
  deps: OwnSessionDeps,
  endpoint: Endpoint,
  credential: UpstreamCredential,
  { allowedRoles, defaults }: Spec,
): Promise<LoggedIn> {
  const role = defaults?.role ?? allowedRoles[0];
  const answer = await deps.snowflake.login(endpoint, credential, {
    clientApp: CLIENT.app,
    clientVersion: CLIENT.version,
    database: defaults?.database,
    schema: defaults?.schema,
    warehouse: defaults?.warehouse,
    role: role === undefined ? undefined : `"${role.replaceAll('"', '""')}"`,
    sessionParameters: {},
  });
  if (!answer.ok) throw new OwnSessionUnavailable(`Snowflake refused the gateway (${answer.code})`);
  return answer.login;
}

/** Tokens that no other gateway needs. */
function createOwnBox(first: UpstreamTokens, recordRenewal: () => Promise<void>): TokenBox {
  let tokens = first;
  return {
    current: () => tokens,
    reload: () => Promise.resolve(tokens),
    replace(renewed) {
      tokens = renewed;
      return Promise.resolve();
    },
    recordRenewal,
  };
}
