import type { Catalog } from './catalog.js';
import { type Cell, cellText } from './columns.js';
import type { StatementResult } from './execution.js';
import { missingObject, SnowflakeFailure, syntaxError } from './failures.js';
import { isToken, quoteName, type Token } from './lexer.js';
import { completeSchema, readName } from './names.js';
import { type ParameterValue, setParameter, unsetParameter } from './parameters.js';
import type { Session } from './sessions.js';

/** USE DATABASE, SCHEMA, WAREHOUSE, ROLE, SECONDARY ROLES; returns the `statementTypeId` of that form. */
export async function useContext(
  tokens: readonly Token[],
  session: Session,
  catalog: Catalog,
): Promise<Pick<StatementResult, 'typeId'>> {
  const what = tokens[1]?.value ?? '';
  const known = ['DATABASE', 'SCHEMA', 'WAREHOUSE', 'ROLE', 'SECONDARY'].includes(what);
  const { parts } = readName(tokens, known ? 2 : 1);
  const [first] = parts;
  if (first === undefined) throw syntaxError(tokens[2]?.text ?? '<EOF>');
  switch (what) {
    case 'WAREHOUSE':
      if (!catalog.warehouses.has(first)) throw missingObject('Warehouse', first);
      session.warehouse = first;
      return { typeId: 17_155 };
    case 'ROLE':
      takeRole(session, first);
      return { typeId: 17_152 };
    case 'SECONDARY':
      return { typeId: 17_152 };
    case 'SCHEMA': {
      const { database, schema } = completeSchema(session, parts);
      await enterSchema(session, catalog, database, schema);
      return { typeId: 17_154 };
    }
    default:
      if (parts.length === 2) await enterSchema(session, catalog, first, parts[1]);
      else await enterSchema(session, catalog, first, undefined);
      return { typeId: 17_153 };
  }
}

/** @throws SnowflakeFailure if the user does not have the role. */
export function takeRole(session: Session, role: string): void {
  if (!session.roles.includes(role)) {
    throw new SnowflakeFailure(
      '003013',
      '42501',
      `SQL execution error:\nRequested role '${role}' is not assigned to the executing user. Specify another role to activate.`,
    );
  }
  session.role = role;
}

/** Makes a schema current, in the session and on its connection; without a schema PUBLIC if it exists. */
export async function enterSchema(
  session: Session,
  catalog: Catalog,
  database: string,
  schema: string | undefined,
): Promise<void> {
  catalog.checkDatabase(database);
  const target = schema ?? (catalog.hasSchema(database, 'PUBLIC') ? 'PUBLIC' : undefined);
  if (target !== undefined) catalog.checkSchema(database, target);
  await session.connection.run(`USE ${quoteName(database)}.${quoteName(target ?? 'main')}`);
  session.database = database;
  session.schema = target;
}

/** ALTER SESSION SET a = 1 b = 'x', and UNSET a, b. */
export function alterSession(tokens: readonly Token[], session: Session): void {
  const verb = tokens[2];
  if (isToken(verb, 'UNSET')) {
    for (const token of tokens.slice(3)) if (token.kind === 'word') unsetParameter(session.parameters, token.value);
    return;
  }
  if (!isToken(verb, 'SET')) throw syntaxError(verb?.text ?? '<EOF>');
  for (const [name, value] of readAssignments(tokens.slice(3))) setParameter(session.parameters, name, value);
}

/** SET x = 1, SET (x, y) = (1, 'a'), and SET x = (SELECT …) with the row the query gave. */
export function setVariables(tokens: readonly Token[], session: Session, row: readonly Cell[] | undefined): void {
  const equals = tokens.findIndex((token) => isToken(token, '='));
  const names = tokens.slice(1, equals).filter((token) => token.kind === 'word' || token.kind === 'quoted');
  if (row !== undefined) {
    for (const [index, name] of names.entries()) session.variables.set(name.value, cellText(row[index] ?? ''));
    return;
  }
  const values = tokens.slice(equals + 1).filter((token) => token.kind !== 'symbol' || token.text === '-');
  if (equals < 0 || names.length !== values.length) throw syntaxError(tokens[1]?.text ?? '<EOF>');
  for (const [index, name] of names.entries()) session.variables.set(name.value, toValue(values[index]));
}

/** UNSET x, y. */
export function unsetVariables(tokens: readonly Token[], session: Session): void {
  for (const token of tokens.slice(1)) session.variables.delete(token.value);
}

function readAssignments(tokens: readonly Token[]): readonly (readonly [string, ParameterValue])[] {
  const found: (readonly [string, ParameterValue])[] = [];
  const list = tokens.filter((token) => !isToken(token, ','));
  for (let at = 0; at < list.length; at += 3) {
    const name = list[at];
    if (name === undefined || !isToken(list[at + 1], '=')) throw syntaxError(name?.text ?? '<EOF>');
    found.push([name.value, toValue(list[at + 2])]);
  }
  return found;
}

function toValue(token: Token | undefined): ParameterValue {
  if (token === undefined) throw syntaxError('<EOF>');
  if (token.kind === 'number') return Number(token.value);
  if (token.kind === 'word' && (token.value === 'TRUE' || token.value === 'FALSE')) return token.value === 'TRUE';
  return token.value;
}
