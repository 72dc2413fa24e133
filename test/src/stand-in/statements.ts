import { type Cell, counterTable, statusTable, type Table } from './columns.js';
import { runDdl } from './ddl.js';
import { describe } from './describe.js';
import { describeUser, showUserParameters } from './describe-user.js';
import { toColumn } from './duck-values.js';
import { type Execution, onConnection, pause, type StatementResult } from './execution.js';
import { noCurrentDatabase, SnowflakeFailure, syntaxError, toFailure, unsupported } from './failures.js';
import { kindOf, type StatementKind, statementTypeIds } from './kinds.js';
import { isToken, lex, splitStatements, type Token } from './lexer.js';
import { nameColumns } from './naming.js';
import { columnOrigins } from './origins.js';
import { run, toTable, translate } from './run.js';
import { alterSession, setVariables, unsetVariables, useContext } from './session-statements.js';
import { show } from './show.js';
import { listFiles, removeFiles, transferAnswer, unload } from './stages.js';
import { expandVariables, substitute } from './substitute.js';

/**
 * Runs one statement and returns its answer; DDL ends an open transaction as in Snowflake.
 * @throws SnowflakeFailure
 */
export async function executeStatement(original: readonly Token[], execution: Execution): Promise<StatementResult> {
  const tokens = expandVariables(original, execution.session);
  try {
    return await dispatch(tokens, original, execution);
  } catch (error) {
    throw withoutDatabase(toFailure(error), tokens, execution);
  }
}

/** A missing object that was named without a schema, in a session without database, is that lack instead. */
function withoutDatabase(failure: SnowflakeFailure, tokens: readonly Token[], execution: Execution): SnowflakeFailure {
  const missing = /^[^\n]*\nObject '([^']*)'/.exec(failure.message)?.[1];
  if (failure.code !== '002003' || missing === undefined || execution.session.database !== undefined) return failure;
  const isBare = tokens.some((token, index) => token.value === missing && !isToken(tokens[index - 1], '.'));
  return isBare ? noCurrentDatabase() : failure;
}

async function dispatch(
  tokens: readonly Token[],
  original: readonly Token[],
  execution: Execution,
): Promise<StatementResult> {
  const kind = kindOf(tokens);
  const result = (table: Table, more: Partial<StatementResult> = {}): StatementResult => ({
    kind,
    typeId: statementTypeIds[kind],
    table,
    bindCount: 0,
    ...more,
  });
  const { session, catalog, signal } = execution;
  switch (kind) {
    case 'select':
      return await select(tokens, execution, kind);
    case 'call':
      return await select([...lex('SELECT'), ...tokens.slice(1)], execution, kind);
    case 'explain':
      return result(statusTable('GlobalStats: partitionsTotal=0 partitionsAssigned=0 bytesAssigned=0'));
    case 'insert':
    case 'update':
    case 'delete':
    case 'merge':
      return await changeRows(tokens, execution, kind);
    case 'truncate':
    case 'ddl':
      return result(execution.describeOnly ? statusTable() : await runDdl(tokens, execution));
    case 'show':
      return result(
        showUserParameters(tokens, session, execution.users) ??
          (await onConnection(session, signal, async () => await show(tokens, session, catalog))),
      );
    case 'describe':
      if (isToken(tokens[1], 'USER')) return result(describeUser(tokens, session, execution.users));
      return result(await onConnection(session, signal, async () => await describe(tokens, session, catalog)));
    case 'use':
      return {
        ...result(statusTable()),
        ...(await onConnection(session, signal, async () => await useContext(tokens, session, catalog))),
      };
    case 'alter-session':
      alterSession(tokens, session);
      return result(statusTable());
    case 'set':
      setVariables(tokens, session, await firstRow(tokens, execution));
      return result(statusTable());
    case 'unset':
      unsetVariables(tokens, session);
      return result(statusTable());
    case 'begin':
    case 'commit':
    case 'rollback':
      return result(await changeTransaction(kind, execution));
    case 'grant':
      return result(statusTable());
    case 'unload':
      return result(await unload(tokens, execution, query));
    case 'list':
      return result(listFiles(tokens, session, catalog));
    case 'remove':
      return result(removeFiles(tokens, session, catalog));
    case 'put':
    case 'get':
      if (execution.fileTransfer === 'refuse') throw unsupported(kind.toUpperCase());
      return result({ columns: [], rows: [] }, { transfer: transferAnswer(tokens, kind, execution.queryId) });
    case 'execute-immediate':
      return await executeImmediate(tokens, execution);
    case 'copy-into-table':
      throw unsupported('COPY INTO <table>');
    case 'unknown':
      throw syntaxError(original[0]?.text ?? '<EOF>');
  }
}

/** What `SET … = (SELECT …)` takes its values from; undefined where it has none. */
async function firstRow(tokens: readonly Token[], execution: Execution): Promise<readonly Cell[] | undefined> {
  const value = tokens.slice(tokens.findIndex((token) => isToken(token, '=')) + 1);
  if (!isToken(value[0], '(') || !isToken(value[1], 'SELECT')) return undefined;
  return (await query(value.slice(1, -1), execution)).rows[0] ?? [null];
}

async function query(tokens: readonly Token[], execution: Execution): Promise<Table> {
  return (await select(tokens, execution, 'select')).table;
}

async function select(tokens: readonly Token[], execution: Execution, kind: StatementKind): Promise<StatementResult> {
  const { session, signal } = execution;
  const substituted = await substitute(nameColumns(tokens), execution);
  if (!execution.describeOnly && substituted.waitMilliseconds > 0) await pause(substituted.waitMilliseconds, signal);
  const translated = translate(substituted, execution.binds);
  const table = await onConnection(session, signal, async () => {
    const answer = execution.describeOnly
      ? await describeQuery(session.connection, translated.sql)
      : toTable((await run(session.connection, translated, execution.binds)).reader);
    const origins = await columnOrigins(tokens, answer.columns, session, execution.catalog);
    return { ...answer, columns: answer.columns.map((column, index) => ({ ...column, ...origins[index] })) };
  });
  return { kind, typeId: statementTypeIds[kind], table, bindCount: substituted.bindNames.length };
}

async function describeQuery(connection: Execution['session']['connection'], sql: string): Promise<Table> {
  const prepared = await connection.prepare(sql);
  try {
    const columns = Array.from({ length: prepared.columnCount }, (_, index) =>
      toColumn(prepared.columnName(index), prepared.columnType(index)),
    );
    return { columns, rows: [] };
  } finally {
    prepared.destroySync();
  }
}

type Change = 'insert' | 'update' | 'delete' | 'merge';

async function changeRows(tokens: readonly Token[], execution: Execution, kind: Change): Promise<StatementResult> {
  const { session, signal } = execution;
  const substituted = await substitute(withoutOverwrite(tokens), execution);
  const base = { kind, typeId: statementTypeIds[kind], bindCount: substituted.bindNames.length };
  if (execution.describeOnly) return { ...base, table: counterTable(counters(kind, 0)) };
  if (substituted.waitMilliseconds > 0) await pause(substituted.waitMilliseconds, signal);
  const translated = translate(substituted, execution.binds);
  return await onConnection(session, signal, async () => {
    if (session.parameters.get('AUTOCOMMIT') === false && !session.inTransaction) {
      await session.connection.run('BEGIN TRANSACTION');
      session.inTransaction = true;
    }
    if (kind === 'merge') {
      const { reader } = await run(
        session.connection,
        { ...translated, sql: `${translated.sql} RETURNING merge_action` },
        execution.binds,
      );
      const actions = reader.getRows().map((row) => String(row[0]));
      const count = (action: string) => actions.filter((found) => found === action).length;
      const merged = {
        'number of rows inserted': count('INSERT'),
        'number of rows updated': count('UPDATE'),
        'number of rows deleted': count('DELETE'),
      };
      return { ...base, table: counterTable(merged), stats: toStats(merged) };
    }
    if (isToken(tokens[1], 'OVERWRITE')) await session.connection.run(`DELETE FROM ${overwritten(translated.sql)}`);
    const { rowsChanged } = await run(session.connection, translated, execution.binds);
    const counted = counters(kind, rowsChanged);
    return { ...base, table: counterTable(counted), stats: toStats(counted) };
  });
}

function withoutOverwrite(tokens: readonly Token[]): readonly Token[] {
  return isToken(tokens[0], 'INSERT') && isToken(tokens[1], 'OVERWRITE')
    ? tokens.filter((_, index) => index !== 1)
    : tokens;
}

function overwritten(insert: string): string {
  const name = /^INSERT INTO ((?:"(?:[^"]|"")*"|[\w$.])+)/.exec(insert)?.[1];
  if (name === undefined) throw syntaxError('OVERWRITE');
  return name;
}

function counters(kind: Change, count: number): Readonly<Record<string, number>> {
  switch (kind) {
    case 'insert':
      return { 'number of rows inserted': count };
    case 'update':
      return { 'number of rows updated': count, 'number of multi-joined rows updated': 0 };
    case 'delete':
      return { 'number of rows deleted': count };
    case 'merge':
      return { 'number of rows inserted': count, 'number of rows updated': 0, 'number of rows deleted': 0 };
  }
}

function toStats(counted: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return {
    numRowsInserted: counted['number of rows inserted'] ?? 0,
    numRowsUpdated: counted['number of rows updated'] ?? 0,
    numRowsDeleted: counted['number of rows deleted'] ?? 0,
    numDmlDuplicates: 0,
  };
}

async function changeTransaction(kind: 'begin' | 'commit' | 'rollback', execution: Execution): Promise<Table> {
  const { session } = execution;
  return await onConnection(session, execution.signal, async () => {
    // Snowflake answers a second BEGIN, or a COMMIT without transaction, with success and does nothing.
    if ((kind === 'begin') !== session.inTransaction) {
      await session.connection.run(kind === 'begin' ? 'BEGIN TRANSACTION' : kind);
      session.inTransaction = kind === 'begin';
    }
    return statusTable();
  });
}

async function executeImmediate(tokens: readonly Token[], execution: Execution): Promise<StatementResult> {
  const text = tokens[2];
  if (text?.kind !== 'string') throw unsupported('EXECUTE IMMEDIATE of an expression');
  const statements = splitStatements(lex(text.value));
  let last: StatementResult | undefined;
  for (const statement of statements) last = await executeStatement(statement, execution);
  if (last === undefined) throw new SnowflakeFailure('000900', '42601', 'SQL compilation error:\nEmpty SQL statement.');
  return last;
}
