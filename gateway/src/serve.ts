import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createApprovals } from './approval/index.js';
import { type Config, parseConfig, readSecretFile } from './config/index.js';
import { errorMessage } from './errors.js';
import { type Foundation, openFoundation } from './foundation.js';
import { createConsole, noiseEntry } from './http/console/index.js';
import { serveDrivers } from './http/driver-server.js';
import { createListeningServer, followCertificate, listen, stopListening } from './http/listening-server.js';
import { answerNoise } from './http/noise.js';
import { createOps } from './http/ops.js';
import { createOutbox } from './http/outbox.js';
import { createConsoleLogin, createIdentity } from './identity/index.js';
import type { MaskingKeys } from './masking/index.js';
import {
  createCatalogs,
  createPartsGate,
  createResultParts,
  createSessionControl,
  createSessionGates,
  createStatements,
  type LoginDeps,
  type OwnSessionDeps,
  withOwnSession,
} from './pipeline/index.js';
import { createEarlierResults } from './policy/index.js';
import { compareInWorker, createReconciler, type Reconciler } from './reconcile/index.js';
import { createWriterKeys, watchShreds } from './registry/index.js';
import { type ConnectionCredential, openResources, recordingDemands } from './resources/index.js';
import { clock, sleep, timers, VERSION } from './runtime.js';
import { createSessions } from './session/index.js';
import { createLog, type Log, type Metrics } from './telemetry/index.js';
import {
  createChunkFetcher,
  createSnowflake,
  createTransport,
  type Endpoint,
  endpointOf,
  parsePrivateKey,
  type UpstreamCredential,
} from './upstream/index.js';

/** How long statements under way may take after SIGTERM. Held ones continue on another gateway or after the restart. */
const DRAIN_MS = 15_000;
/** How long the answers of statements that ended may take to reach their drivers. */
const LAST_ANSWERS_MS = 3_000;
const LAST_CALLS_MS = 1_000;
/** Stopping is bounded by all of these; whatever holds it up longer does not keep the process. The next start seals the log. */
const STOP_WITHIN_MS = 40_000;
const SWEEP_EVERY_MS = 15_000;

/** Reads the environment, builds the gateway, serves until SIGTERM or SIGINT. Sets the exit code; never throws. */
export async function run(process_: NodeJS.Process): Promise<void> {
  const parsed = parseConfig(process_.env);
  if (!parsed.ok) {
    process_.stderr.write(
      `piste: the configuration is not usable\n${parsed.complaints.map((line) => `  ${line}\n`).join('')}`,
    );
    process_.exitCode = 1;
    return;
  }
  const log = createLog({
    level: parsed.config.logLevel,
    clock: clock.nowMs,
    // Standard output carries one line only: the addresses, once everything listens.
    write: (line) => void process_.stderr.write(line),
  });
  try {
    const gateway = await startGateway(parsed.config, log);
    process_.stdout.write(`${JSON.stringify({ ready: true, ...gateway.addresses })}\n`);
    const stop = (): void => {
      timers.after(STOP_WITHIN_MS, () => {
        log.error('stopping takes too long, the process ends now');
        process_.exit(1);
      });
      gateway.stop().then(
        () => process_.exit(0),
        (error: unknown) => {
          log.error('stopping failed', { error: errorMessage(error) });
          process_.exit(1);
        },
      );
    };
    process_.once('SIGTERM', stop);
    process_.once('SIGINT', stop);
  } catch (error) {
    log.error('the gateway cannot start', { error: errorMessage(error) });
    // Timers and listeners of a half-built gateway must not keep the process: whoever watches it starts it again.
    process_.exit(1);
  }
}

export interface Gateway {
  readonly addresses: {
    readonly driver: string;
    readonly console: string;
    readonly ops: string;
    readonly writer: string;
  };
  stop(): Promise<void>;
}

/** Builds every room by hand and listens. What was recorded is closed and published when that fails. */
export async function startGateway(config: Config, log: Log): Promise<Gateway> {
  const foundation = await openFoundation(config, log);
  try {
    return await startOn(foundation, config, log);
  } catch (error) {
    await foundation.closeRecording();
    throw error;
  }
}

async function startOn(
  { store, sealer, archive, space, registryLog, recording, blinds, refusal, closeRecording, metrics }: Foundation,
  config: Config,
  log: Log,
): Promise<Gateway> {
  const resources = await openResources({
    directory: config.resourcesDirectory,
    secrets: (name, key) => readSecretFile(config.secretsDirectory, name, key),
    clock: clock.nowMs,
    log,
    record: (entry) => recording.append(entry),
    beforeEffect: (connections) => recording.demandModes(recordingDemands(connections)),
    metrics: metrics.resources,
  });
  const transport = createTransport();
  const endpoints = (name: string): Endpoint | undefined => {
    const account = resources.current().connections.get(name)?.resource.spec.account;
    const endpoint = account === undefined ? undefined : endpointOf(name, account, config.allowInsecureUpstream);
    return endpoint?.ok === true ? endpoint.endpoint : undefined;
  };
  const snowflake = createSnowflake({
    transport,
    clock,
    sleep,
    maxBodyBytes: config.limits.maxBodyBytes,
    onRequest: (connection, result, milliseconds) => metrics.upstream.request(connection, result, milliseconds / 1000),
  });
  const identity = createIdentity({
    clock: clock.nowMs,
    log,
    metrics: metrics.identity,
    allowInsecureIssuers: config.allowInsecureIssuers,
  });
  const sessions = createSessions({
    store,
    sealer,
    clock,
    sessionTokenSeconds: config.limits.sessionTokenSeconds,
    masterTokenSeconds: config.limits.masterTokenSeconds,
  });
  const approvals = createApprovals({
    store,
    clock: clock.nowMs,
    random: randomBytes,
    log,
    record: (entry) => recording.append(entry),
    metrics: metrics.approval,
    sealer,
  });
  const maskingKeys = (): MaskingKeys => resources.maskingKeys();
  const fetchChunk = createChunkFetcher({
    transport,
    sleep,
    maxChunkBytes: config.limits.maxChunkBytes,
    allowInsecureUpstream: config.allowInsecureUpstream,
  });
  const catalogs = createCatalogs({
    recording,
    snowflake,
    endpointOf: endpoints,
    fetchChunk,
    clock,
    trustSeconds: config.limits.catalogSeconds,
  });
  const parts = createResultParts({
    store,
    sealer,
    recording,
    log,
    maskingKeys,
    fetchChunk,
    gate: createPartsGate({ maxBytes: config.limits.maxPartsBytes, timers, onChange: metrics.delivery.partsHeld }),
    onDelivered: metrics.statements.delivered,
    onMaskFailed: metrics.statements.maskFailed,
    onDetected: metrics.statements.detected,
    onMasked: metrics.statements.masked,
  });
  const active = new Map<string, number>();
  const onSession = (change: 1 | -1, connection: string): void => {
    const count = Math.max(0, (active.get(connection) ?? 0) + change);
    active.set(connection, count);
    metrics.sessions.active(connection, count);
  };
  const statements = createStatements({
    stageTimer: {
      nowMs: () => performance.now(),
      stageTook: (stage, milliseconds) => metrics.statements.stage(stage, milliseconds / 1000),
    },
    clock,
    log,
    limits: config.limits,
    metrics: metrics.statements,
    store,
    resources,
    sessions,
    catalogs,
    earlierResults: createEarlierResults(),
    approvals,
    recording,
    snowflake,
    endpointOf: endpoints,
    maskingKeys,
    gates: createSessionGates(),
    parts,
    sealer,
    timers,
    holder: randomUUID(),
    onSession,
  });
  const login: LoginDeps = {
    resources,
    identity,
    sessions,
    snowflake,
    recording,
    endpointOf: endpoints,
    credentialOf: (name) => readCredential(resources.credential(name), name, log),
    log,
    onLogin: metrics.sessions.login,
    onSession,
  };
  const reconciler = startReconciler(
    {
      recording,
      snowflake,
      endpointOf: endpoints,
      fetchChunk,
      resources,
      credentialOf: login.credentialOf,
      clock,
      log,
      version: VERSION,
    },
    { registryLog, blinds },
    config,
    metrics,
  );
  const control = createSessionControl({
    sessions,
    statements,
    catalogs,
    snowflake,
    recording,
    endpointOf: endpoints,
    log,
    onSession,
  });
  const stopWatching = watchShreds({ registry: registryLog, timers, log, onShred: (id) => control.endShredded(id) });
  const outbox = createOutbox({
    nowMs: () => performance.now(),
    timers,
    log,
    metrics: metrics.delivery,
  });
  const driver = createListeningServer(config.tls);
  serveDrivers(driver, {
    login,
    control,
    statements,
    parts,
    recording,
    log,
    maxBodyBytes: config.limits.maxBodyBytes,
    driverUrl: config.driverUrl,
    clock,
    onRequest: (route, status, seconds) => metrics.http.request('driver', route, status, seconds),
    metrics: metrics.delivery,
    outbox,
  });
  let stopping = false;
  const ops = createServer(
    createOps({
      checks: [
        { name: 'serving', check: () => failWhen(stopping, 'stopping') },
        { name: 'recording', check: () => failWhen(recording.failed, 'the log cannot be written') },
        { name: 'disk', check: () => failWhen(space.trouble !== undefined, space.trouble ?? '') },
        ...(archive === undefined
          ? []
          : [{ name: 'archive', check: () => failWhen(archive.trouble !== undefined, archive.trouble ?? '') }]),
        { name: 'registry', check: () => failWhen(refusal() !== undefined, refusal() ?? '') },
        { name: 'store', check: () => store.ping() },
        {
          name: 'connections',
          check: () => failWhen(resources.current().connections.size === 0, 'no connection is served'),
        },
      ],
      metrics,
      log,
    }),
  );
  const driverUrl = await listen(driver, config.driver);
  const consoleServer = createListeningServer(config.tls);
  const consoleAddress = await listen(consoleServer, config.console);
  const consoleUrl = config.consoleUrl ?? consoleAddress;
  answerNoise(consoleServer, (why) => recording.append(noiseEntry(why)));
  consoleServer.on(
    'request',
    createConsole({
      approvals,
      identity,
      connections: {
        list: () =>
          [...resources.current().connections.values()].map(({ name, resource }) => ({
            name,
            issuers: resource.spec.issuers,
            allowedGroups: resource.spec.allowedGroups,
            approverIssuer: resource.spec.approverIssuer,
          })),
      },
      login:
        config.consoleLogin === undefined
          ? undefined
          : createConsoleLogin({
              issuerUrl: config.consoleLogin.issuer,
              clientId: config.consoleLogin.clientId,
              clientSecret: config.consoleLogin.clientSecret,
              redirectUri: `${consoleUrl}/auth/callback`,
              allowInsecureIssuers: config.allowInsecureIssuers,
              log,
              clock: clock.nowMs,
            }),
      publicUrl: consoleUrl,
      reconcile: {
        run: (connection, by, sinceMs) => reconciler.run(connection, by, sinceMs),
        auditorGroups: config.auditorGroups,
      },
      store,
      record: (entry) => recording.append(entry),
      log,
      clock: clock.nowMs,
    }),
  );
  const opsUrl = await listen(ops, config.ops);
  const followingCertificate = followCertificate(config.tls, [driver, consoleServer], timers, log);
  const sweeping = timers.every(SWEEP_EVERY_MS, () => {
    approvals
      .sweep()
      .catch((error: unknown) => log.warn('approvals could not be swept', { error: errorMessage(error) }));
  });

  return {
    addresses: { driver: driverUrl, console: consoleUrl, ops: opsUrl, writer: recording.writer },
    async stop() {
      stopping = true;
      log.info('stopping');
      const servers = [driver, consoleServer];
      const ended = Promise.all(servers.map(stopListening));
      sweeping();
      followingCertificate();
      await statements.drain(DRAIN_MS);
      // A statement that ended is not an answer that arrived: it still has to be written.
      for (const server of servers) server.closeIdleConnections();
      await Promise.race([ended, sleep(LAST_ANSWERS_MS)]);
      for (const server of servers) server.closeAllConnections();
      stopWatching();
      outbox.close();
      await reconciler.close();
      resources.close();
      await closeRecording();
      // Whatever is still asked of Snowflake, nobody waits for its answer any more.
      await Promise.race([transport.close(), sleep(LAST_CALLS_MS)]);
      ops.close();
      ops.closeAllConnections();
    },
  };
}

function startReconciler(
  own: OwnSessionDeps,
  { registryLog, blinds }: Pick<Foundation, 'registryLog' | 'blinds'>,
  config: Config,
  metrics: Metrics,
): Reconciler {
  const writerKeys = createWriterKeys(registryLog);
  const comparisons = compareInWorker(
    { directory: config.recordingDirectory, archive: config.archive?.location },
    { keeps: config.reconcileSeconds > 0 },
  );
  const reconciler = createReconciler({
    connections: () => [...own.resources.current().connections.keys()],
    openSession: (connection, signal, work) => withOwnSession(own, connection, signal, work),
    createComparison: () => comparisons.begin(),
    knownWriters: () => writerKeys.read(),
    blinds,
    record: (entry) => own.recording.append(entry),
    announce: (fields) => registryLog.append([{ kind: 'reconcile', fields }]),
    metrics: metrics.reconcile,
    clock,
    timers,
    log: own.log,
    everySeconds: config.reconcileSeconds,
  });
  const close = async (): Promise<void> => {
    await reconciler.close();
    await comparisons.close();
  };
  return { ...reconciler, close };
}

/** The keys as the upstream room wants them; one that cannot be read is left out and said so. */
function readCredential(
  held: ConnectionCredential | undefined,
  connection: string,
  log: Log,
): UpstreamCredential | undefined {
  if (held === undefined) return undefined;
  if (held.type === 'ProgrammaticAccessToken') return { type: held.type, user: held.user, token: held.token.reveal() };
  const privateKeys = held.privateKeys.flatMap((pem) => {
    try {
      return [parsePrivateKey(pem.reveal())];
    } catch (error) {
      log.error('a private key cannot be used', { connection, error: errorMessage(error) });
      return [];
    }
  });
  return privateKeys.length === 0 ? undefined : { type: held.type, user: held.user, privateKeys };
}

async function failWhen(condition: boolean, why: string): Promise<void> {
  if (condition) throw new Error(why);
}
