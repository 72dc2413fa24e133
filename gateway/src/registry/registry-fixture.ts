import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  createKeptNoteSigner,
  loadTrust,
  type NoteSigner,
  openDirectory,
  registryOrigin,
  type Trust,
} from '@piste/verifier';
import type { Recording } from '../recording/index.js';
import { createFakeClock, type FakeClock, openTestRecording, SILENT_LOG } from '../recording/recording-fixture.js';
import { createFileStore } from './file-store.js';
import {
  type GatewayRegistry,
  type GatewayRegistryDeps,
  openGatewayRegistry,
  type RegisteredRecording,
} from './gateway-registry.js';
import type { Timers } from './registration.js';
import { openRegistryLog, type RegistryLog } from './registry-log.js';

// Equipment for the tests of this room.

/** A private key that is the same in every process of a test. */
export function testIdentityKey(seed = 7): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** An identity that is the same in every process of a test. */
export function testIdentity(seed = 7, deployment = 'test'): NoteSigner {
  return createKeptNoteSigner(registryOrigin(deployment), testIdentityKey(seed));
}

export const TEST_TIME_MS = Date.UTC(2026, 10, 23, 6);

export function openTestRegistry(directory: string, signer = testIdentity()): RegistryLog {
  return openRegistryLog({ store: createFileStore(join(directory, 'registry')), signer, nowMs: () => TEST_TIME_MS });
}

/** A registry with its opening and one tick. */
export async function startTestRegistry(directory: string, signer = testIdentity()): Promise<RegistryLog> {
  const log = openTestRegistry(directory, signer);
  await log.append([{ kind: 'tick', fields: {} }]);
  return log;
}

/** A recording directory as the verifier reads it. */
export const sourceOf = openDirectory;

/** Timers that run when a test says so. */
export function createManualTimers(): { readonly timers: Timers; run(): void } {
  const running = new Set<() => void>();
  return {
    timers: {
      every(_, run) {
        running.add(run);
        return () => void running.delete(run);
      },
    },
    run() {
      for (const run of running) run();
    },
  };
}

export interface TestGateway {
  readonly clock: FakeClock;
  readonly opened: GatewayRegistry;
  readonly registered: RegisteredRecording;
  /** The recording, registered and guarded. */
  readonly recording: Recording;
  readonly trustFile: string;
  trust(): Promise<Trust>;
  close(): Promise<void>;
}

/** A gateway's recording and registry in a directory; every gateway of a test keeps a trust file of its own beside it. */
export async function startTestGateway(
  directory: string,
  deps: Partial<GatewayRegistryDeps> & {
    readonly name?: string;
    readonly clock?: FakeClock;
    readonly recipients?: readonly string[];
  } = {},
): Promise<TestGateway> {
  const clock = deps.clock ?? createFakeClock();
  const trustFile = `${directory}.${deps.name ?? 'gateway'}.trust.json`;
  const opened = await openGatewayRegistry({
    store: createFileStore(join(directory, 'registry')),
    signer: testIdentity(),
    witnesses: undefined,
    checkpointFile: trustFile,
    recordingDirectory: directory,
    deployment: 'test',
    maxLagSeconds: 300,
    nowMs: () => clock.nowMs(),
    elapsedMs: () => Number(clock.monotonicNs() / 1_000_000n),
    timers: createManualTimers().timers,
    fetch,
    log: SILENT_LOG,
    ...deps,
  });
  const writing = await openTestRecording(directory, {
    clock,
    describe: async ({ origin, vkey }) => ({ cert: opened.certify(origin, vkey) }),
    random: randomBytes,
    recipients: deps.recipients ?? [],
  });
  const registered = await opened.register(writing, { version: 'test' });
  return {
    clock,
    opened,
    registered,
    recording: registered.recording,
    trustFile,
    async trust() {
      const current = await loadTrust(trustFile);
      if (!current.ok) throw new Error(current.complaint);
      return current.trust;
    },
    async close() {
      await writing.close();
      await registered.close();
    },
  };
}
