import { createHash } from 'node:crypto';
import type { NoteSigner } from '@piste/verifier';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };
export type Fields = { [member: string]: Json };

export interface Item {
  leaf: Fields;
  bodies: Buffer[];
  /** Number and head of the strand stay as they are, right or wrong. */
  keepStrand?: boolean;
}

export interface Log {
  readonly ulid: string;
  readonly origin: string;
  groups: Item[][];
  /** Numbers of the groups before which a segment begins. */
  segments: Set<number>;
}

export interface Built {
  readonly log: Log;
  readonly vkey: string;
  readonly leaves: readonly Buffer[];
  readonly signer: NoteSigner;
}

export const sha256 = (...parts: readonly (Buffer | string)[]): Buffer => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
};
export const leafHash = (leaf: Buffer): Buffer => sha256(Buffer.of(0), leaf);

export function treeRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length <= 1) return leaves[0] ?? sha256();
  let left = 1;
  while (left * 2 < leaves.length) left *= 2;
  return sha256(Buffer.of(1), treeRoot(leaves.slice(0, left)), treeRoot(leaves.slice(left)));
}

/** Canonical JSON of values that have one: no fractions, no lone surrogates. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
}

/** Values that a member seldom expects. */
export const ODD: readonly Json[] = [
  null,
  true,
  0,
  1,
  -1,
  2,
  9007199254740991,
  -9007199254740991,
  '',
  'x',
  'é\u2028"\\/\u007f',
  '\u0001',
  '𝒳',
  [],
  {},
  [1],
  { a: 1 },
  'f'.repeat(64),
  'F'.repeat(64),
  'unknown',
  'observe',
  'strict',
  'x'.repeat(256),
  'x'.repeat(257),
  '𝒳'.repeat(129),
  '𝒳'.repeat(256),
  { __proto__x: 1 },
  JSON.parse('{"__proto__":1}') as Json,
  { constructor: 1 },
  nested(30),
  nested(31),
  nested(32),
  nested(33),
];

function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}
