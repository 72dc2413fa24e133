import { encodeCanonical, parseCanonicalObject } from './canonical-json.js';
import { type Entry, type EntryBody, type EntryKind, type EntryValue, isEntryKind } from './entry.js';
import { MAX_BODY_PART_BYTES, MAX_ENTRY_BYTES } from './frame.js';
import { sha256 } from './merkle.js';

/** One stored part of a body, as its entry names it. */
export interface BodyPart {
  readonly name: string;
  readonly part: number;
  /** SHA-256 (hex) of the stored bytes. */
  readonly digest: string;
  readonly length: number;
}

/** Where a record stands in its session's strand of this writer. */
export interface StrandPlace {
  readonly sessionId: string;
  /** Dense from 0. */
  readonly number: number;
  /** Leaf hash (hex) of the strand's previous record; undefined for the first. */
  readonly previous: string | undefined;
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

/** Cuts an entry's bodies into the parts that are stored before it. Throws `TypeError` for a bad or repeated name. */
export function cutBodies(
  bodies: readonly EntryBody[],
): readonly { readonly part: BodyPart; readonly bytes: Uint8Array }[] {
  const names = new Set<string>();
  return bodies.flatMap(({ name, bytes }) => {
    if (!BODY_NAME.test(name) || names.has(name))
      throw new TypeError('body names are short lower-case words, each used once');
    names.add(name);
    const count = Math.max(1, Math.ceil(bytes.byteLength / MAX_BODY_PART_BYTES));
    return Array.from({ length: count }, (_, part) => {
      const slice = bytes.subarray(part * MAX_BODY_PART_BYTES, (part + 1) * MAX_BODY_PART_BYTES);
      return { part: { name, part, digest: sha256(slice).toString('hex'), length: slice.byteLength }, bytes: slice };
    });
  });
}

/** The leaf's bytes. Throws `TypeError` for what the canonical encoder refuses, `RangeError` when too large. */
export function encodeLeaf(entry: Entry, place: LeafPlace, parts: readonly BodyPart[]): Buffer {
  const { strand, statementHash } = place;
  const leaf: Record<string, EntryValue> = {
    v: 1,
    k: entry.kind,
    t: place.timeMs,
    m: place.monotonicMicros,
  };
  if (Object.keys(entry.fields).length > 0) leaf['f'] = entry.fields;
  if (strand !== undefined) {
    if (strand.sessionId.length === 0 || strand.sessionId.length > MAX_SESSION_ID_CHARACTERS)
      throw new TypeError('bad session id');
    leaf['sid'] = strand.sessionId;
    leaf['ss'] = strand.number;
    if (strand.previous !== undefined) leaf['sp'] = strand.previous;
  }
  if (statementHash !== undefined) leaf['st'] = statementHash;
  if (parts.length > 0)
    leaf['b'] = parts.map((part) => ({ n: part.name, p: part.part, d: part.digest, len: part.length, enc: 'raw' }));
  const bytes = Buffer.from(encodeCanonical(leaf), 'utf8');
  if (bytes.byteLength > MAX_ENTRY_BYTES) throw new RangeError('entry larger than 65535 bytes');
  return bytes;
}

/** Reads a leaf's bytes; undefined unless they are exactly what `encodeLeaf` would have written. */
export function parseLeaf(bytes: Uint8Array): Leaf | undefined {
  const object = parseCanonicalObject(bytes);
  if (object === undefined) return undefined;
  const { v, k, t, m, sid, ss, sp, b, st, f, ...rest } = object;
  if (v !== 1 || !isEntryKind(k) || !isCount(t) || !isCount(m) || Object.keys(rest).length > 0) return undefined;
  const fields = parseFields(f);
  if (st !== undefined && !isHexDigest(st)) return undefined;
  const strand = parseStrand(sid, ss, sp);
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
): StrandPlace | undefined | 'malformed' {
  if (sid === undefined && ss === undefined && sp === undefined) return undefined;
  if (typeof sid !== 'string' || sid === '' || sid.length > MAX_SESSION_ID_CHARACTERS || !isCount(ss))
    return 'malformed';
  if (ss === 0) return sp === undefined ? { sessionId: sid, number: ss, previous: undefined } : 'malformed';
  return isHexDigest(sp) ? { sessionId: sid, number: ss, previous: sp } : 'malformed';
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
  const { n, p, d, len, enc, ...rest } = item as { readonly [key: string]: EntryValue };
  if (Object.keys(rest).length > 0 || enc !== 'raw') return undefined;
  if (typeof n !== 'string' || !BODY_NAME.test(n) || !isCount(p) || !isHexDigest(d) || !isCount(len)) return undefined;
  return len <= MAX_BODY_PART_BYTES ? { name: n, part: p, digest: d, length: len } : undefined;
}
