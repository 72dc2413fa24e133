export { type Comparison, type Comparisons, compareInWorker } from './comparison.js';
export { HistoryFileError, readHistoryFile } from './history-file.js';
export { type HistorySession, HistoryUnavailable } from './history-query.js';
export { type HistoryRow, parseHistoryRow, parseTime, type RowResult } from './history-row.js';
export { readRecords } from './read-records.js';
export { reconcile } from './reconcile.js';
export type { ReconcileOptions } from './reconcile-options.js';
export {
  createReconciler,
  type ReconcileActor,
  type ReconcileMetrics,
  type ReconcileRun,
  type Reconciler,
  type ReconcilerDeps,
} from './reconciler.js';
export {
  type ReconcileFinding,
  type ReconcileReport,
  ROW_WEIGHTS,
  type RowKind,
  STATEMENT_WEIGHTS,
  type StatementKind,
  type Weight,
} from './report.js';
export type { ServiceUser } from './service-user.js';
