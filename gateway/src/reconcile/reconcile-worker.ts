import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../errors.js';
import type { HistoryRow } from './history-row.js';
import { readRecords } from './read-records.js';
import { type ReconcileOptions, reconcile } from './reconcile.js';
import type { ReconcileReport } from './report.js';

/** Told to the worker: rows as they come, then how to judge them. */
export type ToWorker =
  | { readonly kind: 'rows'; readonly rows: readonly HistoryRow[] }
  | { readonly kind: 'compare'; readonly options: ReconcileOptions };

/** What the worker answers, once. */
export type FromWorker =
  | { readonly ok: true; readonly report: ReconcileReport }
  | { readonly ok: false; readonly message: string };

/** Reading a recording takes seconds of one core: statements must not wait for it. */
const rows: HistoryRow[] = [];
const { directories } = workerData as { readonly directories: readonly string[] };

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind === 'rows') {
    rows.push(...message.rows);
    return;
  }
  reconcile(readRecords(directories), rows, message.options).then(
    (report) => answer({ ok: true, report }),
    (error: unknown) => answer({ ok: false, message: errorMessage(error) }),
  );
});

function answer(message: FromWorker): void {
  parentPort?.postMessage(message);
  parentPort?.close();
}
