import type { StatementHead } from './classify.js';
import type { Cursor } from './cursor.js';
import type { SessionEffect, SessionParameter } from './facts.js';
import { unknownSyntax } from './refusal.js';
import { isSymbol, isWord, stringValue, type Token } from './tokens.js';

/** What a statement changes in the session. Each reader stands behind the words that made the statement's class. */
interface Effect {
  readonly effect: SessionEffect;
}

export function readUse(head: StatementHead, cursor: Cursor): Effect {
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

/** `SET name = expression` or `SET (a, b) = (…)`. */
export function readSet(cursor: Cursor): Effect {
  const names = variableNames(cursor);
  cursor.expectSymbol('=');
  if (cursor.done) unknownSyntax('a value was expected');
  const values = cursor.tokens.slice(cursor.at);
  const literal = names.length === 1 ? literalOf(values) !== undefined : areLiterals(values, names.length);
  // Whether something computed depends on columns is not known before its names are resolved.
  const sources = literal ? [] : undefined;
  const variables = names.map((name) => ({ name, change: 'set', sources }) as const);
  return { effect: { kind: 'variable', literal, variables } };
}

/** `UNSET name` or `UNSET (a, b)`. */
export function readUnset(cursor: Cursor): Effect {
  const variables = variableNames(cursor).map((name) => ({ name, change: 'unset', sources: [] }) as const);
  cursor.expectEnd();
  return { effect: { kind: 'variable', literal: true, variables } };
}

function variableNames(cursor: Cursor): readonly string[] {
  if (!cursor.takeSymbol('(')) return [cursor.identifier().value];
  const names = nameList(cursor);
  cursor.expectSymbol(')');
  if (new Set(names).size < names.length) unknownSyntax('a variable is named twice');
  return names;
}

/** `(literal, …)` of that many. */
function areLiterals(tokens: readonly Token[], count: number): boolean {
  if (!isSymbol(tokens[0], '(') || !isSymbol(tokens.at(-1), ')')) return false;
  const values: Token[][] = [[]];
  for (const token of tokens.slice(1, -1)) {
    if (isSymbol(token, ',')) values.push([]);
    else values.at(-1)?.push(token);
  }
  return values.length === count && values.every((value) => literalOf(value) !== undefined);
}

export function readTransaction(cursor: Cursor): Effect {
  const verb = cursor.tokens[0]?.value;
  if (verb === 'BEGIN') cursor.takeOne('WORK', 'TRANSACTION');
  else if (verb !== 'START') cursor.take('WORK');
  if ((verb === 'BEGIN' || verb === 'START') && cursor.take('NAME')) cursor.identifier();
  cursor.expectEnd();
  return { effect: { kind: 'transaction' } };
}

/** `ALTER SESSION SET p = v [[,] p = v]…` or `UNSET p [, p]…`. */
export function readAlterSession(cursor: Cursor): Effect {
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
