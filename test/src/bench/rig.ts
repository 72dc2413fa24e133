import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, startProgram } from '../harness/child.js';
import { type WireClient, wireLogin } from '../harness/wire-client.js';
import { AGENT_CLAIMS } from '../playground/playground.js';
import { AUDIENCE, playgroundResources } from '../playground/resources.js';
import type { DownloadLoad, DownloadSample, StatementLoad, StatementSample } from './load.js';
import { isInMemory, pinTo } from './machine.js';
import { type Nginx, startNginx } from './nginx.js';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '..');
const ROOT = join(DIST, '..', '..');
const GATEWAY_MAIN = join(ROOT, 'gateway', 'dist', 'main.js');

/** The CPU of what is measured, and the CPU of what measures. */
const SUBJECT_CPU = 0;
const EQUIPMENT_CPU = 1;

/** A gateway with a session of an agent. */
export interface GatewaySubject {
  readonly port: number;
  readonly pid: number;
  readonly client: WireClient;
  /** Folder of its log. */
  readonly recordingDirectory: string;
}

/** Upstream, baseline, gateways and load generator, each in processes of their own. */
export interface Rig {
  readonly directory: string;
  readonly upstreamPort: number;
  /** Bytes of the large chunk, unpacked. */
  readonly chunkBytes: number;
  readonly nginx: Nginx | undefined;
  readonly gateway: GatewaySubject;
  /** The same gateway with its log in memory: what it costs apart from the disk. Undefined without a memory file system. */
  readonly gatewayInMemory: GatewaySubject | undefined;
  readonly isPinned: boolean;
  sendStatements(load: StatementLoad): Promise<StatementSample>;
  download(load: DownloadLoad): Promise<DownloadSample>;
  /** Ends every process and removes the folder. */
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly withMemoryGateway: boolean;
  /** Further environment of the gateways. */
  readonly gatewayEnvironment?: Readonly<Record<string, string>>;
}

/**
 * Starts everything below one folder of `.cache`, on the disk where the checkout lies. The gateway is the product as it
 * ships: an agent's token from a real issuer opens the session, a key pair opens the one behind it.
 */
export async function startRig(options: RigOptions): Promise<Rig> {
  const cache = join(ROOT, '.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'bench-'));
  const cleanUp: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const end of cleanUp.splice(0).reverse()) await end();
  };
  try {
    return await build({ directory, cleanUp, stop, options });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Site {
  readonly directory: string;
  readonly cleanUp: (() => Promise<unknown>)[];
  readonly stop: () => Promise<void>;
  readonly options: RigOptions;
}

async function build(site: Site): Promise<Rig> {
  const { directory, cleanUp, stop, options } = site;
  const start = async (file: string, args: readonly string[] = []): Promise<Program> => {
    const program = await startProgram(join(DIST, file), args);
    cleanUp.push(program.stop);
    return program;
  };
  const [upstream, load, issuer] = await Promise.all([
    start('bench/upstream-main.js'),
    start('bench/load-main.js'),
    start('issuer/main.js', [JSON.stringify({ audiences: [AUDIENCE], dangerouslyMintForAnyone: true })]),
  ]);
  const upstreamPort = Number(upstream.ready['port']);
  const nginx = await startNginx(join(directory, 'nginx'), upstreamPort);
  if (nginx !== undefined) cleanUp.push(() => nginx.stop());
  const issuerUrl = String(issuer.ready['url']);
  const gateway = await startGateway(site, { name: 'disk', parent: directory, issuerUrl, upstreamPort });
  const memory = options.withMemoryGateway ? await memoryDirectory(cleanUp) : undefined;
  const gatewayInMemory =
    memory === undefined
      ? undefined
      : await startGateway(site, { name: 'memory', parent: memory, issuerUrl, upstreamPort });
  const subjects = [
    ...(nginx?.pids ?? []),
    gateway.pid,
    ...(gatewayInMemory === undefined ? [] : [gatewayInMemory.pid]),
  ];
  const pinned = await Promise.all([
    ...subjects.map((pid) => pinTo(SUBJECT_CPU, pid)),
    ...[upstream.pid, load.pid].map((pid) => pinTo(EQUIPMENT_CPU, pid)),
  ]);
  const loadUrl = String(load.ready['url']);
  const order = async (path: string, what: object): Promise<unknown> => {
    const response = await fetch(`${loadUrl}${path}`, { method: 'POST', body: JSON.stringify(what) });
    if (!response.ok) throw new Error(`the load generator failed: ${await response.text()}`);
    return response.json();
  };
  return {
    directory,
    upstreamPort,
    chunkBytes: Number(upstream.ready['chunkBytes']),
    nginx,
    gateway,
    gatewayInMemory,
    isPinned: pinned.every(Boolean),
    sendStatements: async (what) => (await order('/statements', what)) as StatementSample,
    download: async (what) => (await order('/download', what)) as DownloadSample,
    stop,
  };
}

/** A folder in memory, for a log that costs no disk. */
async function memoryDirectory(cleanUp: Site['cleanUp']): Promise<string | undefined> {
  const directory = await mkdtemp('/dev/shm/piste-bench-').catch(() => undefined);
  if (directory === undefined) return undefined;
  cleanUp.push(() => rm(directory, { recursive: true, force: true }));
  return (await isInMemory(directory)) ? directory : undefined;
}

interface GatewayPlan {
  readonly name: string;
  readonly parent: string;
  readonly issuerUrl: string;
  readonly upstreamPort: number;
}

async function startGateway({ directory, cleanUp, options }: Site, plan: GatewayPlan): Promise<GatewaySubject> {
  const { issuerUrl, upstreamPort } = plan;
  const home = join(directory, plan.name);
  const recordingDirectory = join(plan.parent, `recording-${plan.name}`);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const files = {
    ...playgroundResources({ standInPort: upstreamPort, issuerUrl }),
    'secrets/snowflake/private-key.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'secrets/masking/hash-key': randomBytes(32).toString('hex'),
  };
  for (const [name, text] of Object.entries(files)) {
    const file = join(home, name.startsWith('secrets/') ? name : `resources/${name}`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { mode: 0o600 });
  }
  await mkdir(recordingDirectory, { recursive: true });
  const program = await startProgram(
    GATEWAY_MAIN,
    [],
    {
      PISTE_RESOURCES_DIR: join(home, 'resources'),
      PISTE_SECRETS_DIR: join(home, 'secrets'),
      PISTE_RECORDING_DIR: recordingDirectory,
      PISTE_CHECKPOINT_FILE: join(home, 'checkpoint.json'),
      PISTE_DEPLOYMENT: 'bench',
      PISTE_DRIVER_ADDRESS: '127.0.0.1:0',
      PISTE_CONSOLE_ADDRESS: '127.0.0.1:0',
      PISTE_OPS_ADDRESS: '127.0.0.1:0',
      PISTE_ALLOW_INSECURE_UPSTREAM: 'true',
      ...options.gatewayEnvironment,
    },
    { killAfterMilliseconds: 25_000 },
  );
  cleanUp.push(program.stop);
  const url = String(program.ready['driver']);
  const client = await wireLogin(url, { fields: { AUTHENTICATOR: 'OAUTH', TOKEN: await mint(issuerUrl) } });
  return { port: Number(new URL(url).port), pid: program.pid, client, recordingDirectory };
}

async function mint(issuerUrl: string): Promise<string> {
  const response = await fetch(`${issuerUrl}/control/mint`, {
    method: 'POST',
    body: JSON.stringify({ subject: 'agent-bench', audience: AUDIENCE, claims: AGENT_CLAIMS }),
  });
  if (!response.ok) throw new Error(`the issuer minted nothing: ${response.status}`);
  return ((await response.json()) as { token: string }).token;
}
