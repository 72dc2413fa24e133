import type { RegistryFields } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import type { Recording } from '../recording/index.js';
import type { Log } from '../telemetry/log.js';
import { findDeadWriters } from './dead-writers.js';
import type { NewRegistryEntry, RegistryHead, RegistryLog } from './registry-log.js';
import { RegistryBroken } from './registry-state.js';

/** How often a writer's newest checkpoint goes into the registry, when it changed. */
const CHECKPOINT_EVERY_MS = 1_000;
/** A writer that has nothing to say says so: silence is visible. */
const TICK_EVERY_MS = 10_000;
const SEAL_EVERY_MS = 30_000;
/** How much longer than the largest lag a writer must be silent before it counts as dead: at that lag it stopped recording. */
const DEAD_AFTER_LAG_MS = 60_000;

/** What metrics learn of the registry. */
export interface RegistryMetrics {
  appended(outcome: 'ok' | 'failed'): void;
  size(entries: number): void;
  lag(seconds: number): void;
  witnessed(outcome: 'ok' | 'refused' | 'unreachable'): void;
  /** Age of the newest checkpoint that enough witnesses cosigned. */
  quorumAge(seconds: number): void;
}

export interface Timers {
  every(milliseconds: number, run: () => void): () => void;
}

export interface RegistrationDeps {
  readonly registry: RegistryLog;
  readonly recording: Pick<Recording, 'writer' | 'checkpoint'>;
  /** Below `origin` and `vkey`, what `writer.open` of the registry says: certificate, version, host. */
  readonly about: RegistryFields;
  /** What `config` says; no such entry is made where it is empty. */
  readonly config: RegistryFields;
  /** Recording directory, whose dead writers are sealed. */
  readonly directory: string;
  readonly deployment: string;
  readonly maxLagSeconds: number;
  readonly nowMs: () => number;
  /** A clock that nobody sets: how long the registry was not reached. */
  readonly elapsedMs: () => number;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics?: RegistryMetrics;
  /** Called after each round, whether or not it reached the registry; must not reject. */
  readonly onRound?: (head: RegistryHead | undefined) => Promise<void>;
  /** What ticks refer to besides the writer: the newest witnessed checkpoint. */
  readonly witnessed?: () => RegistryFields;
}

/** A writer's place in the registry. */
export interface Registration {
  /** Why nothing may be recorded now; undefined when the registry is close enough behind. */
  readonly refusal: () => string | undefined;
  /** Puts the writer's newest checkpoint into the registry; resolves whether or not that worked. */
  readonly publish: () => Promise<void>;
  /** After the recording was closed: says so in the registry. Never rejects. */
  close(): Promise<void>;
}

/**
 * Registers a writer before it lets anything happen, and keeps its newest checkpoint in the registry. Rejects when it cannot
 * be registered: then nothing may be recorded.
 */
export async function registerWriter(deps: RegistrationDeps): Promise<Registration> {
  const { registry, recording, about, config, log, nowMs, elapsedMs, maxLagSeconds, timers, metrics } = deps;
  const first = await recording.checkpoint();
  const opening: NewRegistryEntry[] = [
    { kind: 'writer.open', fields: { ...about, origin: first.origin, vkey: first.vkey } },
    ...(Object.keys(config).length === 0 ? [] : [{ kind: 'config' as const, fields: { ...config, by: first.origin } }]),
  ];
  await registry.append(opening);
  let published = 0;
  let reachedMs = elapsedMs();
  let sealedMs = Number.NEGATIVE_INFINITY;
  let isFailing = false;
  let turn: Promise<void> = Promise.resolve();

  async function collect(): Promise<readonly NewRegistryEntry[]> {
    const { origin, size, root } = await recording.checkpoint();
    const now = elapsedMs();
    const entries: NewRegistryEntry[] = [];
    if (size > published) entries.push({ kind: 'writer.checkpoint', fields: { origin, size, root } });
    else if (now - reachedMs >= TICK_EVERY_MS)
      entries.push({ kind: 'tick', fields: { origin, ...deps.witnessed?.() } });
    if (now - sealedMs >= SEAL_EVERY_MS) {
      entries.push(...(await seals(origin)));
      sealedMs = now;
    }
    return entries;
  }

  async function seals(origin: string): Promise<readonly NewRegistryEntry[]> {
    const silentMs = maxLagSeconds * 1000 + DEAD_AFTER_LAG_MS;
    const { directory, deployment } = deps;
    const dead = await findDeadWriters({ registry, directory, deployment, self: origin, now: nowMs(), silentMs });
    return dead.map((fields) => ({ kind: 'writer.sealed', fields: { ...fields, by: origin } }));
  }

  async function round(extra: readonly NewRegistryEntry[]): Promise<void> {
    try {
      const entries = [...(await collect()), ...extra];
      if (entries.length > 0) {
        await registry.append(entries);
        for (const { kind, fields } of entries)
          if (kind === 'writer.checkpoint' || kind === 'writer.close') published = Number(fields['size']);
        reachedMs = elapsedMs();
        metrics?.appended('ok');
      }
      if (isFailing) log.info('the registry can be written again');
      isFailing = false;
    } catch (error) {
      metrics?.appended('failed');
      if (!isFailing) log.warn('the registry cannot be written', { error: errorMessage(error) });
      isFailing = true;
      if (error instanceof RegistryBroken) log.error('the registry is not as it was', { error: error.message });
    }
    const head = await registry.head().catch(() => undefined);
    if (head !== undefined) metrics?.size(head.size);
    metrics?.lag(lagSeconds());
    await deps.onRound?.(head);
  }

  /** Age of the last entry of this writer; it writes one every 10 s at least. */
  function lagSeconds(): number {
    return Math.max(0, elapsedMs() - reachedMs) / 1000;
  }

  const publish = (extra: readonly NewRegistryEntry[] = []): Promise<void> => {
    turn = turn.then(() => round(extra));
    return turn;
  };
  let pending = false;
  const stop = timers.every(CHECKPOINT_EVERY_MS, () => {
    if (pending) return;
    pending = true;
    void publish().finally(() => {
      pending = false;
    });
  });
  await publish();
  return Object.freeze({
    refusal() {
      const seconds = lagSeconds();
      return seconds > maxLagSeconds ? `the registry was not reached for ${Math.round(seconds)} s` : undefined;
    },
    publish: () => publish(),
    async close() {
      stop();
      try {
        const { origin, size, root } = await recording.checkpoint();
        await publish([{ kind: 'writer.close', fields: { origin, size, root } }]);
      } catch (error) {
        log.warn('the registry does not know that the log is closed', { error: errorMessage(error) });
      }
    },
  });
}
