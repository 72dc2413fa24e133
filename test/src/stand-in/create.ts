import { statusTable, type Table } from './columns.js';
import { existing, runText, title } from './ddl-steps.js';
import { type Execution, onConnection } from './execution.js';
import { objectExists, syntaxError, unsupported } from './failures.js';
import { isToken, lex, made, quoteName, type Token } from './lexer.js';
import { completeName, completeSchema, nameKey, type ObjectName, qualified, readName, skipIfExists } from './names.js';
import { nameColumns } from './naming.js';
import { enterSchema } from './session-statements.js';

const createModifiers = [
  'OR',
  'REPLACE',
  'TEMPORARY',
  'TEMP',
  'LOCAL',
  'GLOBAL',
  'VOLATILE',
  'TRANSIENT',
  'SECURE',
  'RECURSIVE',
];

type Creation = {
  readonly kind: string;
  readonly modifiers: readonly string[];
  readonly parts: readonly string[];
  readonly behind: number;
  readonly mode: 'new' | 'if-not-exists' | 'or-replace';
};

function readCreation(tokens: readonly Token[]): Creation {
  let at = 1;
  const modifiers: string[] = [];
  for (; createModifiers.includes(tokens[at]?.value ?? ''); at += 1) modifiers.push(tokens[at]?.value ?? '');
  const kind = tokens[at]?.value ?? '';
  const { next, lenient } = skipIfExists(tokens, at + 1);
  const { parts, next: behind } = readName(tokens, next);
  if (parts.length === 0) throw syntaxError(tokens[next]?.text ?? '<EOF>');
  return {
    kind,
    modifiers,
    parts,
    behind,
    mode: modifiers.includes('REPLACE') ? 'or-replace' : lenient ? 'if-not-exists' : 'new',
  };
}

/** CREATE. What the stand-in does not model is refused with 000002. */
export async function create(tokens: readonly Token[], execution: Execution): Promise<Table> {
  const { session, catalog } = execution;
  const creation = readCreation(tokens);
  const last = creation.parts.at(-1) ?? '';
  const created = (made_: boolean) =>
    statusTable(
      made_ ? `${title(creation.kind)} ${last} successfully created.` : `${last} already exists, statement succeeded.`,
    );
  switch (creation.kind) {
    case 'DATABASE':
      return await onConnection(session, execution.signal, async () => {
        const isNew = await catalog.createDatabase(last, creation.mode);
        if (isNew) await enterSchema(session, catalog, last, 'PUBLIC');
        return created(isNew);
      });
    case 'SCHEMA':
      return await onConnection(session, execution.signal, async () => {
        const { database, schema } = completeSchema(session, creation.parts);
        const isNew = await catalog.createSchema(database, schema, creation.mode);
        if (isNew) await enterSchema(session, catalog, database, schema);
        return created(isNew);
      });
    case 'TABLE':
      return created(await createTable(tokens, creation, execution));
    case 'VIEW':
      return created(await createView(tokens, creation, execution));
    case 'STAGE': {
      const name = completeName(session, creation.parts);
      catalog.checkSchema(name.database, name.schema);
      const exists = catalog.stages.has(nameKey(name));
      if (exists && creation.mode === 'new') throw objectExists(last);
      if (!exists || creation.mode === 'or-replace') catalog.createStage(name);
      return statusTable(`Stage area ${last} successfully created.`);
    }
    case 'TAG': {
      const key = nameKey(completeName(session, creation.parts));
      const exists = catalog.tags.known.has(key);
      if (exists && creation.mode === 'new') throw objectExists(last);
      catalog.tags.known.add(key);
      return created(!exists || creation.mode === 'or-replace');
    }
    case 'ROLE':
      catalog.roles.add(last);
      return created(true);
    case 'WAREHOUSE':
      catalog.warehouses.add(last);
      return created(true);
    default:
      throw unsupported(`CREATE ${creation.kind}`);
  }
}

async function createTable(tokens: readonly Token[], creation: Creation, execution: Execution): Promise<boolean> {
  const { session, catalog } = execution;
  const name = completeName(session, creation.parts);
  catalog.checkSchema(name.database, name.schema);
  const isTemporary = creation.modifiers.some((word) => word === 'TEMPORARY' || word === 'TEMP' || word === 'VOLATILE');
  const exists = (await existing(name, execution)) !== undefined;
  if (exists && creation.mode === 'if-not-exists') return false;
  const head = `CREATE ${creation.modifiers.includes('REPLACE') ? 'OR REPLACE ' : ''}${isTemporary ? 'TEMPORARY ' : ''}TABLE`;
  const target = isTemporary ? quoteName(name.name) : qualified(name);
  const body = tableBody(tokens.slice(creation.behind));
  await runText([...lex(`${head} ${target} `), ...body], execution);
  if (isTemporary) session.temporaryTables.set(nameKey(name), name.name);
  catalog.noteCreated(name);
  return true;
}

/** Everything behind the name: the column list, `AS query`, `LIKE x`, `CLONE x`; table options are dropped. */
function tableBody(tokens: readonly Token[]): readonly Token[] {
  if (isToken(tokens[0], 'CLONE')) return [made('word', 'AS SELECT * FROM'), ...tokens.slice(1)];
  if (isToken(tokens[0], 'LIKE'))
    return [made('word', 'AS SELECT * FROM'), ...tokens.slice(1), made('word', 'LIMIT 0')];
  const as = topLevel(tokens, 'AS');
  const columnsEnd = isToken(tokens[0], '(') ? closing(tokens, 0) + 1 : 0;
  const columns = tokens
    .slice(0, columnsEnd)
    .filter((token, index, list) => !isComment(list, index) && token !== undefined);
  if (as < 0) return columns;
  const query = nameColumns(
    tokens.slice(as + 1).map((token, index) => (index === 0 ? { ...token, spaced: true } : token)),
  );
  return [...columns, made('word', 'AS'), ...query];
}

/** `COMMENT 'x'` of a column definition. */
function isComment(tokens: readonly Token[], index: number): boolean {
  const behind = tokens[index + 1];
  return (
    (isToken(tokens[index], 'COMMENT') && behind?.kind === 'string') ||
    (isToken(tokens[index - 1], 'COMMENT') && tokens[index]?.kind === 'string')
  );
}

function topLevel(tokens: readonly Token[], word: string): number {
  let depth = 0;
  return tokens.findIndex((token) => {
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    return depth === 0 && isToken(token, word);
  });
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    if (isToken(tokens[at], '(')) depth += 1;
    if (isToken(tokens[at], ')')) depth -= 1;
    if (depth === 0) return at;
  }
  throw syntaxError('<EOF>');
}

async function createView(tokens: readonly Token[], creation: Creation, execution: Execution): Promise<boolean> {
  const { session, catalog } = execution;
  const name = completeName(session, creation.parts);
  catalog.checkSchema(name.database, name.schema);
  const found = await existing(name, execution);
  if (found !== undefined && creation.mode === 'if-not-exists') return false;
  const behind = tokens.slice(creation.behind);
  const as = topLevel(behind, 'AS');
  if (as < 0) throw syntaxError('<EOF>');
  const columns = isToken(behind[0], '(') ? behind.slice(0, closing(behind, 0) + 1) : [];
  const query = nameColumns(behind.slice(as + 1));
  const head = `CREATE ${creation.modifiers.includes('REPLACE') ? 'OR REPLACE ' : ''}VIEW ${qualified(name)} `;
  await inSchema(
    name,
    execution,
    async () => await runText([...lex(head), ...columns, made('word', 'AS'), ...query], execution),
  );
  const comment = behind
    .slice(0, as)
    .find((token, index, list) => token.kind === 'string' && isToken(list[index - 2], 'COMMENT'));
  catalog.views.set(nameKey(name), {
    text: execution.sqlText.trim().replace(/;$/, ''),
    isSecure: creation.modifiers.includes('SECURE'),
    comment: comment?.value ?? '',
  });
  catalog.noteCreated(name);
  return true;
}

/** Names inside a view are read from the schema the view lives in, wherever the session is. */
async function inSchema(name: ObjectName, execution: Execution, work: () => Promise<void>): Promise<void> {
  const { session, catalog, signal } = execution;
  const { database, schema } = session;
  if (database === name.database && schema === name.schema) return await work();
  const enter = async (target: string, inside: string | undefined) =>
    await onConnection(session, signal, async () => await enterSchema(session, catalog, target, inside));
  await enter(name.database, name.schema);
  try {
    await work();
  } finally {
    if (database !== undefined) await enter(database, schema);
    else {
      await session.connection.run('USE memory.main');
      session.database = undefined;
      session.schema = undefined;
    }
  }
}
