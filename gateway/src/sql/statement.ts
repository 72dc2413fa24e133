import type { StatementHead } from './classify.js';
import { Cursor } from './cursor.js';
import type { Facts, ObjectName, SessionContext, SessionEffect, SessionParameter } from './facts.js';
import { distinctNames, type NameParts, qualify, qualifySchema } from './names.js';
import { CODE_TYPES, type ObjectType } from './object-types.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import { isIdentifier, isSymbol, isWord, stringValue, type Token } from './tokens.js';

/** What is told of a statement that is not a query. */
export type StatementFacts = Pick<Facts, 'objects' | 'effect' | 'carriesQuery'>;

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
      return { objects: [target(cursor, session)], carriesQuery: hasWord(cursor, 'SELECT', 'FROM') };
    case 'DELETE':
      cursor.expect('FROM');
      return { objects: [target(cursor, session)], carriesQuery: hasWord(cursor, 'SELECT', 'USING') };
    case 'MERGE':
      return readMerge(cursor, session);
    case 'TRUNCATE':
      cursor.take('IF', 'EXISTS');
      return { objects: [target(cursor, session)] };
    case 'LOAD':
      return { objects: [target(cursor, session), ...stages(cursor, session)] };
    case 'UNLOAD':
      return readUnload(cursor, session);
    case 'COPY_FILES':
    case 'LIST':
    case 'REMOVE':
    case 'PUT':
    case 'GET':
      return { objects: stages(cursor, session) };
    case 'CALL':
      return readCall(cursor, session);
    case 'EXECUTE':
      return readExecute(head, cursor, session);
    case 'EXPLAIN':
      return { carriesQuery: true };
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
  return { objects, carriesQuery: hasWord(cursor, 'SELECT', 'TABLE', 'FROM') };
}

function readMerge(cursor: Cursor, session: SessionContext): Reading {
  cursor.expect('INTO');
  const objects = [target(cursor, session)];
  while (!cursor.done && !cursor.take('USING')) cursor.at += 1;
  if (isIdentifier(cursor.peek()) && !isSymbol(cursor.peek(1), '(')) objects.push(target(cursor, session));
  return { objects, carriesQuery: true };
}

function readUnload(cursor: Cursor, session: SessionContext): Reading {
  const objects = [...stages(cursor, session)];
  while (!cursor.done && !cursor.take('FROM')) cursor.at += 1;
  if (isIdentifier(cursor.peek())) objects.push(target(cursor, session));
  return { objects, carriesQuery: true };
}

/** Every stage the statement names, wherever it stands. */
function stages(cursor: Cursor, session: SessionContext): readonly ObjectName[] {
  return cursor.tokens.slice(cursor.at).flatMap((token) => {
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
  const objects = [...named(head.type, cursor, session)];
  if (head.verb === 'ALTER') objects.push(...otherNames(head.type, cursor, session));
  if (!head.verb.startsWith('C')) return { objects };
  if (head.type.level === 'object' || head.type.level === 'database')
    objects.push(...clonedNames(head.type, cursor, session));
  return CODE_TYPES.has(head.type.name) ? { objects, carriesQuery: true } : { objects };
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

// ---------------------------------------------------------------------------------------------- session

function readUse(head: StatementHead, cursor: Cursor): Reading {
  const what = USE_EFFECTS[head.class];
  if (what === undefined) unknownSyntax('USE of an unknown kind');
  const name = what === 'secondary-roles' ? nameList(cursor) : cursor.nameParts(what === 'schema' ? 2 : 1);
  cursor.expectEnd();
  return { effect: { kind: 'use', what, name } };
}

const USE_EFFECTS: Readonly<Record<string, Extract<SessionEffect, { kind: 'use' }>['what']>> = {
  USE_DATABASE: 'database',
  USE_SCHEMA: 'schema',
  USE_ROLE: 'role',
  USE_WAREHOUSE: 'warehouse',
  USE_SECONDARY_ROLES: 'secondary-roles',
};

function nameList(cursor: Cursor): readonly string[] {
  const names = [cursor.identifier().value];
  while (cursor.takeSymbol(',')) names.push(cursor.identifier().value);
  return names;
}

/** `SET name = expression`. Lists of variables are left alone: one statement, one effect. */
function readSet(cursor: Cursor): Reading {
  if (cursor.seesSymbol('(')) unsupported('SET of several variables');
  const name = cursor.identifier().value;
  cursor.expectSymbol('=');
  if (cursor.done) unknownSyntax('a value was expected');
  const rest = cursor.tokens.slice(cursor.at);
  return { effect: { kind: 'variable', name, literal: literalOf(rest) !== undefined } };
}

function readUnset(cursor: Cursor): Reading {
  if (cursor.seesSymbol('(')) unsupported('UNSET of several variables');
  const name = cursor.identifier().value;
  cursor.expectEnd();
  return { effect: { kind: 'variable', name, literal: true } };
}

function readTransaction(cursor: Cursor): Reading {
  const verb = cursor.tokens[0]?.value;
  if (verb === 'BEGIN') cursor.takeOne('WORK', 'TRANSACTION');
  else if (verb !== 'START') cursor.take('WORK');
  if ((verb === 'BEGIN' || verb === 'START') && cursor.take('NAME')) cursor.identifier();
  cursor.expectEnd();
  return { effect: { kind: 'transaction' } };
}

/** `ALTER SESSION SET p = v [[,] p = v]…` or `UNSET p [, p]…`. */
function readAlterSession(cursor: Cursor): Reading {
  if (cursor.take('UNSET')) {
    const unset = nameList(cursor).map((name) => name.toUpperCase());
    cursor.expectEnd();
    return { effect: { kind: 'alter-session', set: [], unset } };
  }
  cursor.expect('SET');
  const set: SessionParameter[] = [];
  do {
    const name = cursor.identifier().value.toUpperCase();
    cursor.expectSymbol('=');
    set.push({ name, value: parameterValue(cursor) });
    cursor.takeSymbol(',');
  } while (!cursor.done);
  return { effect: { kind: 'alter-session', set, unset: [] } };
}

function parameterValue(cursor: Cursor): string | undefined {
  const length = cursor.seesSymbol('-', '+') ? 2 : 1;
  const tokens = cursor.tokens.slice(cursor.at, cursor.at + length);
  const [token] = tokens;
  if (tokens.length < length || token === undefined) unknownSyntax('a value was expected');
  const isValue = length === 2 || ['string', 'dollar-string', 'number', 'word', 'variable'].includes(token.kind);
  if (!isValue) unknownSyntax('a value was expected');
  cursor.at += length;
  return literalOf(tokens);
}

/** The text of a literal that is the only thing there. */
function literalOf(tokens: readonly Token[]): string | undefined {
  const [first, second] = tokens;
  if (tokens.length === 2 && isSymbol(first, '-') && second?.kind === 'number') return `-${second.value}`;
  if (tokens.length === 2 && isSymbol(first, '+') && second?.kind === 'number') return second.value;
  if (tokens.length !== 1 || first === undefined) return undefined;
  if (first.kind === 'string' || first.kind === 'dollar-string') return stringValue(first);
  if (first.kind === 'number') return first.value;
  return isWord(first, 'TRUE', 'FALSE', 'NULL') ? first.value : undefined;
}
