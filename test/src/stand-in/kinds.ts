import { isToken, type Token } from './lexer.js';

/** What a statement is, as far as the stand-in treats it differently. */
export type StatementKind =
  | 'select'
  | 'insert'
  | 'update'
  | 'delete'
  | 'merge'
  | 'truncate'
  | 'copy-into-table'
  | 'unload'
  | 'list'
  | 'remove'
  | 'put'
  | 'get'
  | 'use'
  | 'alter-session'
  | 'set'
  | 'unset'
  | 'show'
  | 'describe'
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'grant'
  | 'call'
  | 'execute-immediate'
  | 'explain'
  | 'ddl'
  | 'unknown';

/** `statementTypeId` per kind (protocol notes 4.3). */
export const statementTypeIds: Readonly<Record<StatementKind, number>> = {
  select: 4096,
  insert: 12_544,
  update: 12_800,
  delete: 13_056,
  merge: 13_312,
  truncate: 24_576,
  'copy-into-table': 13_824,
  unload: 14_080,
  list: 18_177,
  remove: 28_931,
  put: 28_930,
  get: 28_929,
  use: 17_152,
  'alter-session': 16_640,
  set: 16_384,
  unset: 16_384,
  show: 17_408,
  describe: 17_664,
  begin: 20_480,
  commit: 20_480,
  rollback: 20_480,
  grant: 24_576,
  call: 4096,
  'execute-immediate': 4096,
  explain: 4096,
  ddl: 24_576,
  unknown: 4096,
};

/** The parent of several statements in one request. */
export const multiStatementTypeId = 40_960;

const byFirstWord: Readonly<Record<string, StatementKind>> = {
  SELECT: 'select',
  WITH: 'select',
  VALUES: 'select',
  INSERT: 'insert',
  UPDATE: 'update',
  DELETE: 'delete',
  MERGE: 'merge',
  TRUNCATE: 'truncate',
  LIST: 'list',
  LS: 'list',
  REMOVE: 'remove',
  RM: 'remove',
  PUT: 'put',
  GET: 'get',
  USE: 'use',
  SET: 'set',
  UNSET: 'unset',
  SHOW: 'show',
  DESCRIBE: 'describe',
  DESC: 'describe',
  BEGIN: 'begin',
  START: 'begin',
  COMMIT: 'commit',
  ROLLBACK: 'rollback',
  GRANT: 'grant',
  REVOKE: 'grant',
  CALL: 'call',
  EXPLAIN: 'explain',
  CREATE: 'ddl',
  DROP: 'ddl',
  ALTER: 'ddl',
  COMMENT: 'ddl',
  UNDROP: 'ddl',
};

/** Classifies a statement by its leading tokens. */
export function kindOf(tokens: readonly Token[]): StatementKind {
  const first = tokens.find((token) => !isToken(token, '('));
  if (first?.kind !== 'word') return 'unknown';
  if (first.value === 'ALTER' && isToken(tokens[1], 'SESSION')) return 'alter-session';
  if (first.value === 'EXECUTE' && isToken(tokens[1], 'IMMEDIATE')) return 'execute-immediate';
  if (first.value === 'COPY') return tokens[2]?.kind === 'stage' ? 'unload' : 'copy-into-table';
  return byFirstWord[first.value] ?? 'unknown';
}
