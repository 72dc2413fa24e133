import type { Binds } from './binds.js';

/** One statement as it reached the stand-in; what a test compares with what it expected to arrive. */
export type HistoryEntry = {
  readonly queryId: string;
  readonly requestId: string;
  readonly sqlText: string;
  readonly user: string;
  readonly role: string;
  readonly sessionId: number;
  readonly queryTag: string;
  readonly status: QueryStatus;
  readonly errorCode: string | null;
  readonly bindings: Binds;
  readonly describeOnly: boolean;
  readonly isInternal: boolean;
  /** Milliseconds since the epoch. */
  readonly startTime: number;
  /** Null while it runs. */
  readonly endTime: number | null;
  readonly errorMessage: string | null;
  /** Of the session when the statement began. */
  readonly warehouse: string | null;
  readonly database: string | null;
  readonly schema: string | null;
  /** Rows of a query's result, changed rows of DML; null while it runs and where it failed. */
  readonly rowsProduced: number | null;
};

/** Statuses of `/monitoring/queries/{id}` that the stand-in reaches. */
export type QueryStatus = 'RUNNING' | 'SUCCESS' | 'FAILED_WITH_ERROR' | 'ABORTED';

/** Counts of what happened since the start or the last reset. */
export type Counters = {
  readonly logins: number;
  readonly failedLogins: number;
  readonly renewals: number;
  readonly heartbeats: number;
  readonly logouts: number;
  readonly telemetry: number;
  readonly statements: number;
  readonly repeatedRequests: number;
  readonly cancels: number;
  readonly polls: number;
  readonly chunkFetches: number;
  readonly openSessions: number;
};
