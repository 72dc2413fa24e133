import type { LogDamage } from '@piste/verifier';
import type { ReconcileOptions } from './reconcile-options.js';
import type { RecordIndex } from './record-index.js';
import type { ReconcileFinding } from './report.js';

/** What of history and records stands in the way of a conclusion, whatever the rows say. */
export function doubts(
  { user, connection, historyComplaint }: ReconcileOptions,
  { users, others }: { readonly users: ReadonlySet<string>; readonly others: number },
  index: RecordIndex,
): readonly ReconcileFinding[] {
  const found: ReconcileFinding[] = [];
  const doubt = (kind: ReconcileFinding['kind'], message: string): void => {
    found.push({ weight: 'unproven', kind, message });
  };
  if (user === undefined && users.size > 1)
    doubt(
      'several-users',
      'the history is of several users: name the service user with --user, or the rows of the others are alarms',
    );
  if (connection === undefined && index.connections.size > 1)
    doubt(
      'several-connections',
      'the records are of several connections: name the one the history is of with --connection',
    );
  if (user !== undefined && users.size === 0 && others > 0)
    doubt(
      'several-users',
      'no row is of the user that is named with --user: write the name as in the history, case and all',
    );
  if (historyComplaint !== undefined) doubt('history-incomplete', historyComplaint);
  return found;
}

/** One for each writer: a deployment of several gateways has as many such rows as they have statements. */
export function elsewhereFindings(newest: ReadonlyMap<string, number>): readonly ReconcileFinding[] {
  return [...newest].map(([origin, atMs]) => ({
    weight: 'unproven',
    kind: 'recorded-elsewhere',
    message: `recorded by ${origin}, a registered writer that signed their tags; the records are not here, so what ran was not compared with them`,
    atMs,
  }));
}

/** One for each writer, like those above: without its keys none of its texts can be compared. */
export function unreadFindings(newest: ReadonlyMap<string, number>): readonly ReconcileFinding[] {
  return [...newest].map(([origin, atMs]) => ({
    weight: 'unproven',
    kind: 'text-unread',
    message: `records of ${origin} were found by their signed tags alone: without the keys to them, their texts were not compared`,
    atMs,
  }));
}

/** Logs that are not here whole. */
export function recordingFindings(
  { recordingComplaint, nowMs }: ReconcileOptions,
  broken: readonly LogDamage[],
): readonly ReconcileFinding[] {
  const messages = broken.map(
    ({ log, size, problem }) =>
      `log ${log} can be read only up to its ${size} first records (${problem.code}); run: piste audit verify`,
  );
  if (recordingComplaint !== undefined) messages.unshift(recordingComplaint);
  return messages.map((message) => ({ weight: 'unproven', kind: 'recording', message, atMs: nowMs }));
}

/** Somebody changed what was read of a log before. */
export const changeFindings = (messages: readonly string[], nowMs: number): readonly ReconcileFinding[] =>
  messages.map((message) => ({ weight: 'alarm', kind: 'recording', message, atMs: nowMs }));
