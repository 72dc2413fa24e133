import { encodeCanonical, parseCanonicalObject } from './canonical-json.js';
import { type EntryBody, type EntryKind, type EntryValue, isEntryKind } from './entry.js';
import { MAX_BODY_PART_BYTES, MAX_ENTRY_BYTES } from './frame.js';
import { sha256 } from './merkle.js';

/** One stored part of a body, as its entry names it. */
export interface BodyPart {
  readonly name: string;
  readonly part: number;
  /** SHA-256 (hex) of the stored bytes. */
  readonly digest: string;
  /** Stored bytes. */
  readonly length: number;
  /** Present where the stored bytes are encrypted. */
  readonly seal?: PartSeal;
}

/** What it takes, beside the key, to decrypt a part: docs/recording-format.md, "Encryption". */
export interface PartSeal {
  /** Number of the key within this writer. */
  readonly key: number;
  /** Nonce of this part; never used twice with one key. */
  readonly counter: number;
  /** Bytes of the plaintext. */
  readonly plainLength: number;
}

/** Where another writer's strand of the same session stood. */
export interface StrandLink {
  readonly origin: string;
  readonly number: number;
  /** Hex. */
  readonly leafHash: string;
}

/** Where a record stands in its session's strand of this writer. */
export interface StrandPlace {
  readonly sessionId: string;
  /** Dense from 0. */
  readonly number: number;
  /** Leaf hash (hex) of the strand's previous record; undefined for the first. */
  readonly previous: string | undefined;
  /** Only with number 0: what was known of the session's strands in other writers' logs. */
  readonly links?: readonly StrandLink[] | 'unknown';
}

/** A leaf, read back. */
export interface Leaf {
  readonly kind: EntryKind;
  /** Wall clock of the writer, milliseconds, never decreasing within a writer. */
  readonly timeMs: number;
  /** Monotonic clock, microseconds since the writer started. */
  readonly monotonicMicros: number;
  readonly strand: StrandPlace | undefined;
  /** Names the statement a permit covered (`hashStatement`); only where the record is what let it run. */
  readonly statementHash: string | undefined;
  readonly parts: readonly BodyPart[];
  /** Everything that is not the log's own. */
  readonly fields: Readonly<Record<string, EntryValue>>;
}

export interface LeafPlace {
  readonly timeMs: number;
  readonly monotonicMicros: number;
  readonly strand: StrandPlace | undefined;
  readonly statementHash: string | undefined;
}

const BODY_NAME = /^[a-z][a-z0-9_]{0,63}$/;
const HEX_DIGEST = /^[0-9a-f]{64}$/;
const MAX_SESSION_ID_CHARACTERS = 256;
/** Behind the ciphertext of every encrypted part. */
export const GCM_TAG_BYTES = 16;

/** How the parts of a record's bodies are stored. */
export interface PartStore {
  /** Plaintext bytes of a full part. */
  readonly partBytes: number;
  store(name: string, part: number, plain: Uint8Array): StoredBytes;
}

interface StoredBytes {
  /** The stored bytes, one after the other. */
  readonly pieces: readonly Uint8Array[];
  readonly seal?: PartSeal;
}

/** Bodies as they are. */
export const RAW_PARTS: PartStore = Object.freeze({
  partBytes: MAX_BODY_PART_BYTES,
  store: (_name: string, _part: number, plain: Uint8Array) => ({ pieces: [plain] }),
});

/** A part and the bytes that stand in its frame, one after the other. */
export interface StoredPart {
  readonly part: BodyPart;
  readonly pieces: readonly Uint8Array[];
}

/** Cuts an entry's bodies into the parts that are stored before it. Throws `TypeError` for a bad or repeated name. */
export function cutBodies(bodies: readonly EntryBody[], parts: PartStore): readonly StoredPart[] {
  const names = new Set<string>();
  const stored: StoredPart[] = [];
  for (const { name, bytes } of bodies) {
    if (!BODY_NAME.test(name) || names.has(name))
      throw new TypeError('body names are short lower-case words, each used once');
    names.add(name);
    const count = Math.max(1, Math.ceil(bytes.byteLength / parts.partBytes));
    for (let part = 0; part < count; part += 1) {
      const plain = count === 1 ? bytes : bytes.subarray(part * parts.partBytes, (part + 1) * parts.partBytes);
      stored.push(toStoredPart(name, part, parts.store(name, part, plain)));
    }
  }
  return stored;
}

function toStoredPart(name: string, part: number, { pieces, seal }: StoredBytes): StoredPart {
  const digest = sha256(...pieces).toString('hex');
  const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  return { part: { name, part, digest, length, ...(seal !== undefined && { seal }) }, pieces };
}

/** The canonical JSON of a record's own fields, as `encodeLeaf` takes it. Throws `TypeError` for what has none. */
export function encodeFields(fields: Readonly<Record<string, EntryValue>>): string {
  // One level is the leaf around them.
  return encodeCanonical([fields]).slice(1, -1);
}

/** What a record says, with its fields encoded already. */
export interface LeafContent {
  readonly kind: EntryKind;
  /** What `encodeFields` gave. */
  readonly fields: string;
}

/** The leaf's bytes. Throws `TypeError` for what the canonical encoder refuses, `RangeError` when too large. */
export function encodeLeaf(content: LeafContent, place: LeafPlace, parts: readonly BodyPart[]): Buffer {
  const { strand, statementHash, monotonicMicros, timeMs } = place;
  // Written member by member, in the order of the keys: a general encoder takes several times as long.
  let text = '{';
  if (parts.length > 0) text += `"b":[${parts.map(encodePart).join(',')}],`;
  if (content.fields !== '{}') text += `"f":${content.fields},`;
  text += `"k":${encodeCanonical(content.kind)},`;
  if (strand?.links !== undefined) text += `"ln":${encodeCanonical(encodeLinks(strand.links))},`;
  text += `"m":${monotonicMicros},`;
  if (strand !== undefined) text += encodeStrand(strand);
  if (statementHash !== undefined) text += `"st":"${statementHash}",`;
  text += `"t":${timeMs},"v":1}`;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.byteLength > MAX_ENTRY_BYTES) throw new RangeError('entry larger than 65535 bytes');
  return bytes;
}

function encodeStrand({ sessionId, number, previous }: StrandPlace): string {
  if (sessionId.length === 0 || sessionId.length > MAX_SESSION_ID_CHARACTERS) throw new TypeError('bad session id');
  const sp = previous === undefined ? '' : `"sp":"${previous}",`;
  return `"sid":${encodeCanonical(sessionId)},${sp}"ss":${number},`;
}

function encodeLinks(links: readonly StrandLink[] | 'unknown'): EntryValue {
  if (links === 'unknown') return links;
  return links.map(({ origin, number, leafHash }) => [origin, number, leafHash]);
}

function encodePart({ name, part, digest, length, seal }: BodyPart): string {
  return seal === undefined
    ? `{"d":"${digest}","enc":"raw","len":${length},"n":"${name}","p":${part}}`
    : `{"c":${seal.counter},"d":"${digest}","enc":"gcm","key":${seal.key},"len":${length},"n":"${name}",` +
        `"o":${seal.plainLength},"p":${part}}`;
}

/** Reads a leaf's bytes; undefined unless they are exactly what `encodeLeaf` would have written. */
export function parseLeaf(bytes: Uint8Array): Leaf | undefined {
  const object = parseCanonicalObject(bytes);
  if (object === undefined) return undefined;
  const { v, k, t, m, sid, ss, sp, ln, b, st, f, ...rest } = object;
  if (v !== 1 || !isEntryKind(k) || !isCount(t) || !isCount(m) || Object.keys(rest).length > 0) return undefined;
  const fields = parseFields(f);
  if (st !== undefined && !isHexDigest(st)) return undefined;
  const strand = parseStrand(sid, ss, sp, ln);
  const parts = parseParts(b);
  if (strand === 'malformed' || parts === undefined || fields === undefined) return undefined;
  return { kind: k, timeMs: t, monotonicMicros: m, strand, statementHash: st, parts, fields };
}

function parseFields(f: EntryValue | undefined): Leaf['fields'] | undefined {
  if (f === undefined) return {};
  if (typeof f !== 'object' || f === null || Array.isArray(f) || Object.keys(f).length === 0) return undefined;
  return f as Leaf['fields'];
}

function isCount(value: EntryValue | undefined): value is number {
  return typeof value === 'number' && value >= 0;
}

function isHexDigest(value: EntryValue | undefined): value is string {
  return typeof value === 'string' && HEX_DIGEST.test(value);
}

function parseStrand(
  sid: EntryValue | undefined,
  ss: EntryValue | undefined,
  sp: EntryValue | undefined,
  ln: EntryValue | undefined,
): StrandPlace | undefined | 'malformed' {
  if (sid === undefined && ss === undefined && sp === undefined && ln === undefined) return undefined;
  if (typeof sid !== 'string' || sid === '' || sid.length > MAX_SESSION_ID_CHARACTERS || !isCount(ss))
    return 'malformed';
  if (ss > 0) return isHexDigest(sp) && ln === undefined ? { sessionId: sid, number: ss, previous: sp } : 'malformed';
  if (sp !== undefined) return 'malformed';
  const first = { sessionId: sid, number: ss, previous: undefined };
  if (ln === undefined) return first;
  const links = parseLinks(ln);
  return links === undefined ? 'malformed' : { ...first, links };
}

function parseLinks(list: EntryValue): readonly StrandLink[] | 'unknown' | undefined {
  if (list === 'unknown') return list;
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const links: StrandLink[] = [];
  for (const item of list as readonly EntryValue[]) {
    if (!Array.isArray(item) || item.length !== 3) return undefined;
    const [origin, number, leafHash] = item as readonly EntryValue[];
    if (typeof origin !== 'string' || !isCount(number) || !isHexDigest(leafHash)) return undefined;
    links.push({ origin, number, leafHash });
  }
  return links;
}

function parseParts(list: EntryValue | undefined): readonly BodyPart[] | undefined {
  if (list === undefined) return [];
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const parts: BodyPart[] = [];
  const seen = new Set<string>();
  for (const item of list as readonly EntryValue[]) {
    const part = parsePart(item);
    if (part === undefined) return undefined;
    const before = parts.at(-1);
    if (part.part === 0 ? seen.has(part.name) : !continues(before, part)) return undefined;
    seen.add(part.name);
    parts.push(part);
  }
  return parts;
}

/** A further part follows a full part of the same body directly. */
function continues(before: BodyPart | undefined, part: BodyPart): boolean {
  return (
    before?.name === part.name &&
    before.part + 1 === part.part &&
    before.length === MAX_BODY_PART_BYTES &&
    part.length > 0
  );
}

function parsePart(item: EntryValue): BodyPart | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined;
  const { n, p, d, len, enc, key, c, o, ...rest } = item as { readonly [key: string]: EntryValue };
  if (Object.keys(rest).length > 0) return undefined;
  if (typeof n !== 'string' || !BODY_NAME.test(n) || !isCount(p) || !isHexDigest(d) || !isCount(len)) return undefined;
  if (len > MAX_BODY_PART_BYTES) return undefined;
  const part = { name: n, part: p, digest: d, length: len };
  if (enc === 'raw') return key === undefined && c === undefined && o === undefined ? part : undefined;
  if (enc !== 'gcm' || !isCount(key) || !isCount(c) || !isCount(o) || o + GCM_TAG_BYTES !== len) return undefined;
  return { ...part, seal: { key, counter: c, plainLength: o } };
}
