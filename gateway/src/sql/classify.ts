import { Cursor } from './cursor.js';
import { metadataSurfaceOf } from './metadata-surfaces.js';
import { CREATE_MODIFIERS, DATA_TYPES, type ObjectType, typesBeginningWith } from './object-types.js';
import { isSymbol, isWord, type Token } from './tokens.js';

/** What the leading tokens of one statement say. */
export interface StatementHead {
  readonly class: string;
  readonly verb: string;
  readonly objectType: string | undefined;
  /** Present where the object type is one this room knows by name. */
  readonly type: ObjectType | undefined;
  /** Index of the first token after the words that made the class. */
  readonly next: number;
}

const UNKNOWN: StatementHead = { class: 'UNKNOWN', verb: 'UNKNOWN', objectType: undefined, type: undefined, next: 0 };

/** The class of one statement, from its leading tokens alone. An unknown beginning is the class UNKNOWN. */
export function classify(tokens: readonly Token[]): StatementHead {
  const first = tokens[0];
  if (isSymbol(first, '(')) return beginsQuery(tokens) ? simple('SELECT', 0) : UNKNOWN;
  if (first?.kind !== 'word') return UNKNOWN;
  return VERBS.get(first.value)?.(new Cursor(tokens, 1)) ?? UNKNOWN;
}

/** The verb a class begins with where nothing else is known of the statement. */
export function headOf(name: string): StatementHead {
  return simple(name, 0);
}

/** The statement behind `EXPLAIN [USING format]`. */
export function explainedTokens(head: StatementHead, tokens: readonly Token[]): readonly Token[] {
  const hasFormat = isWord(tokens[head.next], 'USING') && isWord(tokens[head.next + 1], 'TABULAR', 'JSON', 'TEXT');
  return tokens.slice(head.next + (hasFormat ? 2 : 0));
}

function simple(name: string, next: number, objectType?: string): StatementHead {
  return { class: name, verb: name, objectType, type: undefined, next };
}

type Reader = (cursor: Cursor) => StatementHead;

const as =
  (name: string): Reader =>
  (cursor) =>
    simple(name, cursor.at);

const VERBS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['SELECT', () => simple('SELECT', 0)],
  ['WITH', classifyWith],
  ['INSERT', (cursor) => simple(cursor.take('OVERWRITE') ? 'INSERT_OVERWRITE' : 'INSERT', cursor.at, 'TABLE')],
  ['UPDATE', (cursor) => simple('UPDATE', cursor.at, 'TABLE')],
  ['DELETE', (cursor) => simple('DELETE', cursor.at, 'TABLE')],
  ['MERGE', (cursor) => simple('MERGE', cursor.at, 'TABLE')],
  ['TRUNCATE', classifyTruncate],
  ['COPY', classifyCopy],
  ['CREATE', classifyCreate],
  ['ALTER', classifyAlter],
  ['DROP', (cursor) => withType('DROP', cursor)],
  ['UNDROP', (cursor) => withType('UNDROP', cursor)],
  ['GRANT', as('GRANT')],
  ['REVOKE', as('REVOKE')],
  ['CALL', as('CALL')],
  ['EXECUTE', classifyExecute],
  ['USE', classifyUse],
  ['SET', as('SET')],
  ['UNSET', as('UNSET')],
  ['SHOW', classifyShow],
  ['DESCRIBE', classifyDescribe],
  ['DESC', classifyDescribe],
  ['EXPLAIN', as('EXPLAIN')],
  ['LIST', (cursor) => simple('LIST', cursor.at, 'STAGE')],
  ['LS', (cursor) => simple('LIST', cursor.at, 'STAGE')],
  ['REMOVE', (cursor) => simple('REMOVE', cursor.at, 'STAGE')],
  ['RM', (cursor) => simple('REMOVE', cursor.at, 'STAGE')],
  ['PUT', (cursor) => simple('PUT', cursor.at, 'STAGE')],
  ['GET', (cursor) => simple('GET', cursor.at, 'STAGE')],
  ['COMMENT', classifyComment],
  ['BEGIN', as('TRANSACTION')],
  ['START', (cursor) => (cursor.take('TRANSACTION') ? simple('TRANSACTION', cursor.at) : UNKNOWN)],
  ['COMMIT', as('TRANSACTION')],
  ['ROLLBACK', as('TRANSACTION')],
]);

function beginsQuery(tokens: readonly Token[]): boolean {
  const inner = tokens.find((token) => !isSymbol(token, '('));
  return isWord(inner, 'SELECT', 'WITH', 'VALUES');
}

/** `WITH p AS PROCEDURE () … CALL p()` begins like a query and runs code. */
function classifyWith(cursor: Cursor): StatementHead {
  let depth = 0;
  for (const [index, token] of cursor.tokens.entries()) {
    if (isSymbol(token, '(')) depth += 1;
    else if (isSymbol(token, ')')) depth -= 1;
    const isProcedure = isWord(token, 'AS') && isWord(cursor.tokens[index + 1], 'PROCEDURE');
    if (depth === 0 && (isProcedure || isWord(token, 'CALL'))) return simple('CALL', cursor.tokens.length);
  }
  return simple('SELECT', 0);
}

function classifyTruncate(cursor: Cursor): StatementHead {
  cursor.take('MATERIALIZED');
  const view = cursor.take('VIEW');
  if (!view) cursor.take('TABLE');
  return simple('TRUNCATE', cursor.at, view ? 'MATERIALIZED_VIEW' : 'TABLE');
}

function classifyCopy(cursor: Cursor): StatementHead {
  if (cursor.take('FILES', 'INTO')) return simple('COPY_FILES', cursor.at, 'STAGE');
  if (!cursor.take('INTO')) return UNKNOWN;
  const target = cursor.peek();
  if (target?.kind === 'stage') return simple('UNLOAD', cursor.at, 'STAGE');
  // A URL or the quoted form of a stage: rows leave towards it.
  if (target?.kind === 'string' || target?.kind === 'dollar-string') return simple('UNLOAD', cursor.at, 'STAGE');
  return simple('LOAD', cursor.at, 'TABLE');
}

function classifyCreate(cursor: Cursor): StatementHead {
  const replace = cursor.take('OR', 'REPLACE');
  const alter = !replace && cursor.take('OR', 'ALTER');
  const verb = replace ? 'CREATE_OR_REPLACE' : alter ? 'CREATE_OR_ALTER' : 'CREATE';
  const type = takeTypeAfterModifiers(cursor);
  if (type === undefined) return UNKNOWN;
  const isData = DATA_TYPES.has(type.name);
  if (verb === 'CREATE' && type.name === 'TABLE' && isFollowedByQuery(cursor)) {
    return { class: 'CTAS', verb: 'CTAS', objectType: type.name, type, next: cursor.at };
  }
  const prefix = alter || (replace && isData) ? verb : 'CREATE';
  return { class: `${prefix}_${type.name}`, verb, objectType: type.name, type, next: cursor.at };
}

function takeTypeAfterModifiers(cursor: Cursor): ObjectType | undefined {
  for (;;) {
    const type = takeType(cursor);
    if (type !== undefined) return type;
    if (cursor.takeOne(...CREATE_MODIFIERS) === undefined) return undefined;
  }
}

function takeType(cursor: Cursor): ObjectType | undefined {
  const first = cursor.peek();
  if (first?.kind !== 'word') return undefined;
  return typesBeginningWith(first.value).find((type) => cursor.take(...type.words));
}

/** `AS` outside brackets and a query behind it. */
function isFollowedByQuery(cursor: Cursor): boolean {
  const ahead = new Cursor(cursor.tokens, cursor.at);
  while (!ahead.done) {
    if (ahead.seesSymbol('(', '[', '{')) ahead.skipBracket();
    else if (ahead.take('AS')) {
      if (ahead.seesSymbol('(') || isWord(ahead.peek(), 'SELECT', 'WITH', 'VALUES')) return true;
    } else ahead.at += 1;
  }
  return false;
}

function classifyAlter(cursor: Cursor): StatementHead {
  const type = takeType(cursor);
  if (type !== undefined) {
    return { class: `ALTER_${type.name}`, verb: 'ALTER', objectType: type.name, type, next: cursor.at };
  }
  if (!cursor.take('SESSION')) return UNKNOWN;
  return { class: 'ALTER_SESSION', verb: 'ALTER', objectType: 'SESSION', type: undefined, next: cursor.at };
}

function withType(verb: string, cursor: Cursor): StatementHead {
  const type = takeType(cursor);
  if (type === undefined) return UNKNOWN;
  return { class: `${verb}_${type.name}`, verb, objectType: type.name, type, next: cursor.at };
}

function classifyExecute(cursor: Cursor): StatementHead {
  const what = ['IMMEDIATE', 'TASK', 'ALERT', 'NOTEBOOK', 'SERVICE'].find((word) => cursor.take(word));
  if (what !== undefined) return execute(what, cursor);
  if (cursor.take('JOB', 'SERVICE')) return execute('JOB_SERVICE', cursor);
  if (cursor.take('MANAGED', 'TASK')) return execute('TASK', cursor);
  if (cursor.take('DBT', 'PROJECT')) return execute('DBT_PROJECT', cursor);
  return UNKNOWN;
}

function execute(what: string, cursor: Cursor): StatementHead {
  const objectType = what === 'IMMEDIATE' ? undefined : what;
  return { class: `EXECUTE_${what}`, verb: 'EXECUTE', objectType, type: undefined, next: cursor.at };
}

function classifyUse(cursor: Cursor): StatementHead {
  if (cursor.take('SECONDARY', 'ROLES')) return use('SECONDARY_ROLES', 'ROLE', cursor);
  const what = cursor.takeOne('ROLE', 'WAREHOUSE', 'DATABASE', 'SCHEMA');
  if (what !== undefined) return use(what, what, cursor);
  // `USE name` means a database, `USE database.schema` a schema.
  const bare = isSymbol(cursor.peek(1), '.') ? 'SCHEMA' : 'DATABASE';
  return cursor.done ? UNKNOWN : use(bare, bare, cursor);
}

function use(what: string, objectType: string, cursor: Cursor): StatementHead {
  return { class: `USE_${what}`, verb: 'USE', objectType, type: undefined, next: cursor.at };
}

function classifyShow(cursor: Cursor): StatementHead {
  const known = metadataSurfaceOf('SHOW', leadingWords(cursor))?.objectType;
  cursor.take('TERSE');
  return simple('SHOW', cursor.at, known ?? shownType(cursor));
}

const METADATA_WORDS = 5;

function leadingWords(cursor: Cursor): readonly string[] {
  const words: string[] = [];
  for (let ahead = 0; ahead < METADATA_WORDS; ahead += 1) {
    const token = cursor.peek(ahead);
    if (token?.kind !== 'word') break;
    words.push(token.value);
  }
  return words;
}

/** SHOW names types in the plural. */
function shownType(cursor: Cursor): string | undefined {
  const words: string[] = [];
  for (let ahead = 0; ahead < 3; ahead += 1) {
    const token = cursor.peek(ahead);
    if (token?.kind !== 'word') return undefined;
    words.push(singular(token.value));
    const wanted = words.join(' ');
    const type = typesBeginningWith(words[0] ?? '').find((entry) => entry.words.join(' ') === wanted);
    if (type !== undefined && token.value !== singular(token.value)) return type.name;
  }
  return undefined;
}

const singular = (word: string): string => word.replace(/IES$/, 'Y').replace(/(?<=[^S])S$/, '');

function classifyDescribe(cursor: Cursor): StatementHead {
  if (cursor.done) return UNKNOWN;
  const known = metadataSurfaceOf('DESCRIBE', leadingWords(cursor))?.objectType;
  const type = takeType(cursor);
  return { class: 'DESCRIBE', verb: 'DESCRIBE', objectType: type?.name ?? known, type, next: cursor.at };
}

function classifyComment(cursor: Cursor): StatementHead {
  cursor.take('IF', 'EXISTS');
  if (!cursor.take('ON')) return UNKNOWN;
  const type = takeType(cursor);
  return { class: 'COMMENT', verb: 'COMMENT', objectType: type?.name ?? cursor.peek()?.value, type, next: cursor.at };
}
