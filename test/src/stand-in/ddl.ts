import { statusTable, type Table } from './columns.js';
import { create } from './create.js';
import { existing, runText, title } from './ddl-steps.js';
import { type Execution, onConnection } from './execution.js';
import { missingObject, unsupported } from './failures.js';
import { isToken, lex, quoteName, type Token } from './lexer.js';
import { completeName, completeSchema, nameKey, qualified, readName, skipIfExists } from './names.js';
import type { Session } from './sessions.js';
import { altersTags, alterTags, dropTags } from './tags.js';

/** CREATE, DROP, ALTER, TRUNCATE. What the stand-in does not model is refused with 000002, never silently accepted. */
export async function runDdl(tokens: readonly Token[], execution: Execution): Promise<Table> {
  const { session } = execution;
  if (session.inTransaction) {
    await onConnection(session, execution.signal, async () => await session.connection.run('COMMIT'));
    session.inTransaction = false;
  }
  const verb = tokens[0]?.value;
  if (verb === 'CREATE') return await create(tokens, execution);
  if (verb === 'DROP') return await drop(tokens, execution);
  if (verb === 'ALTER') return await alter(tokens, execution);
  if (verb === 'TRUNCATE') return await truncate(tokens, execution);
  throw unsupported(`${verb ?? ''} ${tokens[1]?.value ?? ''}`);
}

async function drop(tokens: readonly Token[], execution: Execution): Promise<Table> {
  const { session, catalog } = execution;
  const kind = tokens[1]?.value ?? '';
  const { next, lenient } = skipIfExists(tokens, 2);
  const { parts } = readName(tokens, next);
  const last = parts.at(-1) ?? '';
  const dropped = statusTable(`${last} successfully dropped.`);
  const absent = statusTable('Drop statement executed successfully (object already dropped).');
  switch (kind) {
    case 'DATABASE':
      if (lenient && !catalog.hasDatabase(last)) return absent;
      catalog.checkDatabase(last);
      await leave(execution, last, undefined);
      await catalog.dropDatabase(last);
      return dropped;
    case 'SCHEMA': {
      const { database, schema } = completeSchema(session, parts);
      if (lenient && !catalog.hasSchema(database, schema)) return absent;
      await leave(execution, database, schema);
      await catalog.dropSchema(database, schema);
      return dropped;
    }
    case 'TABLE':
    case 'VIEW': {
      const name = completeName(session, parts);
      const found = await existing(name, execution);
      if (found !== kind) {
        if (lenient && found === undefined) return absent;
        throw missingObject(title(kind), qualified(name).replaceAll('"', ''));
      }
      const isTemporary = session.temporaryTables.has(nameKey(name));
      await onConnection(
        session,
        execution.signal,
        async () =>
          await session.connection.run(`DROP ${kind} ${isTemporary ? quoteName(name.name) : qualified(name)}`),
      );
      session.temporaryTables.delete(nameKey(name));
      catalog.views.delete(nameKey(name));
      if (!isTemporary) dropTags(catalog.tags, [name.database, name.schema, name.name]);
      return dropped;
    }
    case 'STAGE':
      if (!catalog.stages.delete(nameKey(completeName(session, parts))) && !lenient) throw missingObject('Stage', last);
      return dropped;
    case 'ROLE':
    case 'WAREHOUSE':
      if (!(kind === 'ROLE' ? catalog.roles : catalog.warehouses).delete(last) && !lenient)
        throw missingObject(title(kind), last);
      return dropped;
    default:
      throw unsupported(`DROP ${kind}`);
  }
}

/** A session may not stand in what is dropped: DuckDB would refuse, Snowflake leaves it without current schema. */
async function leave(execution: Execution, database: string, schema: string | undefined): Promise<void> {
  const { session } = execution;
  if (session.database !== database || (schema !== undefined && session.schema !== schema)) return;
  await onConnection(session, execution.signal, async () => await session.connection.run('USE memory.main'));
  if (schema === undefined) session.database = undefined;
  session.schema = undefined;
}

async function alter(tokens: readonly Token[], execution: Execution): Promise<Table> {
  const { session, catalog } = execution;
  const kind = tokens[1]?.value ?? '';
  const { next } = skipIfExists(tokens, 2);
  const { parts, next: behind } = readName(tokens, next);
  if (altersTags(tokens, behind)) {
    const path = taggedPath(kind, parts, session);
    if (
      (kind === 'TABLE' || kind === 'VIEW') &&
      (await existing(completeName(session, parts), execution)) === undefined
    )
      throw missingObject(title(kind), path.join('.'));
    return alterTags(tokens, behind, path, session, catalog.tags);
  }
  if (
    kind === 'TABLE' &&
    ['ADD', 'DROP', 'RENAME'].includes(tokens[behind]?.value ?? '') &&
    !isToken(tokens[behind + 1], 'ROW')
  ) {
    const name = completeName(session, parts);
    if ((await existing(name, execution)) === undefined)
      throw missingObject('Table', qualified(name).replaceAll('"', ''));
    await runText([...lex(`ALTER TABLE ${qualified(name)} `), ...tokens.slice(behind)], execution);
    return statusTable();
  }
  if (kind === 'VIEW') {
    const key = nameKey(completeName(session, parts));
    const facts = catalog.views.get(key);
    const isSet = isToken(tokens[behind], 'SET');
    if (facts !== undefined && (isSet || isToken(tokens[behind], 'UNSET')) && isToken(tokens[behind + 1], 'SECURE')) {
      catalog.views.set(key, { ...facts, isSecure: isSet });
      return statusTable();
    }
  }
  throw unsupported(`ALTER ${kind} ${tokens[behind]?.value ?? ''}`);
}

function taggedPath(kind: string, parts: readonly string[], session: Session): readonly string[] {
  if (kind === 'DATABASE') return parts;
  if (kind === 'SCHEMA') {
    const { database, schema } = completeSchema(session, parts);
    return [database, schema];
  }
  const { database, schema, name } = completeName(session, parts);
  return [database, schema, name];
}

async function truncate(tokens: readonly Token[], execution: Execution): Promise<Table> {
  const { session } = execution;
  const start = isToken(tokens[1], 'TABLE') ? 2 : 1;
  const name = completeName(session, readName(tokens, skipIfExists(tokens, start).next).parts);
  if ((await existing(name, execution)) === undefined)
    throw missingObject('Table', qualified(name).replaceAll('"', ''));
  await runText(lex(`DELETE FROM ${qualified(name)}`), execution);
  return statusTable();
}
