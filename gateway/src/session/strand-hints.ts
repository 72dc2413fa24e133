import type { StrandLink } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import type { Store } from '../store/index.js';
import type { Log } from '../telemetry/index.js';

export interface StrandHintsDeps {
  readonly store: Store;
  /** `after` runs once later and returns the way to forget it. */
  readonly timers: { after(milliseconds: number, run: () => void): () => void };
  readonly log: Log;
}

/** Where each session's strands stand in the logs of all gateways, by way of the shared store. */
export interface StrandHints {
  /** Undefined when nothing is known, or not within a quarter of a second. Never rejects. */
  read(sessionId: string): Promise<readonly StrandLink[] | undefined>;
  /** Keeps the newest head of one log in the background; may lose it. Never throws. */
  note(sessionId: string, head: StrandLink): void;
  /** Writes what is still to be kept, as far as the store answers. */
  close(): Promise<void>;
}

const READ_WITHIN_MS = 250;
/** A busy session writes its head this often, not with every record. */
const GATHER_MS = 50;
/** Longer than a session can live. */
const KEPT_SECONDS = 7 * 86_400;
/** Gateways one session has been at; more are forgotten, the oldest first. */
const MAX_HEADS = 16;
/** Two gateways may write at once; whoever loses that often leaves it to the next record. */
const ATTEMPTS = 4;
/** Heads that wait to be kept, over all sessions; beyond, new ones are lost. */
const MAX_WAITING = 10_000;

const keyOf = (sessionId: string): string => `strands:${sessionId}`;

export function createStrandHints({ store, timers, log }: StrandHintsDeps): StrandHints {
  const waiting = new Map<string, StrandLink>();
  const writing = new Set<Promise<void>>();
  const busy = new Set<string>();
  let cancelTimer: (() => void) | undefined;
  let isClosed = false;

  async function keep(sessionId: string, head: StrandLink): Promise<void> {
    const key = keyOf(sessionId);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const current = await store.get(key);
      const others = parseHeads(current?.value).filter(({ origin }) => origin !== head.origin);
      const value = JSON.stringify([...others, head].slice(-MAX_HEADS).map(toItem));
      const isKept =
        current === undefined
          ? await store.create(key, value, KEPT_SECONDS)
          : await store.replace(key, current.version, value, KEPT_SECONDS);
      if (isKept) return;
    }
  }

  async function write(sessionId: string): Promise<void> {
    busy.add(sessionId);
    try {
      for (let head = waiting.get(sessionId); head !== undefined; head = waiting.get(sessionId)) {
        waiting.delete(sessionId);
        await keep(sessionId, head);
      }
    } catch (error) {
      log.warn('where a session stands in the log is not kept for other gateways', { error: errorMessage(error) });
    } finally {
      busy.delete(sessionId);
    }
  }

  function writeAll(): void {
    cancelTimer = undefined;
    for (const sessionId of waiting.keys()) {
      if (busy.has(sessionId)) continue;
      const written = write(sessionId).finally(() => writing.delete(written));
      writing.add(written);
    }
  }

  return {
    async read(sessionId) {
      const known = store.get(keyOf(sessionId)).then(
        (found) => parseHeads(found?.value),
        () => [],
      );
      let cancel = (): void => undefined;
      const late = new Promise<readonly StrandLink[]>((resolve) => {
        cancel = timers.after(READ_WITHIN_MS, () => resolve([]));
      });
      const heads = await Promise.race([known, late]);
      cancel();
      return heads.length === 0 ? undefined : heads;
    },

    note(sessionId, head) {
      if (isClosed || (waiting.size >= MAX_WAITING && !waiting.has(sessionId))) return;
      waiting.set(sessionId, head);
      cancelTimer ??= timers.after(GATHER_MS, writeAll);
    },

    async close() {
      isClosed = true;
      cancelTimer?.();
      writeAll();
      await Promise.allSettled(writing);
    },
  };
}

const toItem = ({ origin, number, leafHash }: StrandLink): readonly unknown[] => [origin, number, leafHash];

const ORIGIN = /^[a-z0-9][a-z0-9./-]{0,127}\/w\/[0-9A-HJKMNP-TV-Z]{26}$/;
const LEAF_HASH = /^[0-9a-f]{64}$/;

/** What the store holds, as far as it can be what a gateway wrote: it goes into a record as it is. */
function parseHeads(text: string | undefined): readonly StrandLink[] {
  if (text === undefined) return [];
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.slice(-MAX_HEADS).flatMap((item: unknown) => {
    if (!Array.isArray(item) || item.length !== 3) return [];
    const [origin, number, leafHash] = item as readonly unknown[];
    if (typeof origin !== 'string' || !ORIGIN.test(origin)) return [];
    if (typeof leafHash !== 'string' || !LEAF_HASH.test(leafHash)) return [];
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) return [];
    return [{ origin, number, leafHash }];
  });
}
