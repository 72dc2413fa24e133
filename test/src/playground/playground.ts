import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, startProgram } from '../harness/child.js';
import { AUDIENCE, playgroundResources } from './resources.js';

export { AUDIENCE } from './resources.js';

const TEST_DIST = join(dirname(fileURLToPath(import.meta.url)), '..');
const GATEWAY_MAIN = join(TEST_DIST, '..', '..', 'gateway', 'dist', 'main.js');

export interface PlaygroundOptions {
  /** Further environment of the gateway, over the playground's own. */
  readonly gatewayEnvironment?: Readonly<Record<string, string>>;
  /** Options of the stand-in, over the playground's own. */
  readonly standIn?: Readonly<Record<string, unknown>>;
  /** Resource files that replace or join the playground's own; null leaves one out. */
  readonly resources?: Readonly<Record<string, string | null>>;
}

/** A gateway with everything around it, each part a process of its own on free ports. */
export interface Playground {
  readonly directory: string;
  readonly driverUrl: string;
  readonly consoleUrl: string;
  readonly opsUrl: string;
  readonly standInUrl: string;
  readonly issuerUrl: string;
  readonly recordingDirectory: string;
  readonly checkpointFile: string;
  readonly resourcesDirectory: string;
  /** A token of the issuer; agents and approvers alike. */
  mint(subject: string, claims?: Readonly<Record<string, unknown>>, overrides?: Readonly<Record<string, unknown>>): Promise<string>;
  /** What the stand-in was asked to run, oldest first. */
  history(): Promise<readonly HistoryRow[]>;
  /** What the gateway wrote to its log so far. */
  gatewayOutput(): string;
  gatewayPid(): number;
  /** Stops the gateway and starts it again over the same folders; ports stay. With `signal` it is killed hard. */
  restartGateway(how?: 'gently' | 'killed', environment?: Readonly<Record<string, string>>): Promise<void>;
  stopGateway(): Promise<number | null>;
  stop(): Promise<void>;
}

export interface HistoryRow {
  readonly sqlText: string;
  readonly user: string;
  readonly role: string | null;
  readonly queryTag: string | null;
  readonly status: string;
  readonly isInternal: boolean;
}

/** An agent's token as the playground's issuer mints it. */
export const AGENT_CLAIMS = { name: 'report-agent', groups: ['agents'], agent: 'report-agent', delegator: 'sam.analyst', task: 'monthly report' };
export const OWNER_CLAIMS = { name: 'Dana (data owner)', groups: ['data-owners'] };

/** Starts stand-in, issuer and gateway. Stop it in every case: it owns processes and a temporary folder. */
export async function startPlayground(options: PlaygroundOptions = {}): Promise<Playground> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-'));
  const started: Program[] = [];
  try {
    return await build(directory, started, options);
  } catch (error) {
    for (const program of started.reverse()) await program.stop();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function build(directory: string, started: Program[], options: PlaygroundOptions): Promise<Playground> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const [driverPort, consolePort, opsPort] = await freePorts(3);
  const consoleUrl = `http://127.0.0.1:${consolePort}`;
  const standInOptions = {
    users: [
      { name: 'PISTE_SVC', publicKeyPem, roles: ['ANALYST', 'SUPPORT'] },
      { name: 'DIRECT', password: 'direct-password', roles: ['ANALYST', 'SUPPORT', 'SYSADMIN'] },
    ],
    ...options.standIn,
  };
  const clientSecret = randomBytes(24).toString('hex');
  const issuerOptions = {
    console: { clientId: 'piste-console', clientSecret, redirectUris: [`${consoleUrl}/auth/callback`] },
    audiences: [AUDIENCE],
    dangerouslyMintForAnyone: true,
  };
  const [standIn, issuer] = await Promise.all([
    startProgram(join(TEST_DIST, 'stand-in', 'main.js'), [JSON.stringify(standInOptions)]),
    startProgram(join(TEST_DIST, 'issuer', 'main.js'), [JSON.stringify(issuerOptions)]),
  ]);
  started.push(standIn, issuer);
  const standInUrl = String(standIn.ready['url']);
  const issuerUrl = String(issuer.ready['url']);
  const folders = {
    resources: join(directory, 'resources'),
    secrets: join(directory, 'secrets'),
    recording: join(directory, 'recording'),
  };
  const files = { ...playgroundResources({ standInPort: Number(standIn.ready['port']), issuerUrl }), ...options.resources };
  for (const [name, text] of Object.entries(files)) if (text !== null) await put(join(folders.resources, name), text);
  await put(join(folders.secrets, 'snowflake', 'private-key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  await put(join(folders.secrets, 'masking', 'hash-key'), randomBytes(32).toString('hex'));
  await put(join(directory, 'console-secret'), clientSecret);
  await put(join(directory, 'state-key'), randomBytes(32).toString('base64'));
  await mkdir(folders.recording, { recursive: true });
  const checkpointFile = join(directory, 'checkpoint', 'trust.json');
  await mkdir(dirname(checkpointFile), { recursive: true });
  const environment = {
    PISTE_RESOURCES_DIR: folders.resources,
    PISTE_SECRETS_DIR: folders.secrets,
    PISTE_RECORDING_DIR: folders.recording,
    PISTE_CHECKPOINT_FILE: checkpointFile,
    PISTE_DEPLOYMENT: 'playground',
    PISTE_STATE_KEY_FILE: join(directory, 'state-key'),
    PISTE_DRIVER_ADDRESS: `127.0.0.1:${driverPort}`,
    PISTE_CONSOLE_ADDRESS: `127.0.0.1:${consolePort}`,
    PISTE_OPS_ADDRESS: `127.0.0.1:${opsPort}`,
    PISTE_CONSOLE_URL: consoleUrl,
    PISTE_CONSOLE_ISSUER: issuerUrl,
    PISTE_CONSOLE_CLIENT_SECRET_FILE: join(directory, 'console-secret'),
    PISTE_ALLOW_INSECURE_UPSTREAM: 'true',
    ...options.gatewayEnvironment,
  };
  let gateway = await startProgram(GATEWAY_MAIN, [], environment, { killAfterMilliseconds: 25_000 });
  let output = '';

  return {
    directory,
    driverUrl: `http://127.0.0.1:${driverPort}`,
    consoleUrl,
    opsUrl: `http://127.0.0.1:${opsPort}`,
    standInUrl,
    issuerUrl,
    recordingDirectory: folders.recording,
    checkpointFile,
    resourcesDirectory: folders.resources,
    async mint(subject, claims = {}, overrides = {}) {
      const response = await fetch(`${issuerUrl}/control/mint`, {
        method: 'POST',
        body: JSON.stringify({ subject, audience: AUDIENCE, claims, ...overrides }),
      });
      if (!response.ok) throw new Error(`the issuer minted nothing: ${response.status}`);
      return ((await response.json()) as { token: string }).token;
    },
    async history() {
      const response = await fetch(`${standInUrl}/stand-in/history`);
      return (await response.json()) as readonly HistoryRow[];
    },
    gatewayOutput: () => output + gateway.output(),
    gatewayPid: () => gateway.pid,
    async restartGateway(how = 'gently', changes = {}) {
      if (how === 'killed') process.kill(gateway.pid, 'SIGKILL');
      await gateway.stop();
      output += gateway.output();
      gateway = await startProgram(GATEWAY_MAIN, [], { ...environment, ...changes }, { killAfterMilliseconds: 25_000 });
    },
    stopGateway: () => gateway.stop(),
    async stop() {
      await gateway.stop();
      await Promise.all([standIn.stop(), issuer.stop()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function put(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode: 0o600 });
}

/** Ports nobody listens on now. Taken all at once, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
