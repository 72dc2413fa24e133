import { Worker } from 'node:worker_threads';
import type { Compared, RecordingPlace } from './compare-recording.js';
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

/** A comparison with a gateway's recording, off the thread that serves. */
export function compareInWorker(place: RecordingPlace): Comparison {
  const worker = new Worker(new URL('./reconcile-worker.js', import.meta.url), { workerData: place });
  const tell = (message: ToWorker): void => worker.postMessage(message);
  const answered = new Promise<Compared>((resolve, reject) => {
    worker.once('message', (message: FromWorker) => {
      if (message.ok) resolve(message.compared);
      else reject(new Error(message.message));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the comparison ended without an answer')));
  });
  // Closed before it was asked for, nobody waits for its answer.
  answered.catch(() => undefined);
  return {
    add: (rows) => tell({ kind: 'rows', rows }),
    finish(options) {
      tell({ kind: 'compare', options });
      return answered;
    },
    async close() {
      await worker.terminate();
    },
  };
}
