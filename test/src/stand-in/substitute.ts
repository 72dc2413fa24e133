import type { Catalog } from './catalog.js';
import type { Table } from './columns.js';
import { SnowflakeFailure, syntaxError } from './failures.js';
import type { HistoryEntry } from './history.js';
import { accountQueryHistory, queryHistory, readHistoryCall } from './history-views.js';
import { accountTagReferences, informationSchema, madeViews, tagReferences } from './information-schema.js';
import { isToken, lex, made, type Token } from './lexer.js';
import { completeName, nameKey, readName } from './names.js';
import type { StandInUser } from './options.js';
import type { Session } from './sessions.js';

/** What a statement is told about its surroundings. */
export type Surroundings = {
  readonly session: Session;
  readonly catalog: Catalog;
  readonly account: string;
  readonly queryId: string;
  readonly users: readonly StandInUser[];
  /** Every statement that arrived so far. */
  readonly history: () => readonly HistoryEntry[];
  readonly nowMs: number;
  /** Makes the result of an earlier query readable and returns its DuckDB name. */
  readonly scanResult: (queryId: string) => Promise<string>;
  /** Makes a table of the account's metadata readable under a name of the session and returns its DuckDB name. */
  readonly metadata: (name: string, rows: () => Promise<Table>) => Promise<string>;
};

/** A statement with everything the session knows written into it. */
export type Substituted = {
  readonly tokens: readonly Token[];
  /** Sum of its SYSTEM$WAIT calls. */
  readonly waitMilliseconds: number;
  /** Names of its binds, in order of first use; `?` counts from 1. */
  readonly bindNames: readonly string[];
};

/** The identifier that stands for a bind through the translation. */
export function bindMark(index: number): string {
  return `STANDIN_BIND_${index}`;
}

/** Replaces `$variables` and `IDENTIFIER(..)`; runs before the columns are named, as Snowflake expands them too. */
export function expandVariables(tokens: readonly Token[], session: Session): readonly Token[] {
  const expanded = tokens.map((token) => {
    if (token.kind !== 'variable' || /^\d+$/.test(token.value)) return token;
    const value = session.variables.get(token.value);
    if (value === undefined) {
      throw new SnowflakeFailure(
        '000904',
        '42000',
        `SQL compilation error: error line 1 at position 0\nSession variable '$${token.value}' does not exist`,
      );
    }
    return made(typeof value === 'string' ? 'string' : 'number', String(value), token.spaced);
  });
  const result: Token[] = [];
  for (let at = 0; at < expanded.length; at += 1) {
    const token = expanded[at];
    const argument = expanded[at + 2];
    if (
      token !== undefined &&
      isToken(token, 'IDENTIFIER') &&
      isToken(expanded[at + 1], '(') &&
      argument?.kind === 'string'
    ) {
      if (!isToken(expanded[at + 3], ')')) throw syntaxError('IDENTIFIER');
      result.push(
        ...lex(argument.value).map((part, index) => (index === 0 ? { ...part, spaced: token.spaced } : part)),
      );
      at += 3;
    } else if (token !== undefined) result.push(token);
  }
  return result;
}

/** Replaces context functions, binds, result scans, INFORMATION_SCHEMA and temporary tables. */
export async function substitute(tokens: readonly Token[], around: Surroundings): Promise<Substituted> {
  const result: Token[] = [];
  const bindNames: string[] = [];
  let waitMilliseconds = 0;
  let at = 0;
  while (at < tokens.length) {
    const token = tokens[at];
    if (token === undefined) break;
    const call = readCall(tokens, at);
    if (token.kind === 'bind') {
      result.push(made('word', bindMark(bindIndex(token, bindNames)), token.spaced));
      at += 1;
    } else if (isToken(token, 'TABLE') && isToken(tokens[at + 2], 'RESULT_SCAN')) {
      const scan = readCall(tokens, at + 2);
      const queryId = await resultScanId(scan?.args ?? [], around.session);
      result.push(made('word', await around.scanResult(queryId), token.spaced));
      at = (scan?.next ?? at) + 1;
    } else if (isToken(token, 'TABLE') && isToken(tokens[at + 1], '(') && readTagCall(tokens, at + 2) !== undefined) {
      const tagged = readTagCall(tokens, at + 2);
      const name = completeName(around.session, readName(lex(tagged?.object ?? ''), 0).parts);
      const rows = async () => await tagReferences(name, around.session, around.catalog);
      result.push(made('word', await around.metadata(`TAGS ${nameKey(name)}`, rows), token.spaced));
      at = (tagged?.next ?? at) + 1;
    } else if (
      isToken(token, 'TABLE') &&
      isToken(tokens[at + 1], '(') &&
      readHistoryCall(tokens, at + 2) !== undefined
    ) {
      const asked = readHistoryCall(tokens, at + 2);
      if (asked === undefined) break;
      const rows = async () =>
        await Promise.resolve(queryHistory(asked, around.history(), around.session, around.nowMs));
      result.push(made('word', await around.metadata(`HISTORY ${at}`, rows), token.spaced));
      at = asked.next + 1;
    } else if (call !== undefined && call.name === 'SYSTEM$WAIT') {
      const wait = readWait(call.args);
      waitMilliseconds += wait;
      result.push(made('string', `waited ${wait / 1000} seconds`, token.spaced));
      at = call.next;
    } else if (call !== undefined && contextValue(call.name, call.args, around) !== undefined) {
      result.push(literal(contextValue(call.name, call.args, around) ?? null, token.spaced));
      at = call.next;
    } else if (isToken(token, 'CURRENT_USER') && !isToken(tokens[at - 1], '.')) {
      result.push(made('string', around.session.user, token.spaced));
      at += 1;
    } else if (token.kind === 'word' && moments[token.value] !== undefined && !isToken(tokens[at - 1], '.')) {
      result.push(made('word', moments[token.value] ?? '', token.spaced));
      at = call?.next ?? at + 1;
    } else if (isName(token) && !isToken(tokens[at - 1], '.')) {
      const name = readName(tokens, at);
      const replaced =
        (await replaceMetadata(name.parts, token.spaced, around)) ?? replaceName(name.parts, token.spaced, around);
      result.push(...(replaced ?? tokens.slice(at, name.next)));
      at = name.next;
    } else {
      result.push(token);
      at += 1;
    }
  }
  return { tokens: result, waitMilliseconds, bindNames };
}

const moments: Readonly<Record<string, string>> = {
  CURRENT_TIMESTAMP: 'SF_NOW()',
  SYSTIMESTAMP: 'SF_NOW()',
  GETDATE: 'SF_NOW()',
  LOCALTIMESTAMP: 'SF_NOW()',
  CURRENT_DATE: 'CAST(SF_NOW() AS DATE)',
  CURRENT_TIME: 'CAST(CAST(SF_NOW() AS TIMESTAMP) AS TIME)',
};

function isName(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'quoted';
}

function bindIndex(token: Token, names: string[]): number {
  if (token.value === '') {
    names.push(String(names.length + 1));
    return names.length;
  }
  const known = names.indexOf(token.value);
  if (known >= 0) return known + 1;
  return names.push(token.value);
}

type Call = { readonly name: string; readonly args: readonly Token[]; readonly next: number };

function readCall(tokens: readonly Token[], at: number): Call | undefined {
  const token = tokens[at];
  if (token?.kind !== 'word' || !isToken(tokens[at + 1], '(') || isToken(tokens[at - 1], '.')) return undefined;
  let depth = 0;
  for (let end = at + 1; end < tokens.length; end += 1) {
    if (isToken(tokens[end], '(')) depth += 1;
    if (isToken(tokens[end], ')')) depth -= 1;
    if (depth === 0) return { name: token.value, args: tokens.slice(at + 2, end), next: end + 1 };
  }
  return undefined;
}

function readWait(args: readonly Token[]): number {
  const amount = Number(args[0]?.value);
  const unit = args[2]?.value.toUpperCase() ?? 'SECONDS';
  const factor = ({ MILLISECONDS: 1, SECONDS: 1000, MINUTES: 60_000 } as Readonly<Record<string, number>>)[unit];
  if (!Number.isFinite(amount) || factor === undefined) throw syntaxError('SYSTEM$WAIT');
  return amount * factor;
}

async function resultScanId(args: readonly Token[], session: Session): Promise<string> {
  const [first] = args;
  if (first?.kind === 'string' && args.length === 1) return first.value;
  const call = readCall(args, 0);
  if (call?.name === 'LAST_QUERY_ID') return lastQueryId(session, call.args);
  throw syntaxError('RESULT_SCAN');
}

/** LAST_QUERY_ID() is the statement before this one; -2 the one before that; 1 the first of the session. */
function lastQueryId(session: Session, args: readonly Token[]): string {
  const offset = args.length === 0 ? -1 : Number(args.map((token) => token.value).join(''));
  const earlier = session.queryIds.slice(0, -1);
  return (offset < 0 ? earlier.at(offset) : earlier[offset - 1]) ?? '';
}

function contextValue(name: string, args: readonly Token[], around: Surroundings): string | null | undefined {
  const { session } = around;
  switch (name) {
    case 'CURRENT_DATABASE':
      return session.database ?? null;
    case 'CURRENT_SCHEMA':
      return session.schema ?? null;
    case 'CURRENT_SCHEMAS':
      return session.database === undefined ? '[]' : JSON.stringify([`${session.database}.${session.schema ?? ''}`]);
    case 'CURRENT_WAREHOUSE':
      return session.warehouse ?? null;
    case 'CURRENT_ROLE':
      return session.role;
    case 'CURRENT_AVAILABLE_ROLES':
      return JSON.stringify(session.roles);
    case 'CURRENT_SECONDARY_ROLES':
      return '{"roles":"","value":""}';
    case 'CURRENT_USER':
      return session.user;
    case 'CURRENT_ACCOUNT':
    case 'CURRENT_ACCOUNT_NAME':
      return around.account;
    case 'CURRENT_ORGANIZATION_NAME':
      return 'EXAMPLE';
    case 'CURRENT_REGION':
      return 'AWS_EU_CENTRAL_1';
    case 'CURRENT_SESSION':
      return String(session.id);
    case 'CURRENT_VERSION':
      return '9.40.0';
    case 'CURRENT_CLIENT':
      return `${session.clientApp} ${session.clientVersion}`;
    case 'CURRENT_STATEMENT':
      return null;
    case 'CURRENT_TRANSACTION':
      return session.inTransaction ? '1' : null;
    case 'LAST_QUERY_ID':
      return lastQueryId(session, args);
    default:
      return undefined;
  }
}

function literal(value: string | null, spaced: boolean): Token {
  return value === null ? made('word', 'CAST(NULL AS VARCHAR)', spaced) : made('string', value, spaced);
}

/** `database.INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS('object', 'table')` */
function readTagCall(
  tokens: readonly Token[],
  at: number,
): { readonly object: string; readonly next: number } | undefined {
  const { parts, next } = readName(tokens, at);
  const object = tokens[next + 1];
  const isCall =
    parts.at(-1) === 'TAG_REFERENCES_ALL_COLUMNS' && isToken(tokens[next], '(') && isToken(tokens[next + 4], ')');
  if (!isCall || object?.kind !== 'string' || tokens[next + 3]?.value.toUpperCase() !== 'TABLE') return undefined;
  return { object: object.value, next: next + 5 };
}

async function replaceMetadata(
  parts: readonly string[],
  spaced: boolean,
  around: Surroundings,
): Promise<readonly Token[] | undefined> {
  const { session, catalog } = around;
  if (parts.join('.') === 'SNOWFLAKE.ACCOUNT_USAGE.TAG_REFERENCES') {
    const rows = async () => await Promise.resolve(accountTagReferences(session));
    return [made('word', await around.metadata('ACCOUNT TAGS', rows), spaced)];
  }
  if (parts.join('.') === 'SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY') {
    const rows = async () => await Promise.resolve(accountQueryHistory(around.history()));
    return [made('word', await around.metadata('ACCOUNT HISTORY', rows), spaced)];
  }
  const view = madeViews.find((name) => name === parts.at(-1));
  const database = parts.length === 3 ? parts[0] : session.database;
  if (view === undefined || database === undefined || parts.length > 3 || parts.at(-2) !== 'INFORMATION_SCHEMA')
    return undefined;
  const rows = async () => await informationSchema(view, database, session, catalog);
  return [made('word', await around.metadata(`INFORMATION_SCHEMA ${database} ${view}`, rows), spaced)];
}

function replaceName(parts: readonly string[], spaced: boolean, around: Surroundings): readonly Token[] | undefined {
  const { session, catalog } = around;
  const schemaAt = parts[0] === 'INFORMATION_SCHEMA' ? 0 : parts[1] === 'INFORMATION_SCHEMA' ? 1 : -1;
  if (schemaAt >= 0 && parts.length === schemaAt + 2) {
    const database = schemaAt === 0 ? session.database : parts[0];
    if (database === undefined)
      throw new SnowflakeFailure(
        '090105',
        '22000',
        'Cannot perform SELECT. This session does not have a current database.',
      );
    return [made('word', catalog.informationView(database, parts[schemaAt + 1] ?? ''), spaced)];
  }
  if (parts.length < 2 || session.temporaryTables.size === 0) return undefined;
  for (const length of [3, 2]) {
    const key = length === 3 ? parts.slice(0, 3).join('.') : [session.database, ...parts.slice(0, 2)].join('.');
    const bare = parts.length >= length ? session.temporaryTables.get(key) : undefined;
    if (bare !== undefined) {
      const rest = parts.slice(length).flatMap((part) => [made('symbol', '.', false), made('quoted', part, false)]);
      return [made('quoted', bare, spaced), ...rest];
    }
  }
  return undefined;
}
