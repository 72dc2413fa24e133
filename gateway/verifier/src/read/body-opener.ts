import { BLIND_BYTES, type Blind, blindTag } from '../format/blind.js';
import type { BodyPart } from '../format/leaf.js';
import { sha256 } from '../format/merkle.js';
import { platform } from '../platform/index.js';
import type { GroupRecord } from './group-reader.js';
import type { KeyRecord } from './key-rules.js';
import type { LogFiles } from './log-files.js';

/** Unwraps a session key: takes an age file, gives the 64 bytes in it, or undefined when it is for somebody else. */
export type OpenKey = (wrapped: Uint8Array) => Promise<Uint8Array | undefined>;

/** Why a body's text is not known: no key for it, its file is not here, or the key does not open it. */
export type UnreadReason = 'encrypted' | 'missing' | 'undecryptable';

/** What a record's bodies say. */
export interface OpenedBodies {
  /** Whole plain texts by name. */
  readonly bodies: ReadonlyMap<string, Buffer>;
  /** The record has these, and they could not be read. */
  readonly unread: ReadonlyMap<string, UnreadReason>;
}

const NOTHING: OpenedBodies = Object.freeze({ bodies: new Map(), unread: new Map() });
const KEY_CHECK = Buffer.from('piste key check v1', 'utf8');
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const COUNTER_OFFSET = 4;

/** Joins, and where it has the keys decrypts, the bodies of one log's records. */
export interface BodyOpener {
  open(record: GroupRecord): OpenedBodies | Promise<OpenedBodies>;
  /** The blind that stands beside a key, as far as it can be read. */
  blindOf(key: KeyRecord): Blind | Promise<Blind>;
}

export interface BodyOpenerDeps {
  readonly files: LogFiles;
  readonly origin: () => string;
  readonly keys: readonly KeyRecord[];
  readonly openKey: OpenKey | undefined;
}

/** What an age file holds. */
interface Secrets {
  readonly key: Uint8Array;
  readonly blind: Uint8Array;
}

export function createBodyOpener({ files, origin, keys, openKey }: BodyOpenerDeps): BodyOpener {
  const opened = new Map<number, Promise<Secrets | undefined>>();
  const blinds = new Map<number, Blind>();

  async function load(number: number): Promise<Secrets | undefined> {
    const file = files.keys.get(number);
    const record = keys[number];
    if (openKey === undefined || file === undefined || record === undefined) return undefined;
    const wrapped = await files.source.read(file.path, 0, file.size);
    if (sha256(wrapped).toString('hex') !== record.wrapped) return undefined;
    const both = await openKey(wrapped);
    if (both?.byteLength !== KEY_BYTES + BLIND_BYTES) return undefined;
    if (platform.hmacSha256(both, KEY_CHECK).toString('hex') !== record.check) return undefined;
    const blind = both.subarray(KEY_BYTES);
    return blindTag(blind) === record.blind ? { key: both.subarray(0, KEY_BYTES), blind } : undefined;
  }

  function secretsOf(number: number): Promise<Secrets | undefined> {
    const known = opened.get(number) ?? load(number);
    opened.set(number, known);
    return known;
  }

  async function decrypt(record: GroupRecord): Promise<OpenedBodies> {
    const pieces = new Map<string, Uint8Array[]>();
    const unread = new Map<string, UnreadReason>();
    for (const [index, part] of record.leaf.parts.entries()) {
      const stored = record.stored[index];
      if (stored === undefined) continue;
      const plain = await openPart(part, stored);
      if (typeof plain === 'string') unread.set(part.name, plain);
      else addPiece(pieces, part.name, plain);
    }
    const whole = [...pieces].filter(([name]) => !unread.has(name));
    return { bodies: new Map(whole.map(([name, list]) => [name, Buffer.concat(list)])), unread };
  }

  async function openPart({ name, part, seal }: BodyPart, stored: Buffer): Promise<Uint8Array | UnreadReason> {
    if (seal === undefined) return stored;
    const secrets = await secretsOf(seal.key);
    if (secrets === undefined) return 'encrypted';
    const nonce = new Uint8Array(NONCE_BYTES);
    new DataView(nonce.buffer).setBigUint64(COUNTER_OFFSET, BigInt(seal.counter));
    const additional = Buffer.from(`piste body v1\n${origin()}\n${name}\n${part}`, 'utf8');
    return platform.openAesGcm(secrets.key, { nonce, additional, bytes: stored }) ?? 'undecryptable';
  }

  async function readBlind({ number, blind: tag }: KeyRecord): Promise<Blind> {
    const blind = { tag, secret: (await secretsOf(number))?.blind };
    blinds.set(number, blind);
    return blind;
  }

  return {
    blindOf(key) {
      const read = blinds.get(key.number);
      if (read !== undefined) return read;
      if (openKey !== undefined) return readBlind(key);
      const blind = { tag: key.blind, secret: undefined };
      blinds.set(key.number, blind);
      return blind;
    },
    open(record) {
      const { parts } = record.leaf;
      if (parts.length === 0) return NOTHING;
      if (record.bodiesMissing) {
        return { bodies: NOTHING.bodies, unread: new Map(parts.map(({ name }) => [name, 'missing'])) };
      }
      return parts.some(({ seal }) => seal !== undefined) ? decrypt(record) : joinPlain(record);
    },
  };
}

function joinPlain({ leaf, stored }: GroupRecord): OpenedBodies {
  const pieces = new Map<string, Uint8Array[]>();
  for (const [index, { name }] of leaf.parts.entries()) {
    const bytes = stored[index];
    if (bytes !== undefined) addPiece(pieces, name, bytes);
  }
  if (pieces.size === 0) return NOTHING;
  return { bodies: new Map([...pieces].map(([name, list]) => [name, Buffer.concat(list)])), unread: NOTHING.unread };
}

function addPiece(pieces: Map<string, Uint8Array[]>, name: string, bytes: Uint8Array): void {
  const list = pieces.get(name);
  if (list === undefined) pieces.set(name, [bytes]);
  else list.push(bytes);
}
