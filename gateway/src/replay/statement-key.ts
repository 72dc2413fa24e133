import { isJsonObject, type Json, type JsonObject, stringifyJson } from '../protocol/index.js';
import { readStatement } from '../sql/index.js';

/** What makes a statement of the recording and one of a replay the same. */
export interface KeyedStatement {
  readonly describeOnly: boolean;
  /** As submitted. */
  readonly sqlText: string;
  readonly bindings: JsonObject | undefined;
}

/**
 * Equal for statements that are the same but for comments, white space between tokens and the order of their binds. A text
 * that cannot be read as one statement counts as it is, without white space around it.
 */
export function statementKey({ describeOnly, sqlText, bindings }: KeyedStatement): string {
  const text = readStatement(sqlText).canonicalText ?? sqlText.trim();
  return JSON.stringify([describeOnly, text, bindings === undefined ? null : stringifyJson(inOrder(bindings))]);
}

function inOrder(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(inOrder);
  if (!isJsonObject(value)) return value;
  const sorted = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, member]) => [name, inOrder(member)]));
}
