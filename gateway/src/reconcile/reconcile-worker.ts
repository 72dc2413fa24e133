import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../errors.js';
import { type Compared, followRecording, type RecordingPlace } from './follow-recording.js';
import type { HistoryRow } from './history-row.js';
import type { ReconcileOptions } from './reconcile-options.js';

/** Told to the worker of each comparison: rows as they come, then how to judge them, or that nobody wants to know. */
export type ToWorker = { readonly id: number } & (
  | { readonly kind: 'rows'; readonly rows: readonly HistoryRow[] }
  | { readonly kind: 'compare'; readonly options: ReconcileOptions }
  | { readonly kind: 'forget' }
);

/** What the worker answers to each `compare`. */
export type FromWorker = { readonly id: number } & (
  | { readonly ok: true; readonly compared: Compared }
  | { readonly ok: false; readonly message: string }
);

/** Reading a recording takes seconds of one core: statements must not wait for it. */
const recording = followRecording(workerData as RecordingPlace);
const rowsOf = new Map<number, HistoryRow[]>();
let turn: Promise<unknown> = Promise.resolve();

parentPort?.on('message', (message: ToWorker) => {
  const { id } = message;
  const rows = rowsOf.get(id) ?? [];
  switch (message.kind) {
    case 'rows':
      rowsOf.set(id, rows);
      rows.push(...message.rows);
      break;
    case 'forget':
      rowsOf.delete(id);
      break;
    case 'compare':
      rowsOf.delete(id);
      // One after the other: they share what was read.
      turn = turn
        .then(() => recording.compare(rows, message.options))
        .then(
          (compared) => answer({ id, ok: true, compared }),
          (error: unknown) => answer({ id, ok: false, message: errorMessage(error) }),
        );
  }
});

function answer(message: FromWorker): void {
  parentPort?.postMessage(message);
}
