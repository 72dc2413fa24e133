import { connectNodeDriver, type NodeDriver } from '../harness/node-driver.js';
import { type WireClient, wireLogin } from '../harness/wire-client.js';
import { AGENT_CLAIMS, OWNER_CLAIMS, type Playground } from '../playground/playground.js';

type Fields = Readonly<Record<string, unknown>>;

/** Who calls and where, over the usual agent in CRM.PUBLIC at the first gateway. */
export interface CallerOptions {
  readonly claims?: Fields;
  readonly subject?: string;
  /** Driver URL of another gateway. */
  readonly url?: string;
  /** Further options of the driver. */
  readonly options?: Fields;
}

/** The Node driver as an agent. @throws the driver's error when the login is refused. */
export async function connectAgent(playground: Playground, caller: CallerOptions = {}): Promise<NodeDriver> {
  const token = await playground.mint(caller.subject ?? 'agent-1', caller.claims ?? AGENT_CLAIMS);
  return connectNodeDriver({
    accessUrl: caller.url ?? playground.driverUrl,
    account: 'ACME',
    authenticator: 'OAUTH',
    token,
    database: 'CRM',
    schema: 'PUBLIC',
    warehouse: 'AGENT_WH',
    role: 'ANALYST',
    ...caller.options,
  });
}

/** The Node driver straight at the stand-in, without a gateway between. */
export function connectDirect(playground: Playground, options: Fields = {}): Promise<NodeDriver> {
  return connectNodeDriver({
    accessUrl: playground.standInUrl,
    account: 'ACME',
    username: 'DIRECT',
    password: 'direct-password',
    database: 'CRM',
    schema: 'PUBLIC',
    warehouse: 'AGENT_WH',
    role: 'ANALYST',
    ...options,
  });
}

/** An agent that speaks the protocol byte by byte. @throws Error with code and text when the login is refused. */
export async function loginByHand(playground: Playground, caller: CallerOptions = {}): Promise<WireClient> {
  const token = await playground.mint(caller.subject ?? 'agent-1', caller.claims ?? AGENT_CLAIMS);
  return wireLogin(caller.url ?? playground.driverUrl, {
    fields: {
      AUTHENTICATOR: 'OAUTH',
      TOKEN: token,
      CLIENT_APP_ID: 'JavaScript',
      CLIENT_APP_VERSION: '3.3.0',
      ...caller.options,
    },
    query: { databaseName: 'CRM', schemaName: 'PUBLIC', warehouse: 'AGENT_WH', roleName: 'ANALYST' },
  });
}

/** An approval request as the admin API shows it. */
export interface ShownRequest {
  readonly id: string;
  readonly queryId: string;
  readonly state: string;
  readonly bindingHash: string;
  readonly canonicalText: string;
  readonly mayDecide: boolean;
}

/** An answer of the admin API. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: Fields;
}

/** Somebody with a bearer token at the admin API. */
export interface Approver {
  list(): Promise<readonly ShownRequest[]>;
  /** The one pending request whose text matches; waits until it is there. */
  find(text: RegExp): Promise<ShownRequest>;
  get(id: string): Promise<ApiAnswer>;
  /** One vote; `change` replaces members of the body. */
  decide(request: ShownRequest, choice: 'approve' | 'deny', reason?: string, change?: Fields): Promise<ApiAnswer>;
}

/** The data owner, or somebody else, at the first gateway's admin API or another's. */
export async function connectApprover(
  playground: Playground,
  {
    subject = 'dana.owner',
    claims = OWNER_CLAIMS,
    consoleUrl = playground.consoleUrl,
  }: { subject?: string; claims?: Fields; consoleUrl?: string } = {},
): Promise<Approver> {
  const token = await playground.mint(subject, claims);
  const call = async (path: string, body?: unknown): Promise<ApiAnswer> => {
    const response = await fetch(`${consoleUrl}/api/v1/requests${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Fields };
  };
  const list = async (): Promise<readonly ShownRequest[]> => {
    const { status, body } = await call('');
    if (status !== 200) throw new Error(`the admin API answered ${status}: ${JSON.stringify(body)}`);
    return body['requests'] as readonly ShownRequest[];
  };
  return {
    list,
    find: (text) =>
      eventually(`a pending request matching ${text}`, async () =>
        (await list()).find((request) => request.state === 'pending' && text.test(request.canonicalText)),
      ),
    get: (id) => call(`/${id}`),
    decide: (request, choice, reason, change) =>
      call(`/${request.id}/decision`, { choice, reason, bindingHash: request.bindingHash, ...change }),
  };
}

const LOOK_EVERY_MS = 50;

/** What `look` finds, as soon as it finds something. @throws Error when that takes longer than `milliseconds`. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined>,
  milliseconds = 45_000,
): Promise<T> {
  const untilMs = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > untilMs) throw new Error(`${what} did not come within ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** The error a promise ends with. @throws Error when it ends well. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<{ readonly code: unknown; readonly message: string; readonly sqlState: unknown }> {
  try {
    await promise;
  } catch (error) {
    return error as { code: unknown; message: string; sqlState: unknown };
  }
  throw new Error('this should have failed');
}
