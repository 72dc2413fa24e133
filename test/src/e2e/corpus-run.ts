import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { connectNodeDriver, type NodeDriver } from '../harness/node-driver.js';
import { type WireAnswer, type WireClient, wireLogin } from '../harness/wire-client.js';
import { AGENT_CLAIMS, type Playground, startPlayground } from '../playground/playground.js';
import { type Approver, connectApprover, connectDirect } from './callers.js';
import { corpusStatements } from './corpus-data.js';

/** One statement of the corpus; the file explains its fields. */
export interface CorpusCase {
  readonly id: string;
  readonly tags: readonly string[];
  readonly sql: string;
  readonly class: string;
  readonly outcome: 'analyze' | 'reject' | 'classify';
  readonly tainted?: readonly number[];
  readonly mayReject?: boolean;
  readonly predicate?: boolean;
  readonly flow?: boolean;
  readonly session?: {
    readonly schema?: string;
    readonly tempTables?: readonly string[];
    readonly vars?: Readonly<Record<string, 'tainted' | 'clean'>>;
  };
}

/** What became of a statement. */
export interface Ending {
  readonly success: boolean;
  /** Of the refusal; `held` when the statement waited for a person and was cancelled. */
  readonly code: string | null;
  readonly message: string | null;
}

export const corpusCases: readonly CorpusCase[] = (
  JSON.parse(readFileSync(new URL('../../../gateway/testdata/lineage-cases.json', import.meta.url), 'utf8')) as {
    readonly cases: readonly CorpusCase[];
  }
).cases;

const PLACE = { database: 'APP', schema: 'PUBLIC', warehouse: 'AGENT_WH', role: 'ANALYST' };

/** Beside the playground's own rules: one by which only the masking policy is in the way of an INSERT. */
const RULES = `apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: { name: public-info-may-grow }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  action: Allow
  match: { statementTypes: [Insert], objects: [{ database: APP, schema: PUBLIC, object: "*" }] }
`;

/** A playground whose account has the corpus' catalogue, under the masking policy, or under none. */
export async function startCorpusPlayground(policy: string | null): Promise<Playground> {
  const playground = await startPlayground({
    resources: { 'masking.yaml': policy, 'corpus-rules.yaml': RULES },
    gatewayEnvironment: { PISTE_HOLD_SECONDS: '1' },
    standIn: { resultPartBytes: 200 },
  });
  const direct = await connectDirect(playground);
  for (const sqlText of corpusStatements) await direct.execute(sqlText);
  await direct.close();
  return playground;
}

async function loginAtWire(playground: Playground): Promise<WireClient> {
  return wireLogin(playground.driverUrl, {
    fields: {
      AUTHENTICATOR: 'OAUTH',
      TOKEN: await playground.mint('agent-1', AGENT_CLAIMS),
      CLIENT_APP_ID: 'JavaScript',
      CLIENT_APP_VERSION: '3.3.0',
    },
    query: {
      databaseName: PLACE.database,
      schemaName: PLACE.schema,
      warehouse: PLACE.warehouse,
      roleName: PLACE.role,
    },
  });
}

/** One statement by hand, in a session of its own. */
export async function askAtWire(playground: Playground, sqlText: string): Promise<WireAnswer> {
  return (await loginAtWire(playground)).run(sqlText);
}

async function connectDriver(playground: Playground): Promise<NodeDriver> {
  return connectNodeDriver({
    accessUrl: playground.driverUrl,
    account: 'ACME',
    authenticator: 'OAUTH',
    token: await playground.mint('agent-1', AGENT_CLAIMS),
    ...PLACE,
  });
}

/** What a case needs before it, as statements that the agent itself may send. */
export function preparation({ session }: CorpusCase): readonly string[] {
  const variables = Object.entries(session?.vars ?? {}).map(([name, state]) =>
    state === 'clean' ? `SET ${name} = 'free'` : `SET ${name} = (SELECT MAX(email) FROM customers)`,
  );
  const tables = (session?.tempTables ?? []).map(
    (name) => `CREATE TEMPORARY TABLE ${name} AS SELECT email AS status FROM app.public.customers`,
  );
  return [...(session?.schema === undefined ? [] : [`USE SCHEMA app.${session.schema}`]), ...variables, ...tables];
}

/** Cases that change the session they run in, or need one that another case changed. */
const needsOwnSession = (one: CorpusCase): boolean =>
  one.session !== undefined ||
  one.tags.includes('result-scan') ||
  /^(USE|SET|UNSET|ALTER_SESSION|TRANSACTION)/.test(one.class);

/** Everything that one pass over the corpus brought: endings by case, and all that was received by case. */
export interface Pass {
  readonly endings: ReadonlyMap<string, Ending>;
  readonly received: ReadonlyMap<string, string>;
}

/** Sends every case by hand and keeps the bytes of all answers. */
export async function runAtWire(playground: Playground, cases = corpusCases): Promise<Pass> {
  const approver = await connectApprover(playground);
  return overAll(
    cases,
    () => loginAtWire(playground),
    async (wire, sqlText) => {
      const requestId = randomUUID();
      const answers: WireAnswer[] = [];
      let last = await wire.query(sqlText, {}, requestId);
      answers.push(last);
      while (isRunning(last)) {
        const url = String(last.data['getResultUrl']);
        const isHeld = await isWaiting(approver, String(last.data['queryId']));
        if (isHeld) {
          answers.push((await wire.post(`/queries/v1/abort-request?requestId=${randomUUID()}`, { requestId })).answer);
        }
        last = (await wire.get(url)).answer;
        answers.push(last);
        if (isHeld) last = { ...last, success: false, code: HELD };
      }
      const { success, code, message } = last;
      return { ending: { success, code, message }, bytes: `${JSON.stringify(answers)}${await chunksOf(last)}` };
    },
    async () => undefined,
  );
}

/** The parts of a result that do not come with the answer, as text. */
async function chunksOf({ data }: WireAnswer): Promise<string> {
  const chunks = (data?.['chunks'] ?? []) as readonly { readonly url: string }[];
  const headers = (data?.['chunkHeaders'] ?? {}) as Readonly<Record<string, string>>;
  let all = '';
  for (const { url } of chunks) {
    const response = await fetch(url, { headers });
    const body = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(`a chunk was not delivered: ${response.status}`);
    all += (body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body).toString();
  }
  return all;
}

const HELD = 'held';
const isRunning = ({ code }: WireAnswer): boolean => code === '333334' || code === '333333';
const isWaiting = async (approver: Approver, queryId: string): Promise<boolean> =>
  (await approver.list()).some((request) => request.state === 'pending' && request.queryId === queryId);

/** Sends every case through the Node driver; `held` cases are cancelled as a person would. */
export async function runWithDriver(playground: Playground, isHeld: (id: string) => boolean): Promise<Pass> {
  return overAll(
    corpusCases,
    () => connectDriver(playground),
    async (driver, sqlText, id) => {
      try {
        const { statement, done } = driver.start(sqlText);
        if (isHeld(id)) await new Promise((resolve) => statement.cancel(resolve));
        const { rows } = await done;
        const columns = (statement.getColumns() ?? []).map((column) => column.getName());
        return { ending: { success: true, code: null, message: null }, bytes: JSON.stringify({ columns, rows }) };
      } catch (error) {
        const { code, message } = error as { code: unknown; message: string };
        const shown = JSON.stringify(error, Object.getOwnPropertyNames(error));
        return { ending: { success: false, code: isHeld(id) ? HELD : String(code), message }, bytes: shown };
      }
    },
    (driver) => driver.close(),
  );
}

/** Most of a lane's time goes by while a statement waits for a person. */
const LANES = 16;

/** Runs the cases in several lanes, each with a session of its own; what changes a session gets a fresh one. */
async function overAll<Session>(
  cases: readonly CorpusCase[],
  login: () => Promise<Session>,
  send: (session: Session, sqlText: string, id: string) => Promise<{ ending: Ending; bytes: string }>,
  logout: (session: Session) => Promise<unknown>,
): Promise<Pass> {
  const endings = new Map<string, Ending>();
  const received = new Map<string, string>();
  const waiting = [...cases];
  const lane = async (): Promise<void> => {
    const shared = await login();
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const session = needsOwnSession(one) ? await login() : shared;
      let all = '';
      for (const sqlText of preparation(one)) all += (await send(session, sqlText, one.id)).bytes;
      const { ending, bytes } = await send(session, one.sql, one.id);
      endings.set(one.id, ending);
      received.set(one.id, all + bytes);
      if (session !== shared) await logout(session);
    }
    await logout(shared);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { endings, received };
}
