import type { ObjectType, StatementType } from '@piste/crds';
import type { Analysis, ObjectName } from '../sql/facts.js';
import { showObject } from './patterns.js';

/** What kind of thing a statement does, as far as decisions differ. Closed; anything not listed is `other`. */
export type ClassGroup =
  | 'select'
  | 'show'
  | 'describe'
  | 'use'
  | 'alter-session'
  | 'transaction'
  | 'variable'
  | 'file-transfer'
  | 'row-change'
  | 'definition'
  | 'grant'
  | 'load'
  | 'unload'
  | 'copying'
  | 'opaque'
  | 'stage-files'
  | 'explain'
  | 'other';

const BY_CLASS: Readonly<Record<string, ClassGroup>> = {
  SELECT: 'select',
  SHOW: 'show',
  DESCRIBE: 'describe',
  ALTER_SESSION: 'alter-session',
  TRANSACTION: 'transaction',
  SET: 'variable',
  UNSET: 'variable',
  PUT: 'file-transfer',
  GET: 'file-transfer',
  INSERT: 'row-change',
  INSERT_OVERWRITE: 'row-change',
  UPDATE: 'row-change',
  DELETE: 'row-change',
  MERGE: 'row-change',
  TRUNCATE: 'row-change',
  GRANT: 'grant',
  REVOKE: 'grant',
  LOAD: 'load',
  UNLOAD: 'unload',
  CTAS: 'copying',
  CALL: 'opaque',
  EXECUTE_IMMEDIATE: 'opaque',
  EXECUTE_TASK: 'opaque',
  LIST: 'stage-files',
  REMOVE: 'stage-files',
  EXPLAIN: 'explain',
};

const BY_VERB: Readonly<Record<string, ClassGroup>> = {
  USE: 'use',
  SHOW: 'show',
  DESCRIBE: 'describe',
  CREATE: 'definition',
  CREATE_OR_REPLACE: 'definition',
  CREATE_OR_ALTER: 'definition',
  ALTER: 'definition',
  DROP: 'definition',
  UNDROP: 'definition',
  COMMENT: 'definition',
  EXECUTE: 'opaque',
  CALL: 'opaque',
};

/** The group of a statement, from its class and verb. */
export function classGroup(statement: Pick<Analysis, 'class' | 'verb'>): ClassGroup {
  return lookUp(BY_CLASS, statement.class) ?? lookUp(BY_VERB, statement.verb) ?? 'other';
}

function lookUp<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Groups that concern nothing but the caller's own session: they neither read nor change data. */
export function isSessionGroup(group: ClassGroup): boolean {
  return group === 'use' || group === 'alter-session' || group === 'transaction' || group === 'variable';
}

const TYPES_BY_CLASS: Readonly<Record<string, readonly StatementType[]>> = {
  SELECT: ['Select'],
  INSERT: ['Insert'],
  INSERT_OVERWRITE: ['InsertOverwrite', 'Insert'],
  UPDATE: ['Update'],
  DELETE: ['Delete'],
  MERGE: ['Merge'],
  LOAD: ['Load'],
  UNLOAD: ['Unload'],
  CTAS: ['CreateTableAsSelect', 'Create'],
  TRUNCATE: ['Truncate'],
  GRANT: ['Grant'],
  REVOKE: ['Revoke'],
  CALL: ['Call'],
  SET: ['Set'],
  UNSET: ['Unset'],
  ALTER_SESSION: ['Set'],
  SHOW: ['Show'],
  DESCRIBE: ['Describe'],
  EXPLAIN: ['Explain'],
  LIST: ['List'],
  PUT: ['Put'],
  GET: ['Get'],
  REMOVE: ['Remove'],
  TRANSACTION: ['Transaction'],
};

const TYPES_BY_VERB: Readonly<Record<string, readonly StatementType[]>> = {
  CREATE: ['Create'],
  CREATE_OR_REPLACE: ['CreateOrReplace', 'Create'],
  CREATE_OR_ALTER: ['Create', 'Alter'],
  ALTER: ['Alter'],
  DROP: ['Drop'],
  UNDROP: ['Undrop'],
  COMMENT: ['Comment'],
  EXECUTE: ['Execute'],
  USE: ['Use'],
  SHOW: ['Show'],
  DESCRIBE: ['Describe'],
  CALL: ['Call'],
};

/**
 * The words of the ApprovalRule schema that fit a statement; several may. A rule on `Create` also meets
 * `CREATE OR REPLACE` and `CREATE TABLE … AS`; ALTER SESSION counts as `Set`. Empty for classes without a word.
 */
export function statementTypes(statement: Analysis): readonly StatementType[] {
  const types = lookUp(TYPES_BY_CLASS, statement.class) ?? lookUp(TYPES_BY_VERB, statement.verb) ?? [];
  return statement.read ? types : [...types, 'Unread'];
}

const OBJECT_TYPE_BY_WORD: Readonly<Record<string, ObjectType>> = {
  DATABASE: 'Database',
  SCHEMA: 'Schema',
  TABLE: 'Table',
  VIEW: 'View',
  STAGE: 'Stage',
  FUNCTION: 'Function',
  PROCEDURE: 'Procedure',
  USER: 'User',
  ROLE: 'Role',
  WAREHOUSE: 'Warehouse',
  INTEGRATION: 'Integration',
  SHARE: 'Share',
  TASK: 'Task',
  STREAM: 'Stream',
  PIPE: 'Pipe',
  POLICY: 'Policy',
};

/** The schema's word for what a statement acts on: by the last word of the type, so `EXTERNAL_TABLE` is `Table`. */
export function objectTypeOf(objectType: string | undefined): ObjectType | undefined {
  if (objectType === undefined) return undefined;
  const last = objectType.split('_').at(-1) ?? '';
  return lookUp(OBJECT_TYPE_BY_WORD, last) ?? lookUp(OBJECT_TYPE_BY_WORD, last.replace(/S$/, '')) ?? 'Other';
}

const MAX_OBJECTS_SHOWN = 3;

/** Classes whose names say nothing to their author. */
const PLAIN_WORDS: Readonly<Record<string, string>> = {
  EMPTY: 'an empty text',
  FLOW: 'a chain of statements',
  MULTI: 'several statements',
  SCRIPT: 'a script',
  UNKNOWN: 'an unknown statement',
};

/** A phrase for people: `DROP DATABASE on CRM`. Holds names of objects, never literals. */
export function explainClass(statement: { readonly class: string; readonly objects: readonly ObjectName[] }): string {
  const words = PLAIN_WORDS[statement.class] ?? statement.class.replaceAll('_', ' ');
  const names = statement.objects.map(showObject).filter((name) => name !== '');
  if (names.length === 0) return words;
  const shown = names.slice(0, MAX_OBJECTS_SHOWN).join(', ');
  const more = names.length - MAX_OBJECTS_SHOWN;
  return `${words} on ${shown}${more > 0 ? ` and ${more} more` : ''}`;
}
