import { createCipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  type AgeRecipient,
  blindTag,
  encodeFields,
  GCM_TAG_BYTES,
  keyName,
  MAX_BODY_PART_BYTES,
  type PartStore,
  sha256,
  wrapSecret,
} from '@piste/verifier';
import { type FileOps, writeFully } from './file-ops.js';

const KEY_BYTES = 32;
const KEY_CHECK = 'piste key check v1';
const NONCE_BYTES = 12;
const COUNTER_OFFSET = 4;
/** Keys in memory at once; the one that was made first is forgotten, and another made when its session goes on. */
const MAX_LIVE_KEYS = 65_536;

/** A key that was made and is not yet written down. */
export interface FreshKey {
  /** Canonical JSON: fields of its `key` record. */
  readonly fields: string;
}

interface LiveKey {
  readonly number: number;
  /** Stands beside it in its file. */
  readonly blind: Buffer;
  /** As an object: given as bytes, it is made ready anew for every part. */
  readonly secret: KeyObject;
  counter: number;
}

/** Session keys of one writer: made when first needed, wrapped to the recipients, forgotten when the session ends. */
export interface BodyKeys {
  /**
   * Makes the session's key if it has none beside this blind; its record must then stand before what is encrypted with the key or has its
   * digests under the blind.
   */
  prepare(sessionId: string | undefined, blind: Uint8Array): FreshKey | undefined;
  /** Encrypts parts with the session's key. `taken` says that what was encrypted will be written. */
  partsOf(sessionId: string | undefined): { readonly parts: PartStore; taken(): void };
  forget(sessionId: string | undefined): void;
  /** Makes the files of the keys made since the last call durable; before the commit over their records. */
  flush(): void;
  close(): void;
}

export interface BodyKeysDeps {
  readonly origin: string;
  /** The log's directory. */
  readonly directory: string;
  readonly files: FileOps;
  /** At least one. */
  readonly recipients: readonly AgeRecipient[];
}

/** Makes the directory of the keys, durably. */
export function createBodyKeys({ origin, directory, files, recipients }: BodyKeysDeps): BodyKeys {
  const keysDirectory = join(directory, 'keys');
  files.makeDirectory(keysDirectory);
  files.syncDirectory(directory);
  const live = new Map<string | undefined, LiveKey>();
  let unwritten: { readonly path: string; readonly wrapped: Buffer }[] = [];
  let nextNumber = 0;

  function forget(sessionId: string | undefined): void {
    // Its memory is cleared when the object is collected.
    live.delete(sessionId);
  }

  function keyOf(sessionId: string | undefined): LiveKey {
    const key = live.get(sessionId);
    if (key === undefined) throw new Error('the session has no key');
    return key;
  }

  return {
    prepare(sessionId, blind) {
      const known = live.get(sessionId);
      if (known?.blind.equals(blind) === true) return undefined;
      const bytes = randomBytes(KEY_BYTES);
      const both = Buffer.concat([bytes, blind]);
      const key = { number: nextNumber, secret: createSecretKey(bytes), blind: Buffer.from(blind), counter: 0 };
      const wrapped = wrapSecret(both, recipients);
      const check = createHmac('sha256', both).update(KEY_CHECK).digest('hex');
      bytes.fill(0);
      both.fill(0);
      nextNumber += 1;
      live.delete(sessionId);
      live.set(sessionId, key);
      if (live.size > MAX_LIVE_KEYS) forget(live.keys().next().value);
      unwritten.push({ path: join(directory, keyName(key.number)), wrapped });
      const fields = encodeFields({
        n: key.number,
        wrapped: sha256(wrapped).toString('hex'),
        recipients: recipients.map(({ text }) => text),
        check,
        blind: blindTag(blind),
      });
      return { fields };
    },
    partsOf(sessionId) {
      const key = keyOf(sessionId);
      let { counter } = key;
      const parts: PartStore = {
        partBytes: MAX_BODY_PART_BYTES - GCM_TAG_BYTES,
        store(name, part, plain) {
          const additional = Buffer.from(`piste body v1\n${origin}\n${name}\n${part}`, 'utf8');
          const pieces = encrypt(key.secret, { counter, additional, plain });
          const seal = { key: key.number, counter, plainLength: plain.byteLength };
          counter += 1;
          return { pieces, seal };
        },
      };
      return {
        parts,
        taken() {
          key.counter = counter;
        },
      };
    },
    forget,
    flush() {
      if (unwritten.length === 0) return;
      for (const { path, wrapped } of unwritten) {
        const file = files.createFile(path);
        writeFully(file, [wrapped], 0);
        file.close();
      }
      files.syncDirectory(keysDirectory);
      unwritten = [];
    },
    close() {
      live.clear();
    },
  };
}

interface PlainPart {
  readonly counter: number;
  readonly additional: Buffer;
  readonly plain: Uint8Array;
}

/** AES-256-GCM: ciphertext, tag. A counter whose ciphertext was never written may be taken again. */
function encrypt(key: KeyObject, { counter, additional, plain }: PlainPart): readonly Buffer[] {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(counter), COUNTER_OFFSET);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(additional);
  const ciphertext = cipher.update(plain);
  // In this mode nothing is left for the end.
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}
