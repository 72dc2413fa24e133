import { watch } from 'node:fs';
import { errorMessage } from '../errors.js';
import type { Log } from '../telemetry/index.js';
import { type CompiledFolder, type Connection, compileFolder } from './compile.js';
import { formatResourceComplaint, type ResourceComplaint } from './complaint.js';
import { createFileMemory, type FolderContent } from './file-memory.js';
import { readFolder } from './folder.js';
import { type ConnectionCredential, digestOfSecrets, type ReadSecret, readSecrets } from './secrets.js';

/** What is in force. One statement uses one snapshot from beginning to end. */
export interface Snapshot {
  /** SHA-256 (hex) over the canonical compiled content. */
  readonly revision: string;
  /** Grows by one with every snapshot of this process, also when only a Secret changed. */
  readonly sequence: number;
  /** Connections that are served, by name. Empty: the gateway is not ready. */
  readonly connections: ReadonlyMap<string, Connection>;
  readonly complaints: readonly ResourceComplaint[];
}

/** The entry that says a policy came into force or could not; shaped for the record. */
export interface PolicyEntry {
  readonly kind: 'policy.loaded' | 'policy.rejected';
  readonly sessionId: undefined;
  readonly fields: Readonly<Record<string, string | number | readonly string[] | null>>;
  readonly bodies: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

/** What is counted. */
export interface ResourceMetrics {
  loaded(sequence: number, atMs: number): void;
  looked(result: 'loaded' | 'unchanged' | 'rejected'): void;
  complaints(count: number): void;
}

export interface Timers {
  set(milliseconds: number, callback: () => void): { cancel(): void };
}

export interface ResourcesDeps {
  readonly directory: string;
  readonly secrets: ReadSecret;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: Log;
  /** Resolves when the entry is safe. If it rejects, the new snapshot does not take effect. */
  readonly record: (entry: PolicyEntry) => Promise<unknown>;
  /** What has to be done between the record and the effect of a new snapshot. If it rejects, the snapshot does not take effect. */
  readonly beforeEffect?: (connections: Snapshot['connections']) => Promise<void>;
  readonly metrics?: ResourceMetrics;
  readonly timers?: Timers;
  /** Quiet time after a change before the folder is read. */
  readonly debounceMs?: number;
  /** The folder and the Secrets are read this often even when nothing seems to change. */
  readonly pollMs?: number;
}

export interface Resources {
  current(): Snapshot;
  /** Calls back after each new snapshot; returns the way to stop. A callback that throws is logged and kept. */
  onChange(callback: (snapshot: Snapshot) => void): () => void;
  /** The account credential of a served connection. Kept apart from the snapshot, which holds no secret. */
  credential(connection: string): ConnectionCredential | undefined;
  /** Hash keys by the name obligations use. */
  maskingKeys(): ReadonlyMap<string, Uint8Array>;
  /** Reads the folder now; resolves when what it says is in force or was refused. */
  readonly look: () => Promise<void>;
  readonly close: () => void;
}

const DEBOUNCE_MS = 200;
const POLL_MS = 30_000;
const MAX_RECORDED_COMPLAINTS = 50;

const realTimers: Timers = {
  set(milliseconds, callback) {
    const handle = setTimeout(callback, milliseconds);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

interface InForce {
  readonly snapshot: Snapshot;
  readonly folder: Pick<CompiledFolder, 'credentials' | 'maskingKeys'>;
  readonly secretsDigest: string;
  readonly complaintText: string;
}

const NOTHING: InForce = {
  snapshot: Object.freeze({ revision: '', sequence: 0, connections: new Map(), complaints: [] }),
  folder: { credentials: new Map(), maskingKeys: new Map() },
  secretsDigest: '',
  complaintText: '',
};

/**
 * Opens the folder, loads it once and follows it. What a bad file last said well stays in force; a file that is removed takes
 * its resources with it. Each new snapshot is recorded before it takes effect. Rejects when the folder cannot be read or the
 * first snapshot cannot be recorded.
 */
export async function openResources(deps: ResourcesDeps): Promise<Resources> {
  const loader = createLoader(deps);
  await loader.load();
  const follower = follow(deps, loader.load);
  return Object.freeze({
    current: () => loader.inForce().snapshot,
    onChange: loader.onChange,
    credential: (connection: string) => loader.inForce().folder.credentials.get(connection),
    maskingKeys: () => loader.inForce().folder.maskingKeys,
    look: follower.look,
    close: follower.close,
  });
}

interface Loader {
  readonly load: () => Promise<void>;
  readonly inForce: () => InForce;
  readonly onChange: (callback: (snapshot: Snapshot) => void) => () => void;
}

function createLoader(deps: ResourcesDeps): Loader {
  const memory = createFileMemory();
  const callbacks = new Set<(snapshot: Snapshot) => void>();
  let inForce = NOTHING;

  async function apply(next: InForce, folder: CompiledFolder): Promise<void> {
    if (next.complaintText !== inForce.complaintText) await complain(deps, next.snapshot);
    const isSame = next.snapshot.revision === inForce.snapshot.revision && next.secretsDigest === inForce.secretsDigest;
    if (!isSame) {
      await deps.record(loadedEntry(next.snapshot, inForce.snapshot, folder));
      await deps.beforeEffect?.(next.snapshot.connections);
    }
    const { sequence } = inForce.snapshot;
    inForce = isSame ? { ...next, snapshot: Object.freeze({ ...next.snapshot, sequence }) } : next;
    deps.metrics?.complaints(next.snapshot.complaints.filter(isFault).length);
    deps.metrics?.looked(isSame ? 'unchanged' : 'loaded');
    if (!isSame) announce();
  }

  function announce(): void {
    const { snapshot } = inForce;
    deps.metrics?.loaded(snapshot.sequence, deps.clock());
    const { revision, sequence, connections } = snapshot;
    deps.log.info('resources loaded', { revision, sequence, connections: connections.size });
    for (const callback of callbacks) {
      try {
        callback(snapshot);
      } catch (error) {
        deps.log.error('a follower of the resources failed', { error: errorMessage(error) });
      }
    }
  }

  return {
    async load() {
      const content: FolderContent = memory.update(await readFolder(deps.directory));
      const secrets = await readSecrets(content.resources, deps.secrets);
      const folder = compileFolder(content, secrets, deps.clock());
      const { revision, connections, complaints, credentials, maskingKeys } = folder;
      const snapshot = Object.freeze({ revision, sequence: inForce.snapshot.sequence + 1, connections, complaints });
      const complaintText = complaints.map(formatResourceComplaint).join('\n');
      await apply(
        { snapshot, folder: { credentials, maskingKeys }, secretsDigest: digestOfSecrets(secrets), complaintText },
        folder,
      );
    },
    inForce: () => inForce,
    onChange(callback) {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    },
  };
}

/** Tells operators and the record what does not work as written. */
async function complain({ log, record, metrics }: ResourcesDeps, { complaints, revision }: Snapshot): Promise<void> {
  for (const complaint of complaints) {
    const { file, resource, field } = complaint;
    const fields = { file, resource, field, complaint: formatResourceComplaint(complaint) };
    if (isFault(complaint)) log.warn('a resource is not in force as written', fields);
    else log.info('a resource could be written better', fields);
  }
  const faults = complaints.filter(isFault);
  if (faults.length === 0) {
    log.info('all resources are in force as written', { revision });
    return;
  }
  metrics?.looked('rejected');
  await record(rejectedEntry(faults, revision));
}

const isFault = ({ isAdvice }: ResourceComplaint): boolean => isAdvice !== true;

function rejectedEntry(complaints: readonly ResourceComplaint[], revision: string): PolicyEntry {
  const lines = complaints.map(formatResourceComplaint);
  const text = lines.slice(0, MAX_RECORDED_COMPLAINTS).join('\n');
  return {
    kind: 'policy.rejected',
    sessionId: undefined,
    fields: { rev: revision, count: lines.length },
    bodies: [{ name: 'complaints', bytes: Buffer.from(text.toWellFormed(), 'utf8') }],
  };
}

function loadedEntry(next: Snapshot, before: Snapshot, { bundle, texts }: CompiledFolder): PolicyEntry {
  return {
    kind: 'policy.loaded',
    sessionId: undefined,
    fields: {
      rev: next.revision,
      prev: before.revision === '' ? null : before.revision,
      seq: next.sequence,
      connections: [...next.connections.keys()].sort(),
    },
    bodies: [
      { name: 'bundle', bytes: Buffer.from(bundle, 'utf8') },
      { name: 'resources', bytes: Buffer.from(texts, 'utf8') },
    ],
  };
}

/** Looks after every change, after every poll interval, and never twice at once. */
function follow(deps: ResourcesDeps, load: () => Promise<void>): Pick<Resources, 'look' | 'close'> {
  const { directory, log, timers = realTimers, debounceMs = DEBOUNCE_MS, pollMs = POLL_MS } = deps;
  let running: Promise<void> = Promise.resolve();
  let closed = false;
  let soon: { cancel(): void } | undefined;

  const look = (): Promise<void> => {
    running = running.then(async () => {
      if (closed) return;
      try {
        await load();
      } catch (error) {
        deps.metrics?.looked('rejected');
        log.error('resources could not be loaded; what was in force stays', { error: errorMessage(error) });
      }
    });
    return running;
  };
  const lookSoon = (): void => {
    soon?.cancel();
    soon = timers.set(debounceMs, () => void look());
  };
  const watcher = openWatcher(directory, log, lookSoon);
  // What changed between the first load and the start of watching.
  lookSoon();
  let poll = timers.set(pollMs, tick);
  function tick(): void {
    void look().then(() => {
      if (!closed) poll = timers.set(pollMs, tick);
    });
  }
  return {
    look,
    close() {
      closed = true;
      soon?.cancel();
      poll.cancel();
      watcher?.close();
    },
  };
}

/** Without notifications the poll alone finds changes. */
function openWatcher(directory: string, log: Log, onEvent: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, onEvent);
    watcher.on('error', (error) => log.warn('the resources folder cannot be watched', { error: errorMessage(error) }));
    return watcher;
  } catch (error) {
    log.warn('the resources folder cannot be watched', { error: errorMessage(error) });
    return undefined;
  }
}
