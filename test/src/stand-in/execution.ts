import type { Binds } from './binds.js';
import type { Table } from './columns.js';
import { canceled } from './failures.js';
import type { StatementKind } from './kinds.js';
import type { Session } from './sessions.js';
import type { Surroundings } from './substitute.js';

/** All that running one statement needs. */
export type Execution = Surroundings & {
  readonly binds: Binds;
  readonly sqlText: string;
  /** Aborted by a cancel request; running work stops and the statement fails with 000604. */
  readonly signal: AbortSignal;
  readonly fileTransfer: 'refuse' | 's3';
  /** Only the columns are wanted. */
  readonly describeOnly: boolean;
};

/** What a finished statement leaves behind. */
export type StatementResult = {
  readonly kind: StatementKind;
  readonly typeId: number;
  readonly table: Table;
  /** Changed rows, present for DML. */
  readonly stats?: Readonly<Record<string, number>>;
  readonly bindCount: number;
  /** The transfer fields of PUT and GET. */
  readonly transfer?: Readonly<Record<string, unknown>>;
};

/** Waits for the session's earlier statements, then works on its connection; an abort interrupts DuckDB. */
export async function onConnection<T>(session: Session, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const interrupt = () => session.connection.interrupt();
  const turn = session.tail.then(async () => {
    if (signal.aborted) throw canceled();
    signal.addEventListener('abort', interrupt, { once: true });
    try {
      return await work();
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
  });
  session.tail = turn.catch(() => undefined);
  return await turn;
}

/** Sleeps; @throws SnowflakeFailure 000604 when the signal aborts first. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw canceled();
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(canceled());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
