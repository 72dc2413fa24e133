import type { JsonObject } from './json.js';

/** Snowflake's words for how a statement is doing: for people, and as an older driver spells it. */
const WORDS = {
  success: { status: 'SUCCESS', state: 'SUCCEEDED' },
  failed: { status: 'FAILED_WITH_ERROR', state: 'FAILED' },
  open: { status: 'RUNNING', state: 'EXECUTING' },
  held: { status: 'QUEUED', state: 'QUEUED' },
} as const;

/** How a statement is doing; `held` waits for people. Times in milliseconds. */
export interface StatementState {
  readonly queryId: string;
  readonly state: keyof typeof WORDS;
  readonly code: string | null;
  readonly message: string | null;
  readonly submittedAtMs: number;
  readonly endedAtMs: number | null;
}

/** One statement as `/monitoring/queries/{id}` shows it, without its text. A statement that waits for people is queued. */
export function statusOf(statement: StatementState, nowMs: number): JsonObject {
  return {
    id: statement.queryId,
    ...WORDS[statement.state],
    errorCode: statement.code ?? '',
    errorMessage: statement.message ?? '',
    startTime: statement.submittedAtMs,
    endTime: statement.endedAtMs ?? 0,
    totalDuration: (statement.endedAtMs ?? nowMs) - statement.submittedAtMs,
    stats: {},
  };
}
