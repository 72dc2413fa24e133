import type { EntryValue } from '../format/entry.js';
import type { Leaf } from '../format/leaf.js';
import { Break } from './break.js';

const HEX_DIGEST = /^[0-9a-f]{64}$/;

/** A `key` record: one session key of a writer. */
export interface KeyRecord {
  /** Of the key in its log. */
  readonly number: number;
  /** Of the record. */
  readonly index: number;
  /** The session whose bodies it encrypts; undefined for bodies without a session. */
  readonly sessionId: string | undefined;
  /** SHA-256 (hex) of the age file. */
  readonly wrapped: string;
  /** HMAC-SHA256 (hex) of `piste key check v1` under the file's 64 bytes. */
  readonly check: string;
  /** Names the blind in the file. */
  readonly blind: string;
}

export interface KeyRules {
  readonly keys: readonly KeyRecord[];
  /** Gives the key whose blind covers the record's digests, if any. Throws `Break` for a record no correct writer makes. */
  check(leaf: Leaf, place: { readonly index: number; readonly offset: number }): KeyRecord | undefined;
}

/**
 * Creates the checks of one log's keys: numbered densely, named before use, used by one session, no counter twice. Of a part of a
 * log, only that numbers grow: the keys between are other sessions'.
 */
export function createKeyRules(isPart = false): KeyRules {
  const keys: KeyRecord[] = [];
  const counters: number[] = [];
  const newest = new Map<string | undefined, KeyRecord>();
  return {
    keys,
    check(leaf, { index, offset }) {
      if (leaf.kind === 'key') {
        const key = readKey(leaf, index);
        const number = leaf.fields['n'];
        const isNext = number === keys.length || (isPart && typeof number === 'number' && number > keys.length);
        if (key === undefined || !isNext)
          throw new Break('bad-key', 'a key record is not the next key of its log', offset);
        keys[number] = key;
        newest.set(key.sessionId, key);
        counters[number] = 0;
      }
      for (const { seal } of leaf.parts) {
        if (seal === undefined) continue;
        const key = keys[seal.key];
        if (key === undefined)
          throw new Break('key-unknown', 'a body names a key that no record before it made', offset);
        if (key.sessionId !== leaf.strand?.sessionId)
          throw new Break('key-of-other-session', "a body is encrypted with another session's key", offset);
        if (seal.counter !== counters[seal.key])
          throw new Break('bad-counter', 'a counter of a key is skipped or used twice', offset);
        counters[seal.key] = seal.counter + 1;
      }
      return newest.get(leaf.strand?.sessionId);
    },
  };
}

function readKey({ fields, strand }: Leaf, index: number): KeyRecord | undefined {
  const { n, wrapped, check, blind, recipients } = fields;
  if (typeof n !== 'number' || !isDigest(wrapped) || !isDigest(check) || !isDigest(blind)) return undefined;
  if (!Array.isArray(recipients) || recipients.length === 0) return undefined;
  if (!recipients.every((recipient) => typeof recipient === 'string')) return undefined;
  return { number: n, index, sessionId: strand?.sessionId, wrapped, check, blind };
}

function isDigest(value: EntryValue | undefined): value is string {
  return typeof value === 'string' && HEX_DIGEST.test(value);
}
