import { isJsonObject, type Json, type JsonObject, parseJson, stringifyJson } from '../protocol/index.js';
import type { Session } from '../session/index.js';
import type { SessionEffect } from '../sql/index.js';

/** What the client set for its session. */
export function sessionParameters({ parameters }: Pick<Session, 'parameters'>): JsonObject {
  const value = parseJson(parameters);
  if (!isJsonObject(value)) throw new TypeError('the parameters of a session are a JSON object');
  return value;
}

/** `Session.parameters` after a statement that succeeded. */
export function parametersAfter(session: Pick<Session, 'parameters'>, effect: SessionEffect | undefined): string {
  if (effect?.kind !== 'alter-session') return session.parameters;
  const after = new Map<string, Json>(Object.entries(sessionParameters(session)));
  for (const { name, value } of effect.set) after.set(name, value ?? null);
  for (const name of effect.unset) after.delete(name);
  return stringifyJson(Object.fromEntries(after));
}
