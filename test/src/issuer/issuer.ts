import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { renderLoginPage } from './login-page.js';
import type { Person, Workload } from './people.js';
import { DEMO_PEOPLE, DEMO_WORKLOADS } from './people.js';
import type { ConsoleClient } from './provider.js';
import { createProvider } from './provider.js';
import type { MintRequest } from './signing-keys.js';
import { createSigningKeys } from './signing-keys.js';

export interface IssuerOptions {
  /** Default 127.0.0.1 and a free port. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly people?: readonly Person[] | undefined;
  readonly workloads?: readonly Workload[] | undefined;
  readonly console?: ConsoleClient | undefined;
  /** Audiences workloads may ask for; absolute URIs. */
  readonly audiences?: readonly string[] | undefined;
  readonly accessTokenSeconds?: number | undefined;
  /** Lets anybody who reaches the port mint any token at `POST /control/mint`. For tests. */
  readonly dangerouslyMintForAnyone?: boolean | undefined;
  /** Milliseconds since the epoch, for minted tokens. */
  readonly clock?: (() => number) | undefined;
}

/** A running OpenID Connect issuer for demonstrations and tests. */
export interface Issuer {
  readonly url: string;
  /** A token signed with the issuer's own key, or wrong in the way the request says. */
  mintToken(request: MintRequest): Promise<string>;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024;

/** Starts the issuer on plain http. Resolves when it answers. */
export async function startIssuer(options: IssuerOptions = {}): Promise<Issuer> {
  const host = options.host ?? '127.0.0.1';
  const server = createServer();
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const url = `http://${host}:${portOf(server)}`;
  const keys = await createSigningKeys(options.clock ?? Date.now);
  const people = options.people ?? DEMO_PEOPLE;
  const provider = createProvider({
    url,
    people,
    workloads: options.workloads ?? DEMO_WORKLOADS,
    console: options.console,
    audiences: options.audiences ?? [],
    accessTokenSeconds: options.accessTokenSeconds ?? 600,
    keys,
  });
  const mint = (request: MintRequest) => keys.mint(url, request);
  const protocol = provider.callback();
  const login = createLoginHandler(provider, people);
  server.on('request', (request, response) => {
    const path = new URL(request.url ?? '/', url).pathname;
    if (path.startsWith('/interaction/')) return settle(login(request, response), response);
    if (path === '/control/mint' && options.dangerouslyMintForAnyone === true)
      return settle(mintOver(request, response, mint), response);
    return settle(protocol(request, response), response);
  });
  return { url, mintToken: mint, close: () => closeServer(server) };
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the issuer has no port');
  return address.port;
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

/** Answers an interaction that ended in an error, such as a link used twice, in plain words. */
function settle(handled: Promise<void>, response: ServerResponse): void {
  handled.catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`The login cannot continue: ${message}\n`);
  });
}

/** `GET` shows the people, `POST` with `login=<subject>` signs one of them in. */
function createLoginHandler(provider: ReturnType<typeof createProvider>, people: readonly Person[]) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const interaction = await provider.interactionDetails(request, response);
    if (request.method === 'POST') {
      const accountId = new URLSearchParams(await readBody(request)).get('login');
      if (people.some((person) => person.subject === accountId) && accountId !== null) {
        await forgetSession(provider, interaction);
        return provider.interactionFinished(request, response, { login: { accountId, amr: ['demo'] } });
      }
    }
    const page = renderLoginPage(`/interaction/${interaction.uid}`, String(interaction.params['client_id']), people);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(page);
  };
}

/** Lets somebody else sign in where a session of another person still runs, without a page that asks to end it. */
async function forgetSession(
  provider: ReturnType<typeof createProvider>,
  interaction: Awaited<ReturnType<ReturnType<typeof createProvider>['interactionDetails']>>,
): Promise<void> {
  if (interaction.session === undefined) return;
  const session = await provider.Session.findByUid(interaction.session.uid);
  await session?.destroy();
  interaction.session = undefined;
  await interaction.save(interaction.exp - Math.floor(Date.now() / 1000));
}

async function mintOver(
  request: IncomingMessage,
  response: ServerResponse,
  mint: (request: MintRequest) => Promise<string>,
): Promise<void> {
  const wanted: unknown = JSON.parse(await readBody(request));
  if (!isMintRequest(wanted)) throw new Error('a mint request needs "subject" and "audience"');
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ token: await mint(wanted) }));
}

function isMintRequest(value: unknown): value is MintRequest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'subject' in value &&
    typeof value.subject === 'string' &&
    'audience' in value
  );
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) throw new Error('the body is not bytes');
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new Error('the body is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
