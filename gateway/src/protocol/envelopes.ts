import { type Denial, driverCode } from '../errors.js';
import { type Json, type JsonObject, stringifyJson } from './json.js';

/** An answer on the driver path: always HTTP 200, its meaning in the body. */
export interface Envelope {
  readonly data: JsonObject | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly success: boolean;
}

export const IN_PROGRESS = '333333';
export const IN_PROGRESS_ASYNC = '333334';

/** Codes of Snowflake that the gateway uses with Snowflake's own meaning. */
export const SESSION_CODES = {
  tokenInvalid: '390104',
  sessionGone: '390111',
  tokenExpired: '390112',
  masterExpired: '390114',
  canceled: '000604',
  notExecuting: '000605',
} as const;

/** A plain success. */
export function success(data: JsonObject | null = null): Envelope {
  return { data, code: null, message: null, success: true };
}

/** A refusal as the error body every driver shows (digits-only code, sqlState in an object `data`). */
export function failure(denial: Denial, queryId?: string): Envelope {
  return snowflakeFailure(driverCode(denial.code), denial.sqlState, denial.message, queryId);
}

/** An error body with a code of Snowflake's own. */
export function snowflakeFailure(code: string, sqlState: string, message: string, queryId?: string): Envelope {
  const data: Record<string, Json> = {
    internalError: false,
    errorCode: code,
    age: 0,
    sqlState,
    queryId: queryId ?? null,
  };
  return { data: { ...data, line: -1, pos: -1, type: 'COMPILATION' }, code, message, success: false };
}

/** "Still running": the driver polls `getResultUrl` at once and for as long as it takes. */
export function inProgress(queryId: string): Envelope {
  return {
    data: { getResultUrl: `/queries/${queryId}/result`, queryId, queryAbortsAfterSecs: 300, progressDesc: null },
    code: IN_PROGRESS_ASYNC,
    message: 'Query execution in progress.',
    success: true,
  };
}

export function encodeEnvelope(envelope: Envelope): string {
  return stringifyJson({
    data: envelope.data,
    code: envelope.code,
    message: envelope.message,
    success: envelope.success,
  });
}

/** An envelope as the bytes of an answer. */
export function encodeBody(envelope: Envelope): Buffer {
  return Buffer.from(encodeEnvelope(envelope), 'utf8');
}
