/**
 * JSON without loss: integers beyond 2^53 and long decimals keep their digits. `JSON.parse` hands the source text of each
 * number to the reviver; a number whose text would change is kept as raw JSON and written back digit for digit.
 */

declare const rawJsonBrand: unique symbol;

/** A number kept as its own text. `JSON.stringify` writes it back unchanged. */
export interface RawNumber {
  readonly [rawJsonBrand]: true;
  readonly rawJSON: string;
}

export type Json = string | number | boolean | null | RawNumber | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

interface SourceJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}

const sourceJson = JSON as unknown as SourceJson;

/**
 * Finds every number `JSON.parse` could change: -0, one with a fraction or an exponent, or one of 16 digits and more. A
 * number stands after a bracket, a colon, a comma or white space, or at the start; the like inside a string only costs time.
 */
const MAY_LOSE_DIGITS = /(?:^|[[:,\s])(?:-0|-?\d{16}|-?\d+[.eE])/;

/** Parses JSON text, or returns undefined when it is not JSON. Never throws. */
export function parseJson(text: string): Json | undefined {
  try {
    // A reviver makes parsing many times slower and most texts do not need one.
    if (!MAY_LOSE_DIGITS.test(text)) return JSON.parse(text) as Json;
    return sourceJson.parse(text, (_key, value, context) => {
      if (typeof value !== 'number' || context.source === undefined) return value;
      return String(value) === context.source ? value : sourceJson.rawJSON(context.source);
    }) as Json;
  } catch {
    return undefined;
  }
}

/** True when lists and objects lie in each other beyond `levels`: writing such a value back would exhaust the stack. */
export function isDeeperThan(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: Json) => isDeeperThan(inner, levels - 1));
}

/** JSON text of a value; the inverse of `parseJson`. */
export function stringifyJson(value: Json): string {
  return JSON.stringify(value);
}

/** True for `{…}` values, false for arrays, raw numbers and everything else. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !sourceJson.isRawJSON(value);
}

/** The string at `key`, or undefined when it is anything else. */
export function textAt(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === 'string' ? value : undefined;
}

/** The number at `key` as a JavaScript number (digits beyond 2^53 are lost), or undefined. */
export function numberAt(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  if (typeof value === 'number') return value;
  return sourceJson.isRawJSON(value) ? Number(value.rawJSON) : undefined;
}

/** The object at `key`, or undefined. */
export function objectAt(object: JsonObject, key: string): JsonObject | undefined {
  const value = object[key];
  return isJsonObject(value) ? value : undefined;
}

/** The array at `key`, or undefined. */
export function arrayAt(object: JsonObject, key: string): readonly Json[] | undefined {
  const value = object[key];
  return Array.isArray(value) ? (value as readonly Json[]) : undefined;
}
