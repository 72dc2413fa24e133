import { parseRegistryEntry, textIn } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import type { Log } from '../telemetry/log.js';
import type { Timers } from './registration.js';
import type { RegistryLog } from './registry-log.js';

export interface ShredWatchDeps {
  readonly registry: Pick<RegistryLog, 'head' | 'storedEntries'>;
  readonly timers: Timers;
  readonly log: Log;
  /** A session whose keys are destroyed from now on. A rejection is logged. */
  readonly onShred: (sessionId: string) => Promise<void>;
}

/** What is held in memory goes at most this much later than what is stored. */
const LOOK_EVERY_MS = 10_000;
/** Nearly all entries are checkpoints; only those that can be a `shred` are worth parsing. */
const SHRED = Buffer.from('"k":"shred"');

/**
 * Tells of the sessions that are shredded from now on, as the registry says it. Its entries are taken as they stand: who could
 * forge them could stop the registry as well, and a session that ends is no harm to what is recorded. Returns the way to stop.
 */
export function watchShreds({ registry, timers, log, onShred }: ShredWatchDeps): () => void {
  let seen: number | undefined;
  let isLooking = false;

  async function look(): Promise<void> {
    const size = (await registry.head())?.size ?? 0;
    const from = seen ?? size;
    for await (const bundle of registry.storedEntries(from, Math.max(from, size))) {
      for (const sessionId of bundle.flatMap(shreddedBy)) {
        await onShred(sessionId).catch((error: unknown) => {
          log.error('a shredded session is not forgotten', { error: errorMessage(error) });
        });
      }
    }
    seen = size;
  }

  function start(): void {
    if (isLooking) return;
    isLooking = true;
    look()
      .catch((error: unknown) => log.warn('shredded sessions are not looked for', { error: errorMessage(error) }))
      .finally(() => {
        isLooking = false;
      });
  }

  start();
  return timers.every(LOOK_EVERY_MS, start);
}

function shreddedBy(bytes: Buffer): readonly string[] {
  const entry = bytes.includes(SHRED) ? parseRegistryEntry(bytes) : undefined;
  const sessionId = entry?.kind === 'shred' ? textIn(entry.fields, 'sid') : undefined;
  return sessionId === undefined ? [] : [sessionId];
}
