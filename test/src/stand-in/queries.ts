import { randomUUID } from 'node:crypto';
import type { Binds } from './binds.js';
import type { Catalog } from './catalog.js';
import { type Table, textTable } from './columns.js';
import { onConnection, type StatementResult } from './execution.js';
import { canceled, SnowflakeFailure, toFailure } from './failures.js';
import type { HistoryEntry, QueryStatus } from './history.js';
import { multiStatementTypeId } from './kinds.js';
import { lex, splitStatements, type Token } from './lexer.js';
import type { StandInUser } from './options.js';
import { textOf } from './parameters.js';
import { materialize } from './result-scan.js';
import type { Session } from './sessions.js';
import { executeStatement } from './statements.js';

/** The fields of a query request that matter here. */
export type QueryRequest = {
  readonly requestId: string;
  readonly sqlText: string;
  readonly binds: Binds;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly asyncExec: boolean;
  readonly describeOnly: boolean;
  readonly isInternal: boolean;
};

/** Session names as they were when a statement finished: `final*Name` of its answer. */
export type FinalContext = {
  readonly database: string | null;
  readonly schema: string | null;
  readonly warehouse: string | null;
  readonly role: string;
};

/** How a statement ended. */
export type Outcome =
  | {
      readonly ok: true;
      readonly result: StatementResult;
      readonly children: readonly Query[];
      readonly context: FinalContext;
    }
  | { readonly ok: false; readonly failure: SnowflakeFailure };

/** A statement from its arrival until it is forgotten. */
export type Query = {
  readonly id: string;
  readonly session: Session;
  readonly request: QueryRequest;
  readonly startTime: number;
  readonly queryTag: string;
  readonly role: string;
  /** Where the session stood when it began. */
  readonly place: Pick<FinalContext, 'database' | 'schema' | 'warehouse'>;
  readonly abort: AbortController;
  /** Settles when the outcome is there; never rejects. */
  readonly done: Promise<void>;
  outcome: Outcome | undefined;
  endTime: number | undefined;
  /** Requests that are still to be answered "in progress" whatever the outcome; a test hook. */
  holdPolls: number;
};

/** A test hook: the next statements whose text matches stay in progress for some requests. */
export type Hold = { readonly pattern: RegExp; readonly polls: number };

type Options = {
  readonly catalog: Catalog;
  readonly account: string;
  readonly users: readonly StandInUser[];
  readonly fileTransfer: 'refuse' | 's3';
  readonly clock: () => number;
};

/** Runs statements and remembers them by query id and by (session, requestId), the key of idempotency. */
export class Queries {
  readonly #options: Options;
  readonly #byId = new Map<string, Query>();
  readonly #byRequest = new Map<string, Query>();
  readonly #history: Query[] = [];
  readonly #holds: Hold[] = [];
  #repeated = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** How many requests repeated a known requestId. */
  get repeated(): number {
    return this.#repeated;
  }

  holdNext(hold: Hold): void {
    this.#holds.push(hold);
  }

  /** The first waiting hold that the text matches; each serves once. */
  #takeHold(sqlText: string): Hold | undefined {
    const index = this.#holds.findIndex(({ pattern }) => pattern.test(sqlText));
    return index === -1 ? undefined : this.#holds.splice(index, 1)[0];
  }

  /** Starts a statement, or returns the one already started under this requestId, whatever text comes this time. */
  submit(session: Session, request: QueryRequest): Query {
    const key = `${session.id}:${request.requestId}`;
    const known = this.#byRequest.get(key);
    if (known !== undefined) {
      this.#repeated += 1;
      return known;
    }
    const query = this.#start(session, request, async (started) => await this.#runText(started));
    this.#byRequest.set(key, query);
    return query;
  }

  /** A query of the same user. */
  find(id: string, session: Session): Query | undefined {
    const query = this.#byId.get(id);
    return query?.session.user === session.user ? query : undefined;
  }

  /** @throws SnowflakeFailure 000605 if nothing runs under this request. */
  cancelRequest(session: Session, requestId: string): void {
    this.#cancel(this.#byRequest.get(`${session.id}:${requestId}`));
  }

  /** @throws SnowflakeFailure 000605 if the user has no such running query. */
  cancelQuery(session: Session, id: string): void {
    this.#cancel(this.find(id, session));
  }

  #cancel(query: Query | undefined): void {
    if (query === undefined || query.outcome !== undefined) {
      throw new SnowflakeFailure('000605', '57014', `Identified SQL statement is not currently executing.`);
    }
    query.abort.abort();
  }

  /** Every statement in order of arrival, children of multi-statement requests included. */
  history(): readonly HistoryEntry[] {
    return this.#history.map((query) => ({
      queryId: query.id,
      requestId: query.request.requestId,
      sqlText: query.request.sqlText,
      user: query.session.user,
      role: query.role,
      sessionId: query.session.id,
      queryTag: query.queryTag,
      status: statusOf(query),
      errorCode: query.outcome?.ok === false ? query.outcome.failure.code : null,
      bindings: query.request.binds,
      describeOnly: query.request.describeOnly,
      isInternal: query.request.isInternal,
      startTime: query.startTime,
      endTime: query.endTime ?? null,
      errorMessage: query.outcome?.ok === false ? query.outcome.failure.message : null,
      ...query.place,
      rowsProduced: rowsOf(query),
    }));
  }

  resetHistory(): void {
    this.#history.length = 0;
    this.#repeated = 0;
  }

  /** Aborts what runs and waits for it. */
  async close(): Promise<void> {
    const running = [...this.#byId.values()].filter((query) => query.outcome === undefined);
    for (const query of running) query.abort.abort();
    await Promise.all(running.map(async (query) => await query.done));
  }

  #start(
    session: Session,
    request: QueryRequest,
    work: (query: Query) => Promise<Omit<Outcome & { ok: true }, 'ok' | 'context'>>,
  ): Query {
    const id = randomUUID();
    const { promise, resolve } = Promise.withResolvers<void>();
    const hold = this.#takeHold(request.sqlText);
    const query: Query = {
      id,
      session,
      request,
      startTime: this.#options.clock(),
      queryTag: textOf(request.parameters['QUERY_TAG'] ?? session.parameters.get('QUERY_TAG')),
      role: session.role,
      place: placeOf(session),
      abort: new AbortController(),
      done: promise,
      outcome: undefined,
      endTime: undefined,
      holdPolls: hold?.polls ?? 0,
    };
    this.#byId.set(id, query);
    this.#history.push(query);
    session.queryIds.push(id);
    work(query)
      .then(
        (finished) => ({ ok: true as const, ...finished, context: contextOf(session) }),
        (error: unknown) => ({
          ok: false as const,
          failure: query.abort.signal.aborted ? canceled() : toFailure(error),
        }),
      )
      .then((outcome) => {
        query.outcome = outcome;
        query.endTime = this.#options.clock();
        resolve();
      })
      .catch(resolve);
    return query;
  }

  async #runText(query: Query): Promise<{ result: StatementResult; children: readonly Query[] }> {
    const statements = splitStatements(readTokens(query.request.sqlText));
    const [only] = statements;
    if (only === undefined)
      throw new SnowflakeFailure('000900', '42601', 'SQL compilation error:\nEmpty SQL statement.');
    const wanted = Number(
      query.request.parameters['MULTI_STATEMENT_COUNT'] ?? query.session.parameters.get('MULTI_STATEMENT_COUNT') ?? 1,
    );
    if (wanted !== 0 && wanted !== statements.length) {
      throw new SnowflakeFailure(
        '000008',
        '0A000',
        `Actual statement count ${statements.length} did not match the desired statement count ${wanted}.`,
      );
    }
    if (statements.length === 1) return { result: await this.#run(only, query), children: [] };
    return await this.#runChildren(statements, query);
  }

  async #runChildren(
    statements: readonly (readonly Token[])[],
    parent: Query,
  ): Promise<{ result: StatementResult; children: readonly Query[] }> {
    const children: Query[] = [];
    for (const tokens of statements) {
      const sqlText = parent.request.sqlText.slice(tokens[0]?.start ?? 0, tokens.at(-1)?.end ?? 0);
      const request = { ...parent.request, requestId: randomUUID(), sqlText };
      const child = this.#start(parent.session, request, async (started) => ({
        result: await this.#run(tokens, started),
        children: [],
      }));
      const forward = () => child.abort.abort();
      parent.abort.signal.addEventListener('abort', forward, { once: true });
      await child.done;
      if (child.outcome?.ok === false) throw child.outcome.failure;
      children.push(child);
    }
    const table: Table = textTable(['multiple statement execution'], [['Multiple statements executed successfully.']]);
    return { result: { kind: 'unknown', typeId: multiStatementTypeId, table, bindCount: 0 }, children };
  }

  async #run(tokens: readonly Token[], query: Query): Promise<StatementResult> {
    const { session, request, abort } = query;
    return await executeStatement(tokens, {
      session,
      catalog: this.#options.catalog,
      account: this.#options.account,
      users: this.#options.users,
      history: () => this.history(),
      nowMs: this.#options.clock(),
      queryId: query.id,
      binds: request.binds,
      sqlText: request.sqlText,
      signal: abort.signal,
      fileTransfer: this.#options.fileTransfer,
      describeOnly: request.describeOnly,
      scanResult: async (id) => await this.#scan(id, session, abort.signal),
      metadata: async (name, rows) =>
        await onConnection(session, abort.signal, async () => await materialize(await rows(), name, session)),
    });
  }

  async #scan(id: string, session: Session, signal: AbortSignal): Promise<string> {
    const query = this.find(id, session);
    await query?.done;
    if (query?.outcome?.ok !== true) throw new SnowflakeFailure('000709', '02000', `Statement ${id} not found`);
    const { table } = query.outcome.result;
    return await onConnection(session, signal, async () => await materialize(table, `RESULT_SCAN_${id}`, session));
  }
}

function readTokens(sqlText: string): readonly Token[] {
  try {
    return lex(sqlText);
  } catch (error) {
    throw new SnowflakeFailure(
      '001003',
      '42000',
      `SQL compilation error:\n${error instanceof Error ? error.message : ''}`,
    );
  }
}

/** The status that `/monitoring/queries/{id}` shows. */
export function statusOf(query: Query): QueryStatus {
  if (query.outcome === undefined || query.holdPolls > 0) return 'RUNNING';
  if (query.outcome.ok) return 'SUCCESS';
  return query.outcome.failure.code === '000604' ? 'ABORTED' : 'FAILED_WITH_ERROR';
}

function contextOf(session: Session): FinalContext {
  return { ...placeOf(session), role: session.role };
}

function placeOf(session: Session): Query['place'] {
  return {
    database: session.database ?? null,
    schema: session.schema ?? null,
    warehouse: session.warehouse ?? null,
  };
}

/** ROWS_PRODUCED of the query history. */
function rowsOf({ outcome }: Query): number | null {
  if (outcome?.ok !== true) return null;
  const { stats, table } = outcome.result;
  if (stats === undefined) return table.rows.length;
  return Object.values(stats).reduce((sum, changed) => sum + changed, 0);
}
