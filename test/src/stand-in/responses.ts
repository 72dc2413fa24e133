import type { Chunks } from './chunks.js';
import { encodeTable, type ResultFormat } from './encoding.js';
import type { StatementResult } from './execution.js';
import type { SnowflakeFailure } from './failures.js';
import { listParameters } from './parameters.js';
import type { FinalContext, Query } from './queries.js';

/** Snowflake's envelope around every answer. */
export type Envelope = {
  readonly data: unknown;
  readonly code: string | null;
  readonly message: string | null;
  readonly success: boolean;
};

/** An answer without complaint. */
export function success(data: unknown): Envelope {
  return { data, code: null, message: null, success: true };
}

/** A refusal; `data` is an object with `sqlState` and `queryId`, as drivers read them. */
export function refusal(failure: SnowflakeFailure, queryId?: string): Envelope & { readonly headers: null } {
  const data = {
    internalError: false,
    errorCode: failure.code,
    age: 0,
    sqlState: failure.sqlState,
    queryId: queryId ?? null,
    line: -1,
    pos: -1,
    type: 'COMPILATION',
  };
  return { data, code: failure.code, message: failure.message, success: false, headers: null };
}

/** "Not finished": 333333 while the client is attached, 333334 for polls and asynchronous statements. */
export function inProgress(query: Query, code: '333333' | '333334'): Envelope {
  const data = {
    getResultUrl: `/queries/${query.id}/result`,
    queryId: query.id,
    queryAbortsAfterSecs: 300,
    progressDesc: null,
  };
  return { data, code, message: 'Query execution in progress.', success: true };
}

/** What the encoder needs besides the query. */
export type AnswerOptions = {
  readonly format: ResultFormat;
  readonly partBytes: number;
  readonly chunks: Chunks;
  readonly now: number;
};

/** The final answer of a query; every call gives its chunks new URLs. */
export function finished(query: Query, options: AnswerOptions): Envelope {
  const { outcome } = query;
  if (outcome === undefined) return inProgress(query, '333334');
  if (!outcome.ok) return refusal(outcome.failure, query.id);
  const { result, children, context } = outcome;
  const format = result.kind === 'select' ? options.format : 'json';
  const table = query.request.describeOnly ? { ...result.table, rows: [] } : result.table;
  return success({
    // The whole list every time: Node's driver formats moments by these, and a partial list breaks JDBC.
    parameters: listParameters(query.session.parameters),
    ...(result.transfer ?? encodeTable(table, format, options.partBytes, options.chunks)),
    ...(result.transfer !== undefined && { rowtype: [], rowset: [] }),
    queryId: query.id,
    databaseProvider: null,
    ...finalNames(context),
    ...bindFields(result),
    statementTypeId: result.typeId,
    version: 1,
    sendResultTime: options.now,
    ...(result.stats !== undefined && { stats: result.stats }),
    ...(children.length > 0 && childFields(children)),
    queryContext: { entries: [contextEntry(query)] },
  });
}

function finalNames(context: FinalContext): Readonly<Record<string, string | null>> {
  return {
    finalDatabaseName: context.database,
    finalSchemaName: context.schema,
    finalWarehouseName: context.warehouse,
    finalRoleName: context.role,
  };
}

function bindFields(result: StatementResult): Readonly<Record<string, unknown>> {
  const metaDataOfBinds = Array.from({ length: result.bindCount }, (_, index) => ({
    name: String(index + 1),
    type: 'text',
    precision: 0,
    scale: 0,
    length: 0,
    byteLength: 0,
    nullable: true,
  }));
  return {
    numberOfBinds: result.bindCount,
    arrayBindSupported: result.kind === 'insert',
    ...(result.bindCount > 0 && { metaDataOfBinds }),
  };
}

function childFields(children: readonly Query[]): Readonly<Record<string, string>> {
  return {
    resultIds: children.map((child) => child.id).join(','),
    resultTypes: children.map((child) => (child.outcome?.ok === true ? child.outcome.result.typeId : 0)).join(','),
  };
}

function contextEntry(query: Query): Readonly<Record<string, unknown>> {
  query.session.contextTimestamp += 1;
  const timestamp = query.session.contextTimestamp;
  return { id: 0, timestamp, priority: 0, context: Buffer.from(`${query.session.id}:${timestamp}`).toString('base64') };
}
