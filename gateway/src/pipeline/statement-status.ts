import type { JsonObject } from '../protocol/index.js';
import type { KeptStatement } from './kept-statements.js';

/** Snowflake's words for how a statement is doing: for people, and as an older driver spells it. */
const WORDS = {
  success: { status: 'SUCCESS', state: 'SUCCEEDED' },
  failed: { status: 'FAILED_WITH_ERROR', state: 'FAILED' },
  open: { status: 'RUNNING', state: 'EXECUTING' },
  held: { status: 'QUEUED', state: 'QUEUED' },
} as const;

/** One statement as `/monitoring/queries/{id}` shows it, without its text. A statement that waits for people is queued. */
export function statusOf(kept: KeptStatement, isHeld: boolean, nowMs: number): JsonObject {
  return {
    id: kept.queryId,
    ...WORDS[isHeld ? 'held' : kept.state],
    errorCode: kept.code ?? '',
    errorMessage: kept.message ?? '',
    startTime: kept.submittedAtMs,
    endTime: kept.endedAtMs ?? 0,
    totalDuration: (kept.endedAtMs ?? nowMs) - kept.submittedAtMs,
    stats: {},
  };
}
