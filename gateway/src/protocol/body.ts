import { gunzip } from 'node:zlib';
import { errorCode } from '../errors.js';
import { isDeeperThan, isJsonObject, type JsonObject, parseJson } from './json.js';

/** A request body as an object, or why it is none. */
export type DecodedBody =
  | { readonly ok: true; readonly value: JsonObject }
  | {
      readonly ok: false;
      readonly why: 'too-large' | 'not-gzip' | 'not-utf8' | 'not-json' | 'not-an-object' | 'too-deep';
    };

/** Drivers nest less than ten levels. */
const MAX_LEVELS = 64;
const GZIP_MAGIC_0 = 0x1f;
const GZIP_MAGIC_1 = 0x8b;

/** True when the bytes start like gzip: Python compresses every body, not all clients say so in a header. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === GZIP_MAGIC_0 && bytes[1] === GZIP_MAGIC_1;
}

/**
 * Decompresses with a bound on the output, so that a small bomb cannot fill the memory.
 * Resolves with undefined when the bytes are not gzip, with `too-large` past the bound.
 */
export function inflate(bytes: Uint8Array, maxBytes: number): Promise<Buffer | 'too-large' | undefined> {
  return new Promise((resolve) => {
    gunzip(bytes, { maxOutputLength: maxBytes }, (error, result) => {
      if (error === null) resolve(result);
      else resolve(errorCode(error) === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : undefined);
    });
  });
}

/** Bytes of a driver's request → JSON object. An empty body is an empty object, as heartbeats have none. */
export async function decodeBody(bytes: Uint8Array, maxBytes: number): Promise<DecodedBody> {
  if (bytes.length > maxBytes) return { ok: false, why: 'too-large' };
  let plain = bytes;
  if (isGzip(bytes)) {
    const inflated = await inflate(bytes, maxBytes);
    if (inflated === 'too-large') return { ok: false, why: 'too-large' };
    if (inflated === undefined) return { ok: false, why: 'not-gzip' };
    plain = inflated;
  }
  if (plain.length === 0) return { ok: true, value: {} };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch {
    return { ok: false, why: 'not-utf8' };
  }
  const value = parseJson(text);
  if (value === undefined) return { ok: false, why: 'not-json' };
  if (!isJsonObject(value)) return { ok: false, why: 'not-an-object' };
  return isDeeperThan(value, MAX_LEVELS) ? { ok: false, why: 'too-deep' } : { ok: true, value };
}

/** What `decodeBody` refused, in words for PISTE-1103. */
export const BODY_COMPLAINTS = {
  'too-large': 'the body is too large',
  'not-gzip': 'the body starts like gzip and is not',
  'not-utf8': 'the body is not UTF-8',
  'not-json': 'the body is not JSON',
  'not-an-object': 'the body is not a JSON object',
  'too-deep': 'the body is nested too deeply',
} as const;
