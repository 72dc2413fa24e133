import { classify, explainedTokens, type StatementHead } from './classify.js';
import { Cursor } from './cursor.js';
import type { Facts, ObjectName, SessionContext } from './facts.js';
import { distinctNames, type NameParts, qualify, qualifySchema } from './names.js';
import { CODE_TYPES, type ObjectType } from './object-types.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import { readAlterSession, readSet, readTransaction, readUnset, readUse } from './statement-session.js';
import { isIdentifier, isSymbol, isWord, type Token } from './tokens.js';

/** What is told of a statement that is not a query. */
export type StatementFacts = Pick<Facts, 'objects' | 'effect' | 'carriesQuery' | 'writes' | 'temporary'>;

type Reading = Partial<StatementFacts>;

/**
 * Reads names and session effects of a statement of a known class. Throws `Refusal` where the statement is dynamic,
 * or where a name is not found at the place its class demands.
 */
export function readStatementFacts(
  head: StatementHead,
  tokens: readonly Token[],
  session: SessionContext,
): StatementFacts {
  checkNotDynamic(tokens);
  const reading = read(head, new Cursor(tokens, head.next), session);
  return {
    objects: distinctNames(reading.objects ?? []),
    effect: reading.effect,
    writes: distinctNames(reading.writes ?? []),
    temporary: reading.temporary ?? [],
    carriesQuery: reading.carriesQuery ?? tokens.some((token) => isWord(token, 'SELECT', 'CLONE')),
  };
}

/** Calls whose source is computed when the statement runs, or is the result of an earlier one. */
const COMPUTED_SOURCES = ['IDENTIFIER', 'RESULT_SCAN', 'TO_QUERY'];

/** Names and sources that are computed when the statement runs cannot be known before, and strings are no identifiers. */
function checkNotDynamic(tokens: readonly Token[]): void {
  for (const [index, token] of tokens.entries()) {
    if (!isSymbol(tokens[index + 1], '(')) continue;
    if (isWord(token, ...COMPUTED_SOURCES))
      throw new Refusal('dynamic', `a name or source is computed by ${token.value}()`);
    const argument = tokens[index + 2];
    const isComputed =
      argument?.kind === 'variable' ||
      argument?.kind === 'string' ||
      argument?.kind === 'dollar-string' ||
      isSymbol(argument, ':', '?');
    if (isWord(token, 'TABLE') && isComputed) {
      throw new Refusal('dynamic', 'a table is given by a string, variable or placeholder');
    }
  }
}

function read(head: StatementHead, cursor: Cursor, session: SessionContext): Reading {
  switch (head.verb) {
    case 'USE':
      return readUse(head, cursor);
    case 'SET':
      return readSet(cursor);
    case 'UNSET':
      return readUnset(cursor);
    case 'TRANSACTION':
      return readTransaction(cursor);
    case 'INSERT':
    case 'INSERT_OVERWRITE':
      return readInsert(cursor, session);
    case 'UPDATE':
      return writing(target(cursor, session), { carriesQuery: hasWord(cursor, 'SELECT', 'FROM') });
    case 'DELETE':
      cursor.expect('FROM');
      return { objects: [target(cursor, session)], carriesQuery: hasWord(cursor, 'SELECT', 'USING') };
    case 'MERGE':
      return readMerge(cursor, session);
    case 'TRUNCATE':
      cursor.take('IF', 'EXISTS');
      return { objects: [target(cursor, session)] };
    case 'LOAD':
      return readLoad(cursor, session);
    case 'UNLOAD':
      return readUnload(cursor, session);
    case 'COPY_FILES':
      return {
        objects: stages(cursor, session),
        writes: stagesIn(cursor.tokens.slice(cursor.at, cursor.at + 1), session),
      };
    case 'PUT':
      return { objects: stages(cursor, session), writes: stages(cursor, session) };
    case 'LIST':
    case 'REMOVE':
    case 'GET':
      return { objects: stages(cursor, session) };
    case 'CALL':
      return readCall(cursor, session);
    case 'EXECUTE':
      return readExecute(head, cursor, session);
    case 'EXPLAIN':
      return readExplain(head, cursor, session);
    case 'GRANT':
    case 'REVOKE':
      return readGrant(cursor, session);
    case 'SHOW':
      return {};
    case 'DESCRIBE':
      return head.type === undefined ? {} : { objects: named(head.type, cursor, session) };
    case 'COMMENT':
      return { objects: head.type === undefined ? commented(cursor, session) : named(head.type, cursor, session) };
    default:
      return readDefinition(head, cursor, session);
  }
}

function hasWord(cursor: Cursor, ...words: readonly string[]): boolean {
  return cursor.tokens.slice(cursor.at).some((token) => isWord(token, ...words));
}

/** A table-like name at the cursor. */
function target(cursor: Cursor, session: SessionContext): ObjectName {
  return qualify(cursor.nameParts(3), session);
}

// ---------------------------------------------------------------------------------------------- data

/** `INSERT [OVERWRITE] [ALL | FIRST] … INTO t …`: every INTO outside brackets names a target. */
function readInsert(cursor: Cursor, session: SessionContext): Reading {
  const objects: ObjectName[] = [];
  const multiTable = cursor.takeOne('ALL', 'FIRST') !== undefined;
  if (!multiTable) {
    cursor.expect('INTO');
    objects.push(target(cursor, session));
  } else {
    while (!cursor.done && !isWord(cursor.peek(), 'SELECT')) {
      if (cursor.take('INTO')) objects.push(target(cursor, session));
      else if (cursor.seesSymbol('(')) cursor.skipBracket();
      else cursor.at += 1;
    }
  }
  if (objects.length === 0) unknownSyntax('a target table was expected');
  return { objects, writes: objects, carriesQuery: hasWord(cursor, 'SELECT', 'TABLE', 'FROM') };
}

function writing(object: ObjectName, more: Reading): Reading {
  return { objects: [object], writes: [object], ...more };
}

function readLoad(cursor: Cursor, session: SessionContext): Reading {
  const object = target(cursor, session);
  return writing(object, { objects: [object, ...stages(cursor, session)] });
}

/** The explained statement is only planned: what it names is told, what it would do is not. */
function readExplain(head: StatementHead, cursor: Cursor, session: SessionContext): Reading {
  const inner = explainedTokens(head, cursor.tokens);
  const innerHead = classify(inner);
  if (innerHead.class === 'UNKNOWN') throw new Refusal('unknown-statement', 'the explained statement is not known');
  if (innerHead.verb === 'EXPLAIN') unknownSyntax('EXPLAIN explains a statement of another kind');
  if (innerHead.class === 'SELECT') return { carriesQuery: true };
  return { objects: readStatementFacts(innerHead, inner, session).objects, carriesQuery: true };
}

function readMerge(cursor: Cursor, session: SessionContext): Reading {
  cursor.expect('INTO');
  const objects = [target(cursor, session)];
  const writes = [...objects];
  while (!cursor.done && !cursor.take('USING')) cursor.at += 1;
  if (isIdentifier(cursor.peek()) && !isSymbol(cursor.peek(1), '(')) objects.push(target(cursor, session));
  return { objects, writes, carriesQuery: true };
}

function readUnload(cursor: Cursor, session: SessionContext): Reading {
  const objects = [...stages(cursor, session)];
  const writes = stagesIn(cursor.tokens.slice(cursor.at, cursor.at + 1), session);
  while (!cursor.done && !cursor.take('FROM')) cursor.at += 1;
  if (isIdentifier(cursor.peek())) objects.push(target(cursor, session));
  return { objects, writes, carriesQuery: true };
}

/** Every stage the statement names, wherever it stands. */
function stages(cursor: Cursor, session: SessionContext): readonly ObjectName[] {
  return stagesIn(cursor.tokens.slice(cursor.at), session);
}

function stagesIn(tokens: readonly Token[], session: SessionContext): readonly ObjectName[] {
  return tokens.flatMap((token) => {
    const parts = token.kind === 'stage' ? stageParts(token.raw) : undefined;
    return parts === undefined ? [] : [qualify(parts, session)];
  });
}

/** The stage's (or for `@%t` the table's) name out of `@db.schema.stage/path`; undefined for the user's own `@~`. */
function stageParts(raw: string): NameParts | undefined {
  if (raw.startsWith('@~')) return undefined;
  const parts: string[] = [];
  const name = /%?(?:([A-Za-z_][A-Za-z0-9_$]*)|"((?:[^"]|"")*)")(\.\.?)?/y;
  name.lastIndex = 1;
  for (;;) {
    const match = name.exec(raw);
    if (match === null) unknownSyntax('a stage name was expected');
    parts.push(match[1]?.toUpperCase() ?? match[2]?.replaceAll('""', '"') ?? '');
    if (match[3] === '..') parts.push('');
    if (match[3] === undefined) return parts;
  }
}

// ---------------------------------------------------------------------------------------------- code

function readCall(cursor: Cursor, session: SessionContext): Reading {
  if (isWord(cursor.tokens[0], 'WITH'))
    throw new Refusal('script', 'an anonymous procedure runs code that is not analysed');
  if (hasWord(cursor, 'SELECT')) unsupported('a query among the arguments of a call');
  const parts = cursor.nameParts(3);
  const isSystem = parts.length === 1 && parts[0]?.startsWith('SYSTEM$') === true;
  return { objects: isSystem ? [] : [qualify(parts, session)] };
}

function readExecute(head: StatementHead, cursor: Cursor, session: SessionContext): Reading {
  if (head.class === 'EXECUTE_IMMEDIATE') throw new Refusal('dynamic', 'it runs a computed statement');
  if (head.class === 'EXECUTE_JOB_SERVICE' || head.class === 'EXECUTE_SERVICE') return { carriesQuery: true };
  return { objects: [target(cursor, session)], carriesQuery: true };
}

// ---------------------------------------------------------------------------------------------- definitions

function readDefinition(head: StatementHead, cursor: Cursor, session: SessionContext): Reading {
  if (head.class === 'ALTER_SESSION') return readAlterSession(cursor);
  if (head.type === undefined) throw new Refusal('unknown-statement', 'the kind of statement is not known');
  const own = named(head.type, cursor, session);
  if (head.verb === 'ALTER') return readAlter(head.type, own, cursor, session);
  if (!head.verb.startsWith('C')) return { objects: own };
  const hasSource = head.type.level === 'object' || head.type.level === 'database' || head.type.name === 'SCHEMA';
  const objects = hasSource ? [...own, ...clonedNames(head.type, cursor, session)] : own;
  const isTemporary = cursor.tokens.slice(0, head.next).some((token) => isWord(token, ...TEMPORARY));
  const reading: Reading = { objects, writes: own, temporary: isTemporary ? own : [] };
  return CODE_TYPES.has(head.type.name) ? { ...reading, carriesQuery: true } : reading;
}

const TEMPORARY = ['TEMP', 'TEMPORARY', 'VOLATILE'] as const;

/** Under another name, or with columns of other names, rows stand in another place; a swap is two renames. */
function readAlter(type: ObjectType, own: readonly ObjectName[], cursor: Cursor, session: SessionContext): Reading {
  const isSwap = cursor.sees('SWAP');
  const others = otherNames(type, cursor, session);
  const objects = [...own, ...others];
  return { objects, writes: isSwap || others.length === 0 ? objects : others };
}

/** The object's own name after `[IF [NOT] EXISTS]`; nothing where Snowflake lets it be left out. */
function named(type: ObjectType, cursor: Cursor, session: SessionContext): readonly ObjectName[] {
  if (!cursor.take('IF', 'NOT', 'EXISTS')) cursor.take('IF', 'EXISTS');
  const mayBeMissing = type.name === 'ACCOUNT' || type.name === 'USER';
  if (mayBeMissing && (cursor.done || isWord(cursor.peek(), 'SET', 'UNSET', 'ADD', 'REMOVE', 'MODIFY'))) return [];
  if (cursor.peek()?.kind === 'string' && cursor.peek(1)?.kind !== 'symbol') {
    // Some types take their name as a string; it cannot be told apart from a computed one.
    throw new Refusal('dynamic', 'a name is given as a string');
  }
  return [resolved(type, cursor.nameParts(3), session)];
}

function resolved(type: ObjectType, parts: NameParts, session: SessionContext): ObjectName {
  const name = parts.at(-1) ?? '';
  switch (type.level) {
    case 'database':
      if (parts.length > 1) unknownSyntax('a database name has too many parts');
      return { database: name, schema: '', name: '' };
    case 'schema': {
      const schema = qualifySchema(parts, session);
      return type.name === 'SCHEMA' ? schema : { database: schema.database, schema: '', name };
    }
    case 'account':
      // An application role is written application.role.
      return { database: '', schema: '', name: parts.join('.') };
    case 'object':
      return qualify(parts, session);
    default:
      return type.level satisfies never;
  }
}

/** `RENAME TO other` and `SWAP WITH other`. */
function otherNames(type: ObjectType, cursor: Cursor, session: SessionContext): readonly ObjectName[] {
  if (cursor.take('RENAME', 'TO') || cursor.take('SWAP', 'WITH')) return [resolved(type, cursor.nameParts(3), session)];
  return [];
}

/** The source of `CLONE other`, and of `CREATE STREAM … ON TABLE other`. */
function clonedNames(type: ObjectType, cursor: Cursor, session: SessionContext): readonly ObjectName[] {
  const objects: ObjectName[] = [];
  while (!cursor.done) {
    if (cursor.seesSymbol('(')) cursor.skipBracket();
    else if (cursor.take('CLONE')) objects.push(resolved(type, cursor.nameParts(3), session));
    else if (type.name === 'STREAM' && (cursor.take('ON', 'TABLE') || cursor.take('ON', 'VIEW'))) {
      objects.push(target(cursor, session));
    } else cursor.at += 1;
  }
  return objects;
}

// ---------------------------------------------------------------------------------------------- privileges, comments

/** `… ON [ALL | FUTURE] type[s] [IN] name …`; privileges on the account and grants of roles name no object here. */
function readGrant(cursor: Cursor, session: SessionContext): Reading {
  while (!cursor.done && !isWord(cursor.peek(), 'ON', 'TO', 'FROM')) cursor.at += 1;
  if (!cursor.take('ON')) return { objects: [] };
  if (cursor.take('ACCOUNT')) return { objects: [] };
  if (cursor.takeOne('ALL', 'FUTURE') !== undefined) return { objects: [container(cursor, session)] };
  const type = grantedType(cursor);
  return { objects: [resolved(type, cursor.nameParts(3), session)] };
}

function container(cursor: Cursor, session: SessionContext): ObjectName {
  while (!cursor.done && !cursor.take('IN')) cursor.at += 1;
  const what = cursor.takeOne('DATABASE', 'SCHEMA', 'SHARE', 'APPLICATION');
  if (what === 'DATABASE') return { database: cursor.nameParts(1)[0] ?? '', schema: '', name: '' };
  if (what === 'SCHEMA') return qualifySchema(cursor.nameParts(2), session);
  return unknownSyntax('a database or schema was expected');
}

const ACCOUNT_WORDS = [
  'WAREHOUSE',
  'ROLE',
  'USER',
  'INTEGRATION',
  'VOLUME',
  'MONITOR',
  'POOL',
  'GROUP',
  'LISTING',
  'CONNECTION',
];

/** The words between ON and the name. GRANT knows types by the same words as CREATE. */
function grantedType(cursor: Cursor): ObjectType {
  const words: string[] = [];
  while (cursor.peek()?.kind === 'word' && isIdentifier(cursor.peek(1)) && !isWord(cursor.peek(1), 'TO', 'FROM')) {
    words.push(cursor.identifier().value);
  }
  const last = words.at(-1);
  if (last === undefined) return { words, name: 'TABLE', level: 'object' };
  const name = words.join('_');
  if (name === 'DATABASE') return { words, name, level: 'database' };
  if (name === 'SCHEMA' || name === 'DATABASE_ROLE') return { words, name, level: 'schema' };
  return { words, name, level: ACCOUNT_WORDS.includes(last) ? 'account' : 'object' };
}

/** `COMMENT ON COLUMN t.c`: the table. Other unknown types name nothing that can be resolved. */
function commented(cursor: Cursor, session: SessionContext): readonly ObjectName[] {
  if (!cursor.take('COLUMN')) unsupported('a comment on this kind of object');
  const parts = cursor.nameParts(4);
  if (parts.length < 2) unknownSyntax('a column name was expected');
  return [qualify(parts.slice(0, -1), session)];
}
