import { Worker } from 'node:worker_threads';
import type { Compared, RecordingPlace } from './follow-recording.js';
import type { HistoryRow } from './history-row.js';
import type { ReconcileOptions } from './reconcile-options.js';
import type { FromWorker, ToWorker } from './reconcile-worker.js';

/** One comparison under way: rows first, then the records as they are at that moment. */
export interface Comparison {
  add(rows: readonly HistoryRow[]): void;
  /** Reads the records and judges. Rejects when they cannot be read. */
  finish(options: ReconcileOptions): Promise<Compared>;
  /** Gives up; safe in every state. */
  close(): Promise<void>;
}

/** Comparisons with a gateway's recording, off the thread that serves. */
export interface Comparisons {
  begin(): Comparison;
  /** Ends those under way. */
  close(): Promise<void>;
}

type Waiter = (answer: FromWorker) => void;

interface Thread {
  tell(message: ToWorker): void;
  /** By comparison. */
  readonly waiting: Map<number, Waiter>;
  readonly open: Set<number>;
  end(): Promise<void>;
}

/**
 * One thread for all of them, which remembers what it read of the recording; one that died is replaced, and the new one reads everything
 * again. `keeps`: it stays between comparisons, for those that come on a schedule.
 */
export function compareInWorker(place: RecordingPlace, { keeps }: { readonly keeps: boolean }): Comparisons {
  let thread: Thread | undefined;
  let lastId = 0;

  function startThread(): Thread {
    const worker = new Worker(new URL('./reconcile-worker.js', import.meta.url), { workerData: place });
    const waiting = new Map<number, Waiter>();
    const started: Thread = {
      tell: (message) => worker.postMessage(message),
      waiting,
      open: new Set(),
      end: async () => void (await worker.terminate()),
    };
    const fail = (message: string): void => {
      if (thread === started) thread = undefined;
      for (const [id, tellWaiter] of waiting) tellWaiter({ id, ok: false, message });
      waiting.clear();
    };
    worker.on('message', (answer: FromWorker) => {
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    });
    worker.once('error', (error) => fail(error.message));
    worker.once('exit', () => fail('the comparison ended without an answer'));
    return started;
  }

  async function endThread(): Promise<void> {
    const ending = thread;
    thread = undefined;
    await ending?.end();
  }

  return {
    begin() {
      thread ??= startThread();
      const used = thread;
      lastId += 1;
      const id = lastId;
      used.open.add(id);
      return {
        add: (rows) => used.tell({ id, kind: 'rows', rows }),
        finish: (options) =>
          new Promise<Compared>((resolve, reject) => {
            if (thread !== used) {
              reject(new Error('the comparison ended without an answer'));
              return;
            }
            used.waiting.set(id, (answer) =>
              answer.ok ? resolve(answer.compared) : reject(new Error(answer.message)),
            );
            used.tell({ id, kind: 'compare', options });
          }),
        async close() {
          used.open.delete(id);
          used.tell({ id, kind: 'forget' });
          if (!keeps && used.open.size === 0 && thread === used) await endThread();
        },
      };
    },
    close: endThread,
  };
}
