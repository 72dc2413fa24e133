import { parseCheckpointText } from '../format/checkpoint.js';
import { createHashTree, type HashTree } from '../format/hash-tree.js';
import { hashLeaf } from '../format/merkle.js';
import { isSignedBy, type Note, parseNote } from '../format/note.js';
import { type NoteVerifier, parseVkey } from '../format/signed-note.js';
import { decodeBundle, encodeTile, TILE_WIDTH, type TilePlace, tilePath, tilesOf } from '../format/tile.js';
import type { Finding, Severity } from '../judge/finding.js';
import type { RecordingSource } from '../read/source.js';
import { encodeRotationText, parseRegistryEntry, type RegistryEntry, textIn } from './registry-entry.js';

const FOLDER = 'registry/';
const MAX_CHECKPOINT_BYTES = 512 * 1024;
const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + 65_535);
const HASH_BYTES = 32;

/** An identity key and the first index from which it speaks for the registry. */
export interface RegistryKey {
  readonly vkey: string;
  readonly from: number;
}

/** A checkpoint of the registry that witnesses cosigned, as it is kept beside it. */
export interface CosignedCheckpoint {
  readonly size: number;
  readonly root: Buffer;
  readonly note: Note;
}

/** A registry as its files say, recomputed from its entries. */
export interface Registry {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** The newest checkpoint, with whatever cosignatures it carries. */
  readonly checkpoint: Note;
  /** Identity keys in the order in which they took over. */
  readonly keys: readonly RegistryKey[];
  readonly entries: readonly RegistryEntry[];
  /** Over all entries: roots and proofs at any size. */
  readonly tree: HashTree;
  /** Ascending by size; none larger than the registry is dropped. */
  readonly cosigned: readonly CosignedCheckpoint[];
}

export interface RegistryReading {
  /** Undefined when there is none, or what is there cannot be read as one. */
  readonly registry: Registry | undefined;
  /** What is wrong with its own bytes, whatever anybody trusts. */
  readonly findings: readonly Finding[];
}

/** Where a registry stops making sense. Thrown and caught while one is read. */
export class Unreadable extends Error {
  readonly code: string;
  readonly severity: Severity;

  constructor(code: string, message: string, severity: Severity = 'tampered') {
    super(message);
    this.name = 'Unreadable';
    this.code = code;
    this.severity = severity;
  }
}

/**
 * Reads the registry of a recording: recomputes its root from the entry bundles, follows the identity key through its
 * rotations, checks the signature of the checkpoint and every tile that is there. Rejects only when files cannot be read.
 */
export async function readRegistry(source: RecordingSource): Promise<RegistryReading> {
  // Before the files are listed: whatever the checkpoint needs is then among them, also while the registry grows.
  const checkpointBytes = await readCheckpoint(source);
  const sizes = new Map<string, number>();
  for (const { path, size } of await source.list()) {
    if (path.startsWith(FOLDER) && !path.endsWith('/')) sizes.set(path.slice(FOLDER.length), size);
  }
  const files: RegistryFiles = {
    sizes,
    read: (path, maxBytes) => source.read(FOLDER + path, 0, Math.min(sizes.get(path) ?? 0, maxBytes + 1)),
  };
  const findings: Finding[] = [];
  if (checkpointBytes === undefined) {
    const hasEntries = [...sizes.keys()].some((path) => path.startsWith('tile/'));
    if (hasEntries)
      findings.push(found('tampered', 'registry-checkpoint', 'the registry has entries and no checkpoint'));
    return { registry: undefined, findings };
  }
  try {
    const registry = await readFrom(files, checkpointBytes, findings);
    return { registry, findings };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    findings.push(found(error.severity, error.code, error.message));
    return { registry: undefined, findings };
  }
}

/** Undefined where there is none: a source rejects to read what it does not have. */
async function readCheckpoint(source: RecordingSource): Promise<Uint8Array | undefined> {
  const path = `${FOLDER}checkpoint`;
  try {
    return await source.read(path, 0, MAX_CHECKPOINT_BYTES + 1);
  } catch (error) {
    if ((await source.list()).some((file) => file.path === path)) throw error;
    return undefined;
  }
}

interface RegistryFiles {
  readonly sizes: ReadonlyMap<string, number>;
  /** At most one byte more than `maxBytes`, so that a longer file is seen to be one. */
  read(path: string, maxBytes: number): Promise<Uint8Array>;
}

function found(severity: Severity, code: string, message: string): Finding {
  return { severity, code, message };
}

async function readFrom(files: RegistryFiles, checkpointBytes: Uint8Array, findings: Finding[]): Promise<Registry> {
  const checkpoint = parseNote(checkpointBytes);
  const head = checkpoint === undefined ? undefined : parseCheckpointText(checkpoint.text);
  if (checkpoint === undefined || head === undefined || head.size === 0)
    throw new Unreadable('registry-checkpoint', 'the checkpoint of the registry is none');
  const tree = createHashTree();
  const entries = await readEntries(files, head.size, tree);
  const root = tree.root();
  if (!root.equals(head.root))
    throw new Unreadable('registry-root', 'the entries of the registry do not hash to the root of its checkpoint');
  const keys = await followKeys(entries.entries(), head.origin);
  const verifier = keys.at(-1)?.verifier;
  if (verifier === undefined || !(await isSignedBy(checkpoint, verifier)))
    throw new Unreadable('registry-signature', 'the checkpoint of the registry is not signed by its key');
  for (const finding of [...(await checkTiles(files, tree)), ...checkTimes(entries)]) findings.push(finding);
  const cosigned = await readCosigned(files, { origin: head.origin, keys, findings });
  return {
    origin: head.origin,
    size: head.size,
    root,
    checkpoint,
    keys: keys.map(({ vkey, from }) => ({ vkey, from })),
    entries,
    tree,
    cosigned,
  };
}

async function readEntries(files: RegistryFiles, size: number, tree: HashTree): Promise<readonly RegistryEntry[]> {
  const entries: RegistryEntry[] = [];
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    for (const bytes of await readBundle(files, index, width)) {
      const entry = parseRegistryEntry(bytes);
      if (entry === undefined)
        throw new Unreadable('registry-entry', `entry ${tree.size} of the registry is none of a known kind`);
      entries.push(entry);
      tree.append(hashLeaf(bytes));
    }
  }
  return entries;
}

/** A partial bundle may have been removed once the full one was there; its first entries are the same. */
async function readBundle(files: RegistryFiles, index: number, width: number): Promise<readonly Uint8Array[]> {
  for (const held of new Set([width, TILE_WIDTH])) {
    const path = tilePath({ level: 'entries', index, width: held });
    if (!files.sizes.has(path)) continue;
    const entries = decodeBundle(await files.read(path, MAX_BUNDLE_BYTES), held);
    if (entries === undefined) throw new Unreadable('registry-bundle', `${path} is no bundle of ${held} entries`);
    return entries.slice(0, width);
  }
  throw new Unreadable('registry-incomplete', `the entries from ${index * TILE_WIDTH} on are missing in the registry`);
}

/** A key ready to verify with. */
export interface HeldKey extends RegistryKey {
  readonly verifier: NoteVerifier;
}

/** The identity keys by these entries, each with its place. Throws `Unreadable` where they do not follow each other. */
export async function followKeys(
  entries: Iterable<readonly [number, RegistryEntry]>,
  origin: string,
): Promise<readonly HeldKey[]> {
  const keys: HeldKey[] = [];
  for (const [index, { kind, fields }] of entries) {
    if ((kind === 'registry.open') !== (index === 0))
      throw new Unreadable('registry-open', 'registry.open is the first entry and only it');
    if (kind === 'registry.open') {
      if (fields['origin'] !== origin)
        throw new Unreadable('registry-open', 'the registry opens under another name than its checkpoint has');
      keys.push(holdKey(textIn(fields, 'vkey'), 0));
    }
    if (kind === 'key.rotate') keys.push(await readRotation(fields, { origin, current: keys.at(-1), index }));
  }
  return keys;
}

function holdKey(vkey: string | undefined, from: number): HeldKey {
  const verifier = vkey === undefined ? undefined : parseVkey(vkey);
  if (vkey === undefined || verifier === undefined) throw new Unreadable('registry-key', 'a registry key is none');
  return { vkey, from, verifier };
}

interface RotationPlace {
  readonly origin: string;
  readonly current: HeldKey | undefined;
  readonly index: number;
}

async function readRotation(fields: RegistryEntry['fields'], place: RotationPlace): Promise<HeldKey> {
  const { origin, current, index } = place;
  const next = holdKey(textIn(fields, 'to'), index);
  const note = parseNote(Buffer.from(textIn(fields, 'note') ?? '', 'utf8'));
  const isTrue =
    note !== undefined &&
    current !== undefined &&
    fields['from'] === current.vkey &&
    note.text === encodeRotationText({ origin, from: current.vkey, to: next.vkey }) &&
    (await isSignedBy(note, current.verifier)) &&
    (await isSignedBy(note, next.verifier));
  if (!isTrue) throw new Unreadable('registry-key', `the change of key at entry ${index} is not signed by both keys`);
  return next;
}

const TILE_PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** The place a path names; undefined when it is not the one path of that place. */
export function parseTilePath(path: string): TilePlace | undefined {
  const [, level, digits, widthText] = TILE_PATH.exec(path) ?? [];
  if (level === undefined || digits === undefined) return undefined;
  const place = {
    level: level === 'entries' ? ('entries' as const) : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, '')),
    width: widthText === undefined ? TILE_WIDTH : Number(widthText),
  };
  return tilePath(place) === path ? place : undefined;
}

/** Files beside the log itself: appends under way and cosigned checkpoints, which are read elsewhere. */
const OTHER_FILE = /^(checkpoint|append\/[0-9]+|cosigned\/[0-9]+|\..*)$/;

async function checkTiles(files: RegistryFiles, tree: HashTree): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const path of files.sizes.keys()) {
    const place = parseTilePath(path);
    if (place === undefined) {
      if (!OTHER_FILE.test(path))
        findings.push(
          found('cannot-conclude', 'unknown-file', `${JSON.stringify(FOLDER + path)} belongs to no registry`),
        );
    } else if (place.level !== 'entries' && isWithin(place, tree.size)) {
      const bytes = await files.read(path, TILE_WIDTH * HASH_BYTES);
      const expected = encodeTile(tree, { ...place, level: place.level });
      if (!expected.equals(bytes))
        findings.push(found('tampered', 'registry-tile', `${path} does not hold the hashes of the registry`));
    }
  }
  const missing = tilesOf(tree.size).filter((place) => !files.sizes.has(tilePath(place)) && place.level !== 'entries');
  if (missing.length > 0)
    findings.push(
      found('note', 'registry-tile', `${missing.length} hash tiles of the registry are missing; its entries suffice`),
    );
  return findings;
}

/** Tiles beyond the checkpoint belong to an append that was under way when it was written. */
function isWithin({ level, index, width }: TilePlace, size: number): boolean {
  const span = TILE_WIDTH ** (level === 'entries' ? 0 : level);
  return (index * TILE_WIDTH + width) * span <= size;
}

function checkTimes(entries: readonly RegistryEntry[]): readonly Finding[] {
  const index = entries.findIndex(({ timeMs }, at) => timeMs < (entries[at - 1]?.timeMs ?? 0));
  return index < 0 ? [] : [found('tampered', 'registry-time', `time runs backwards at entry ${index} of the registry`)];
}

interface CosignedContext {
  readonly origin: string;
  readonly keys: readonly HeldKey[];
  readonly findings: Finding[];
}

/** The key that signed checkpoints of this size. */
function keyAt(keys: readonly HeldKey[], size: number): HeldKey | undefined {
  return keys.findLast(({ from }) => from < size);
}

async function readCosigned(
  files: RegistryFiles,
  { origin, keys, findings }: CosignedContext,
): Promise<readonly CosignedCheckpoint[]> {
  const cosigned: CosignedCheckpoint[] = [];
  for (const path of files.sizes.keys()) {
    if (!/^cosigned\/[0-9]+$/.test(path)) continue;
    const note = parseNote(await files.read(path, MAX_CHECKPOINT_BYTES));
    const head = note === undefined ? undefined : parseCheckpointText(note.text);
    const key = head === undefined ? undefined : keyAt(keys, head.size);
    const isOurs =
      note !== undefined &&
      head?.origin === origin &&
      path === `cosigned/${head.size}` &&
      key !== undefined &&
      (await isSignedBy(note, key.verifier));
    if (isOurs) cosigned.push({ size: head.size, root: head.root, note });
    else
      findings.push(found('cannot-conclude', 'registry-cosigned', `${path} is no checkpoint that the registry signed`));
  }
  return cosigned.sort((a, b) => a.size - b.size);
}
