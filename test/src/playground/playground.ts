import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, startProgram } from '../harness/child.js';
import { controlStandIn, type StandInControl } from '../harness/stand-in-program.js';
import type { HistoryEntry } from '../stand-in/index.js';
import {
  type Environment,
  type GatewayPlace,
  type GatewayProgram,
  placeGateway,
  startGatewayProgram,
} from './gateway-program.js';
import { AUDIENCE, playgroundResources } from './resources.js';

export type { Environment, GatewayProgram } from './gateway-program.js';
export { AUDIENCE } from './resources.js';

export interface PlaygroundOptions {
  /** Further environment of every gateway, over the playground's own. */
  readonly gatewayEnvironment?: Environment;
  /** Options of the stand-in, over the playground's own. */
  readonly standIn?: Readonly<Record<string, unknown>>;
  /** Where the gateway looks for the account instead of the stand-in itself: the port of something that stands between. */
  readonly accountPort?: number;
  /** Options of the issuer, over the playground's own. */
  readonly issuer?: Readonly<Record<string, unknown>>;
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
  readonly standInChunkPort: number;
  readonly issuerUrl: string;
  readonly recordingDirectory: string;
  readonly checkpointFile: string;
  readonly resourcesDirectory: string;
  readonly secretsDirectory: string;
  readonly standIn: StandInControl;
  /** The first gateway. */
  readonly gateway: GatewayProgram;
  /** A token of the issuer; agents and approvers alike. */
  mint(
    subject: string,
    claims?: Readonly<Record<string, unknown>>,
    overrides?: Readonly<Record<string, unknown>>,
  ): Promise<string>;
  /** What the stand-in was asked to run, oldest first. */
  history(): Promise<readonly HistoryEntry[]>;
  /** What the first gateway wrote to its log so far. */
  gatewayOutput(): string;
  gatewayPid(): number;
  /** Another gateway over the same resources, secrets and store, with ports and a recording of its own. */
  startGateway(name: string, changes?: Environment): Promise<GatewayProgram>;
  /** Stops the first gateway and starts it again over the same folders; ports stay. `killed` gives it no time to end. */
  restartGateway(how?: 'gently' | 'killed', changes?: Environment): Promise<void>;
  stopGateway(): Promise<number | null>;
  stopStandIn(): Promise<void>;
  stop(): Promise<void>;
}

/** An agent's token as the playground's issuer mints it. */
export const AGENT_CLAIMS = {
  name: 'report-agent',
  groups: ['agents'],
  agent: 'report-agent',
  delegator: 'sam.analyst',
  task: 'monthly report',
};
export const OWNER_CLAIMS = { name: 'Dana (data owner)', groups: ['data-owners'] };

/** Starts stand-in, issuer and gateway. Stop it in every case: it owns processes and a temporary folder. */
export async function startPlayground(options: PlaygroundOptions = {}): Promise<Playground> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-'));
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.reverse()) await end();
    stops.length = 0;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    return await build(directory, stops, stop, options);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  directory: string,
  stops: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
  options: PlaygroundOptions,
): Promise<Playground> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const clientSecret = randomBytes(24).toString('hex');
  const place = await placeGateway(directory, 'first');
  const { standIn, issuer } = await startSurroundings(place, {
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    clientSecret,
    standIn: options.standIn ?? {},
    issuer: options.issuer ?? {},
  });
  stops.push(() => Promise.all([standIn.stop(), issuer.stop()]));
  const standInUrl = String(standIn.ready['url']);
  const issuerUrl = String(issuer.ready['url']);
  const resourcesDirectory = join(directory, 'resources');
  const secretsDirectory = join(directory, 'secrets');
  const files = {
    ...playgroundResources({ standInPort: options.accountPort ?? Number(standIn.ready['port']), issuerUrl }),
    ...options.resources,
  };
  for (const [name, text] of Object.entries(files)) if (text !== null) await put(join(resourcesDirectory, name), text);
  await put(
    join(secretsDirectory, 'snowflake', 'private-key.pem'),
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  await put(join(secretsDirectory, 'masking', 'hash-key'), randomBytes(32).toString('hex'));
  await put(join(secretsDirectory, 'masking', 'token-key'), randomBytes(16).toString('hex'));
  await put(join(directory, 'console-secret'), clientSecret);
  await put(join(directory, 'state-key'), randomBytes(32).toString('base64'));
  const identity = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await put(join(directory, 'identity.pem'), identity);
  const environment = {
    PISTE_RESOURCES_DIR: resourcesDirectory,
    PISTE_SECRETS_DIR: secretsDirectory,
    PISTE_DEPLOYMENT: 'playground',
    PISTE_STATE_KEY_FILE: join(directory, 'state-key'),
    // Further gateways are of the same deployment: one identity, one registry.
    PISTE_IDENTITY_KEY_FILE: join(directory, 'identity.pem'),
    PISTE_REGISTRY_DIR: join(place.recordingDirectory, 'registry'),
    PISTE_CONSOLE_ISSUER: issuerUrl,
    PISTE_CONSOLE_CLIENT_SECRET_FILE: join(directory, 'console-secret'),
    PISTE_ALLOW_INSECURE_UPSTREAM: 'true',
    ...options.gatewayEnvironment,
  };
  const gateway = await startGatewayProgram(place, environment);
  stops.push(() => gateway.stop());
  const control = controlStandIn(standInUrl);

  return {
    directory,
    driverUrl: gateway.driverUrl,
    consoleUrl: gateway.consoleUrl,
    opsUrl: gateway.opsUrl,
    standInUrl,
    standInChunkPort: Number(standIn.ready['chunkPort']),
    issuerUrl,
    recordingDirectory: gateway.recordingDirectory,
    checkpointFile: gateway.checkpointFile,
    resourcesDirectory,
    secretsDirectory,
    standIn: control,
    gateway,
    async mint(subject, claims = {}, overrides = {}) {
      const response = await fetch(`${issuerUrl}/control/mint`, {
        method: 'POST',
        body: JSON.stringify({ subject, audience: AUDIENCE, claims, ...overrides }),
      });
      if (!response.ok) throw new Error(`the issuer minted nothing: ${response.status}`);
      return ((await response.json()) as { token: string }).token;
    },
    history: control.history,
    gatewayOutput: gateway.output,
    gatewayPid: gateway.pid,
    async startGateway(name, changes = {}) {
      const other = await startGatewayProgram(await placeGateway(directory, name), { ...environment, ...changes });
      stops.push(() => other.stop());
      return other;
    },
    async restartGateway(how = 'gently', changes = {}) {
      await (how === 'killed' ? gateway.kill() : gateway.stop());
      await gateway.start(changes);
    },
    stopGateway: gateway.stop,
    stopStandIn: async () => void (await standIn.stop()),
    stop,
  };
}

interface Surroundings {
  readonly publicKeyPem: string;
  readonly clientSecret: string;
  readonly standIn: Readonly<Record<string, unknown>>;
  readonly issuer: Readonly<Record<string, unknown>>;
}

/** The account behind the gateway and the issuer beside it. */
async function startSurroundings(
  place: GatewayPlace,
  { publicKeyPem, clientSecret, standIn, issuer }: Surroundings,
): Promise<{ readonly standIn: Program; readonly issuer: Program }> {
  const standInOptions = {
    users: [
      { name: 'PISTE_SVC', publicKeyPem, roles: ['ANALYST', 'SUPPORT'] },
      { name: 'DIRECT', password: 'direct-password', roles: ['ANALYST', 'SUPPORT', 'SYSADMIN'] },
    ],
    ...standIn,
  };
  const issuerOptions = {
    console: { clientId: 'piste-console', clientSecret, redirectUris: [`${place.consoleUrl}/auth/callback`] },
    audiences: [AUDIENCE],
    dangerouslyMintForAnyone: true,
    ...issuer,
  };
  const starts = [
    startProgram(program('stand-in'), [JSON.stringify(standInOptions)]),
    startProgram(program('issuer'), [JSON.stringify(issuerOptions)]),
  ] as const;
  // Settled first: when one fails, the other must not be left behind half started.
  const outcomes = await Promise.allSettled(starts);
  if (outcomes.some(({ status }) => status === 'rejected')) {
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value.stop();
  }
  const [startedStandIn, startedIssuer] = await Promise.all(starts);
  return { standIn: startedStandIn, issuer: startedIssuer };
}

const program = (name: string): string => fileURLToPath(new URL(`../${name}/main.js`, import.meta.url));

async function put(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode: 0o600 });
}
