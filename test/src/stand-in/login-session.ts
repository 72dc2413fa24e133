import { SnowflakeFailure } from './failures.js';
import { lex } from './lexer.js';
import { checkLogin, type LoginData } from './login.js';
import { defaultRoles, type StandInUser } from './options.js';
import { createParameters, listParameters } from './parameters.js';
import { type Call, type Parts, toFields } from './parts.js';
import { type Envelope, success } from './responses.js';
import { enterSchema } from './session-statements.js';
import type { Session } from './sessions.js';

/** Answers a login: checks the credential, opens a session and its connection, enters the wanted schema. */
export async function logIn(parts: Parts, call: Call): Promise<Envelope> {
  const data = toFields(toFields(call.body)['data']) as LoginData;
  let session: Session;
  try {
    const user = await checkLogin(data, parts.settings.users, parts.settings.account);
    session = await openSession(parts, user, data, call.query);
  } catch (error) {
    parts.counts.failedLogins += 1;
    throw error;
  }
  parts.counts.logins += 1;
  const tokens = parts.sessions.open(session);
  return success({
    masterToken: tokens.masterToken,
    token: tokens.sessionToken,
    validityInSeconds: parts.settings.sessionTokenSeconds,
    masterValidityInSeconds: parts.settings.masterTokenSeconds,
    displayUserName: session.user,
    serverVersion: '9.40.0',
    firstLogin: false,
    remMeToken: null,
    remMeValidityInSeconds: 0,
    healthCheckInterval: 45,
    newClientForUpgrade: null,
    sessionId: session.id,
    parameters: listParameters(session.parameters),
    sessionInfo: {
      databaseName: session.database ?? null,
      schemaName: session.schema ?? null,
      warehouseName: session.warehouse ?? null,
      roleName: session.role,
    },
    idToken: null,
    idTokenValidityInSeconds: 0,
    responseData: null,
    mfaToken: null,
    mfaTokenValidityInSeconds: 0,
  });
}

async function openSession(
  parts: Parts,
  user: StandInUser,
  data: LoginData,
  wanted: URLSearchParams,
): Promise<Session> {
  const { catalog } = parts;
  const roles = user.roles ?? defaultRoles;
  const role = readName(wanted.get('roleName')) ?? roles[0] ?? 'PUBLIC';
  if (!roles.includes(role)) {
    throw new SnowflakeFailure(
      '390189',
      '08001',
      `Role '${role}' specified in the connect string is not granted to this user. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.`,
    );
  }
  const warehouse = readName(wanted.get('warehouse')) ?? user.defaultWarehouse;
  const clientApp = data.CLIENT_APP_ID ?? '';
  const parameters = createParameters(clientApp, data.SESSION_PARAMETERS ?? {});
  const database = readName(wanted.get('databaseName'));
  const schema = readName(wanted.get('schemaName'));
  const isStrict = parameters.get('CLIENT_VALIDATE_DEFAULT_PARAMETERS') === true;
  if (isStrict && database !== undefined && !catalog.hasDatabase(database)) {
    throw new SnowflakeFailure('390201', '08001', 'The requested database does not exist or not authorized.');
  }
  const session: Session = {
    id: parts.sessions.nextId(),
    user: user.name.toUpperCase(),
    roles,
    clientApp,
    clientVersion: data.CLIENT_APP_VERSION ?? '',
    connection: await catalog.connect(),
    parameters,
    variables: new Map(),
    temporaryTables: new Map(),
    queryIds: [],
    role,
    warehouse: warehouse !== undefined && catalog.warehouses.has(warehouse) ? warehouse : undefined,
    database: undefined,
    schema: undefined,
    inTransaction: false,
    contextTimestamp: 0,
    tail: Promise.resolve(),
  };
  // Without strict parameters a wrong name is no login error; the session merely has no current schema.
  if (database !== undefined && catalog.hasDatabase(database)) {
    await enterSchema(
      session,
      catalog,
      database,
      schema !== undefined && catalog.hasSchema(database, schema) ? schema : undefined,
    );
  }
  return session;
}

/** A name of the query string follows identifier rules: upper case unless quoted. */
function readName(text: string | null): string | undefined {
  if (text === null || text === '') return undefined;
  const tokens = lex(text);
  return tokens.length === 1 ? tokens[0]?.value : text.toUpperCase();
}
