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
