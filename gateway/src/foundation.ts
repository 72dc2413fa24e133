import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { registryOrigin } from '@piste/verifier';
import {
  type Archive,
  announceBy,
  createRegistryObjects,
  type LiveLog,
  openArchive,
  openObjectStore,
} from './archive/index.js';
import { type Config, describeConfig, digestOf } from './config/index.js';
import { errorMessage } from './errors.js';
import { type DiskSpace, openDiskSpace, openRecording, type Recording } from './recording/index.js';
import {
  createFileStore,
  type GatewayRegistry,
  loadOrMakeSigner,
  loadSigner,
  openGatewayRegistry,
  type RegistryStore,
} from './registry/index.js';
import { clock, sleep, timers, VERSION } from './runtime.js';
import { createSessionBlinds, createStrandHints } from './session/index.js';
import { createMemoryStore, createRedisStore, createSealer, type Sealer, type Store } from './store/index.js';
import { createMetrics, type Log, type Metrics } from './telemetry/index.js';

/** The registry asks again by itself, every second. */
const REGISTRY_CALLS = { callTimeoutMs: 5_000, tries: 2 } as const;
/** How long the last records may take to reach the archive; the next start ships what is left. */
const LAST_SHIPMENT_MS = 10_000;

/** What everything else stands on: where state is kept and what happens is recorded. */
export interface Foundation {
  readonly store: Store;
  /** Seals what lies in it. */
  readonly sealer: Sealer;
  readonly archive: Archive | undefined;
  readonly space: DiskSpace;
  readonly registryLog: GatewayRegistry['registry'];
  readonly recording: Recording;
  /** Secrets: the blinds of this deployment's records that are still known, by their tags. */
  readonly blinds: () => Promise<ReadonlyMap<string, Uint8Array>>;
  /** Why nothing is recorded at present. */
  readonly refusal: () => string | undefined;
  /** Closes the log, publishes its last checkpoint and closes the store. */
  readonly closeRecording: () => Promise<void>;
  readonly metrics: Metrics;
}

/** Opens store, archive, registry and log, in the order in which each may begin. */
export async function openFoundation(config: Config, log: Log): Promise<Foundation> {
  const metrics = createMetrics({ version: VERSION });
  const store =
    config.redisUrl === undefined
      ? createMemoryStore({ clock: clock.nowMs })
      : createRedisStore({ url: config.redisUrl, keyPrefix: 'piste:', log, metrics: metrics.store });
  const archive = await openConfiguredArchive(config, metrics, log);
  const sealer = createSealer(config.stateKey ?? randomBytes(32));
  const strandHints = createStrandHints({ store, timers, log });
  const sessionBlinds = createSessionBlinds({ store, sealer, timers, random: randomBytes, log });
  const about = { host: hostname(), version: VERSION, config: digestOf(config) };
  const place = await placeRegistry(config, archive);
  const registry = await openRegistry({ config, store: place.store, metrics, log });
  const space = await openDiskSpace({
    directory: config.recordingDirectory,
    minFreeBytes: config.recordingMinFreeBytes,
    timers,
    log,
    metrics: metrics.space,
  });
  const writing = await openRecording({
    directory: config.recordingDirectory,
    deployment: config.deployment,
    clock,
    log,
    strandHints,
    sessionBlinds,
    mode: config.recordingMode,
    recipients: config.recordingRecipients,
    describe: async ({ origin, vkey }) => ({
      ...about,
      cert: registry.certify(origin, vkey),
      ...(archive === undefined ? {} : { store: archive.description }),
    }),
    refuses: (kind, letsRun, size) => archive?.refuses(kind, letsRun) ?? space.refuses(kind, letsRun, size),
    metrics: {
      committed(group) {
        metrics.recording.committed(group);
        archive?.committed(group.bytes);
        space.committed(group.bytes);
      },
      failed: metrics.recording.failed,
      lost: metrics.recording.lost,
    },
  });
  const registered = await registry.register(writing, about).catch(async (error: unknown) => {
    await writing.close();
    throw error;
  });
  // Not before: the log of a start that could not be registered holds nothing but its opening.
  await writing.append({
    kind: 'control',
    sessionId: undefined,
    fields: { op: 'config', outcome: 'loaded', config: about.config },
    bodies: [{ name: 'config', bytes: Buffer.from(describeConfig(config), 'utf8') }],
  });
  // After that, because the registry reads from the disk how former logs ended.
  archive?.start(
    liveLogOf(writing),
    announceBy((fields) => registry.registry.append([{ kind: 'segment', fields }])),
  );
  const closeRecording = async (): Promise<void> => {
    await writing.close();
    space.close();
    await archive?.close(LAST_SHIPMENT_MS);
    await registered.close();
    place.close();
    await strandHints.close();
    await store.close();
  };
  const blinds = async (): Promise<ReadonlyMap<string, Uint8Array>> => {
    const shared = await sessionBlinds.known().catch((error: unknown) => {
      log.warn('only own records can be compared by their texts', { error: errorMessage(error) });
      return [];
    });
    return new Map([...shared, ...writing.blinds()]);
  };
  return {
    store,
    sealer,
    archive,
    space,
    registryLog: registry.registry,
    ...registered,
    blinds,
    closeRecording,
    metrics,
  };
}

/** Undefined without one. Rejects when the store does not answer, or is not one that records may be entrusted to. */
async function openConfiguredArchive(config: Config, metrics: Metrics, log: Log): Promise<Archive | undefined> {
  if (config.archive === undefined) return undefined;
  return openArchive({
    store: await openObjectStore(config.archive.location, sleep),
    options: config.archive,
    directory: config.recordingDirectory,
    nowMs: clock.nowMs,
    random: randomBytes,
    timers,
    log,
    metrics: metrics.archive,
  });
}

function liveLogOf(recording: Recording): LiveLog {
  const { writer } = recording;
  return { ulid: writer.slice(writer.lastIndexOf('/') + 1), finishSegment: () => recording.finishSegment() };
}

interface RegistryPlace {
  readonly store: RegistryStore;
  close(): void;
}

/** In a folder, or in the bucket where all gateways of the deployment find it. */
async function placeRegistry(config: Config, archive: Archive | undefined): Promise<RegistryPlace> {
  const { registryDirectory } = config;
  if (registryDirectory !== undefined) return { store: createFileStore(registryDirectory), close: () => undefined };
  const can = archive?.description.can;
  if (config.archive === undefined || can?.replacement !== true || !can.creation)
    throw new Error('the archive cannot hold the registry, its store ignores conditions: set PISTE_REGISTRY_DIR');
  const store = await openObjectStore(config.archive.location, sleep, REGISTRY_CALLS);
  return {
    store: createRegistryObjects({ store, retention: archive?.retention, nowMs: clock.nowMs }),
    close: () => store.close(),
  };
}

interface RegistryParts {
  readonly config: Config;
  readonly store: RegistryStore;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** The registry of this deployment, under the identity the configuration names. */
async function openRegistry({ config, store, metrics, log }: RegistryParts): Promise<GatewayRegistry> {
  const origin = registryOrigin(config.deployment);
  const { identityKeyFile: file } = config;
  const identity = await (config.makeIdentityKey ? loadOrMakeSigner(file, origin) : loadSigner(file, origin)).catch(
    (error: unknown) => {
      throw new Error(`the identity key cannot be used: ${errorMessage(error)}`, { cause: error });
    },
  );
  if (identity.made)
    log.warn('an identity key was made: keep it, and give it to every gateway of this deployment', { file });
  return openGatewayRegistry({
    store,
    signer: identity.signer,
    witnesses: config.witnesses,
    ...(config.officers === undefined ? {} : { officers: config.officers }),
    checkpointFile: config.checkpointFile,
    recordingDirectory: config.recordingDirectory,
    deployment: config.deployment,
    maxLagSeconds: config.registryMaxLagSeconds,
    nowMs: clock.nowMs,
    elapsedMs: () => performance.now(),
    timers,
    fetch,
    log,
    metrics: metrics.registry,
  });
}
