import { encodeCanonical, parseCanonicalObject } from './canonical-json.js';
import type { EntryValue } from './entry.js';
import { decodeCanonicalBase64 } from './signed-note.js';
import type { EarlierRoot, TreePart } from './tree-part.js';

const HASH_BYTES = 32;

/** What a session bundle's `proof.json` says: the part of a log or of the registry that is shown, and the note that signs the whole. */
export interface PartFile extends TreePart {
  /** A commit of the log, or a checkpoint of the registry. */
  readonly note: string;
  /** Of the registry: the entries that are shown, as they are stored. A log's records stand in a file of their own. */
  readonly entries?: readonly string[];
}

/** The bytes of a `proof.json`. */
export function encodePartFile({ places, hashes, earlier, note, entries }: PartFile): string {
  const value = {
    v: 1,
    note,
    places,
    hashes: hashes.map(toBase64),
    earlier: earlier.map(({ size, root, hashes: between }) => ({
      size,
      root: toBase64(root),
      hashes: between.map(toBase64),
    })),
    ...(entries === undefined ? {} : { entries }),
  };
  return `${encodeCanonical(value)}\n`;
}

function toBase64(bytes: Buffer): string {
  return bytes.toString('base64');
}

/** Reads a `proof.json`; undefined unless it is exactly what `encodePartFile` writes. Nothing of it is verified. */
export function parsePartFile(bytes: Buffer): PartFile | undefined {
  const object = bytes.at(-1) === 0x0a ? parseCanonicalObject(bytes.subarray(0, -1)) : undefined;
  const { v, note, places, hashes, earlier, entries, ...rest } = object ?? {};
  if (v !== 1 || typeof note !== 'string' || Object.keys(rest).length > 0) return undefined;
  const read = {
    places: parseList(places, parsePlace),
    hashes: parseList(hashes, parseHash),
    earlier: parseList(earlier, parseEarlier),
    entries: entries === undefined ? [] : parseList(entries, parseText),
  };
  if (
    read.places === undefined ||
    read.hashes === undefined ||
    read.earlier === undefined ||
    read.entries === undefined
  )
    return undefined;
  if (read.places.some((place, at) => place <= (read.places?.[at - 1] ?? -1))) return undefined;
  const part = { note, places: read.places, hashes: read.hashes, earlier: read.earlier };
  return entries === undefined ? part : { ...part, entries: read.entries };
}

function parseList<T>(
  value: EntryValue | undefined,
  parse: (item: EntryValue) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = (value as readonly EntryValue[]).map(parse);
  return items.every((item) => item !== undefined) ? (items as readonly T[]) : undefined;
}

function parsePlace(value: EntryValue): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

function parseText(value: EntryValue): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function parseHash(value: EntryValue): Buffer | undefined {
  const bytes = typeof value === 'string' ? decodeCanonicalBase64(value) : undefined;
  return bytes?.byteLength === HASH_BYTES ? bytes : undefined;
}

function parseEarlier(value: EntryValue): EarlierRoot | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { size, root, hashes, ...rest } = value as { readonly [key: string]: EntryValue };
  const parsed = {
    size: parsePlace(size ?? null),
    root: parseHash(root ?? null),
    hashes: parseList(hashes, parseHash),
  };
  if (parsed.size === undefined || parsed.root === undefined || parsed.hashes === undefined) return undefined;
  if (Object.keys(rest).length > 0) return undefined;
  return { size: parsed.size, root: parsed.root, hashes: parsed.hashes };
}
