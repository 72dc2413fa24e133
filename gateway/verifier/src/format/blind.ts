import { platform } from '../platform/index.js';
import type { EntryValue } from './entry.js';

/** Bytes of a blind; they stand behind a body key in its age file. */
export const BLIND_BYTES = 32;

/** What a digest is of, as it is blinded: docs/recording-format.md, "Blind digests". */
export type BlindedMember = 'st' | 'hash' | 'txt' | 'out' | 'in' | 'shown' | 'digest';

type Fields = Readonly<Record<string, EntryValue>>;

const TAG_TEXT = Buffer.from('piste blind v1', 'utf8');
const DIGEST = /^[0-9a-f]{64}$/;
/** Members of `f` that are digests of texts or answers. */
const PLAIN_MEMBERS: readonly (readonly [string, BlindedMember])[] = [
  ['hash', 'hash'],
  ['bindingHash', 'hash'],
  ['txt', 'txt'],
  ['shownDigest', 'shown'],
  ['digest', 'digest'],
];
/** Members of `f` whose `sha` is one. */
const NESTED_MEMBERS = ['out', 'in'] as const;

/** The form a record's digests have: as they are without one, else under a blind that the log's keys hold. */
export interface Blind {
  /** Names the blind, and tells nothing of it. */
  readonly tag: string;
  /** Undefined where the keys to it are not here. */
  readonly secret: Uint8Array | undefined;
}

/** Names a blind in public (hex): equal for equal blinds. */
export function blindTag(secret: Uint8Array): string {
  return platform.hmacSha256(secret, TAG_TEXT).toString('hex');
}

/** A digest (hex) as it stands under a blind. */
export function blindDigest(secret: Uint8Array, member: BlindedMember, digest: string): string {
  const message = Buffer.concat([Buffer.from(`piste ${member} v1\n`, 'utf8'), Buffer.from(digest, 'hex')]);
  return platform.hmacSha256(secret, message).toString('hex');
}

/** A digest (hex) in the form a record has; undefined where that cannot be told without its keys. */
export function digestIn(blind: Blind | undefined, member: BlindedMember, digest: string): string | undefined {
  if (blind === undefined) return digest;
  return blind.secret === undefined ? undefined : blindDigest(blind.secret, member, digest);
}

/** The fields with every digest of a text or an answer under the blind; the same object where there is none. */
export function blindFields(fields: Fields, secret: Uint8Array): Fields {
  const changed: Record<string, EntryValue> = {};
  for (const [name, member] of PLAIN_MEMBERS) {
    const digest = fields[name];
    if (isDigest(digest)) changed[name] = blindDigest(secret, member, digest);
  }
  for (const member of NESTED_MEMBERS) {
    const outer = fields[member];
    if (isObject(outer) && isDigest(outer['sha']))
      changed[member] = { ...outer, sha: blindDigest(secret, member, outer['sha']) };
  }
  return Object.keys(changed).length === 0 ? fields : { ...fields, ...changed };
}

function isDigest(value: EntryValue | undefined): value is string {
  return typeof value === 'string' && DIGEST.test(value);
}

function isObject(value: EntryValue | undefined): value is { readonly [member: string]: EntryValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
