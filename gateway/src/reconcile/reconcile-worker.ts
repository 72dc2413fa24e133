import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../errors.js';
import { type Compared, compareRecording, type RecordingPlace } from './compare-recording.js';
import type { HistoryRow } from './history-row.js';
import type { ReconcileOptions } from './reconcile-options.js';

/** Told to the worker: rows as they come, then how to judge them. */
export type ToWorker =
  | { readonly kind: 'rows'; readonly rows: readonly HistoryRow[] }
  | { readonly kind: 'compare'; readonly options: ReconcileOptions };

/** What the worker answers, once. */
export type FromWorker =
  | { readonly ok: true; readonly compared: Compared }
  | { readonly ok: false; readonly message: string };

/** Reading a recording takes seconds of one core: statements must not wait for it. */
const rows: HistoryRow[] = [];
const place = workerData as RecordingPlace;

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind === 'rows') {
    rows.push(...message.rows);
    return;
  }
  compareRecording(place, rows, message.options).then(
    (compared) => answer({ ok: true, compared }),
    (error: unknown) => answer({ ok: false, message: errorMessage(error) }),
  );
});

function answer(message: FromWorker): void {
  parentPort?.postMessage(message);
  parentPort?.close();
}
