import { type ReconcileOptions, settledUntil } from './reconcile-options.js';
import type { RecordIndex, Statement } from './record-index.js';
import {
  type Findings,
  type ReconcileFinding,
  STATEMENT_KINDS,
  STATEMENT_WEIGHTS,
  type StatementKind,
  zeroes,
} from './report.js';

/** Says what became of each recorded statement, once all rows were judged. */
export function judgeStatements(
  index: RecordIndex,
  options: ReconcileOptions,
  findings: Findings,
): Readonly<Record<StatementKind, number>> {
  const counts = zeroes(STATEMENT_KINDS);
  for (const statement of index.statements()) {
    const kind = statementKind(index, options, statement);
    counts[kind] += 1;
    const weight = kind === 'not-in-history' && options.hybridTables === true ? 'note' : STATEMENT_WEIGHTS[kind];
    if (weight === undefined) continue;
    const { upstreamId, timeMs } = statement;
    findings.add({
      weight,
      kind,
      message:
        kind === 'not-in-history'
          ? 'Snowflake answered it, and the history does not list it: the history is not whole or of another user, or it was a short statement on hybrid tables (--hybrid-tables)'
          : 'a recorded statement was let run, and neither an answer nor the history says what became of it',
      atMs: timeMs,
      ...(upstreamId === undefined ? {} : { queryId: upstreamId }),
      ...recordedIn(statement),
    });
  }
  return counts;
}

/** Where the record is to be found. */
export const recordedIn = ({ sessionId }: Statement): Pick<ReconcileFinding, 'recordedIn'> =>
  sessionId === undefined ? {} : { recordedIn: sessionId };

function statementKind(index: RecordIndex, options: ReconcileOptions, statement: Statement): StatementKind {
  const { sinceMs, connection } = options;
  if (statement.leaves === 0) return 'never-forwarded';
  if (statement.seen) return 'in-history';
  const recordedAt = index.session(statement.sessionId)?.connection;
  const isElsewhere = connection !== undefined && recordedAt !== undefined && recordedAt !== connection;
  if (isElsewhere || statement.timeMs < (sinceMs ?? 0)) return 'not-judged';
  if (Math.max(statement.timeMs, statement.answeredMs ?? 0) > settledUntil(options)) return 'inside-lag';
  // Whether Snowflake lists a statement that was only described, it does not say.
  if (statement.upstreamId !== undefined) return statement.describe ? 'rejected' : 'not-in-history';
  return statement.answered && statement.failed ? 'rejected' : 'outcome-unknown';
}
