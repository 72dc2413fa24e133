import { encodeCanonical, parseCanonicalObject } from '../format/canonical-json.js';
import type { EntryValue } from '../format/entry.js';
import { MAX_ENTRY_BYTES } from '../format/frame.js';
import { decodeCanonicalBase64, parseVkey } from '../format/signed-note.js';

/** What one entry of the registry says. Closed vocabulary, see docs/recording-format.md, "Registry". */
export const REGISTRY_KINDS = [
  'registry.open',
  'writer.open',
  'writer.checkpoint',
  'writer.sealed',
  'writer.close',
  'segment',
  'key.rotate',
  'config',
  'retention',
  'hold',
  'shred',
  'read',
  'reconcile',
  'tick',
] as const;

export type RegistryKind = (typeof REGISTRY_KINDS)[number];

export type RegistryFields = { readonly [key: string]: EntryValue };

/** One entry of the registry. */
export interface RegistryEntry {
  readonly kind: RegistryKind;
  /** Wall clock of whoever appended it; never decreases within the registry. */
  readonly timeMs: number;
  readonly fields: RegistryFields;
}

type Check = (value: EntryValue | undefined) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isCount: Check = (value) => typeof value === 'number' && value >= 0;
const isFlag: Check = (value) => typeof value === 'boolean';
const isKey: Check = (value) => typeof value === 'string' && parseVkey(value) !== undefined;
const isRoot: Check = (value) => typeof value === 'string' && decodeCanonicalBase64(value)?.byteLength === 32;
const isRootOrAbsent: Check = (value) => value === undefined || isRoot(value);
const isList: Check = (value) => Array.isArray(value);
const isListOrAbsent: Check = (value) => value === undefined || isList(value);
const isMembers: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Members an entry of this kind must have; it may have more. */
const REQUIRED: Readonly<Record<RegistryKind, Readonly<Record<string, Check>>>> = {
  'registry.open': { origin: isText, vkey: isKey },
  'writer.open': { origin: isText, vkey: isKey },
  'writer.checkpoint': { origin: isText, size: isCount, root: isRoot },
  'writer.sealed': { origin: isText, size: isCount, root: isRootOrAbsent, closed: isFlag, torn: isCount, by: isText },
  'writer.close': { origin: isText, size: isCount, root: isRoot },
  segment: { origin: isText, seg: isCount, first: isCount, count: isCount, entries: isMembers },
  'key.rotate': { from: isKey, to: isKey, note: isText },
  config: {},
  retention: { before: isCount, bodies: isList },
  hold: { id: isText, v: (value) => value === 'set' || value === 'release', reason: isText },
  shred: { sid: isText, keys: isList, reason: isText, authorizations: isListOrAbsent },
  read: { id: isText, command: isText, by: isMembers, logs: isCount, sessions: isListOrAbsent },
  reconcile: {},
  tick: {},
};

/** A key of another name would vouch for a log that the entry does not name. */
function isKeyOf({ origin, vkey }: RegistryFields): boolean {
  return typeof vkey === 'string' && parseVkey(vkey)?.name === origin;
}

function isRegistryKind(value: unknown): value is RegistryKind {
  return REGISTRY_KINDS.some((kind) => kind === value);
}

/** The bytes of an entry: canonical JSON of `{f,k,t,v}`. Throws `TypeError` for what a reader would refuse. */
export function encodeRegistryEntry({ kind, timeMs, fields }: RegistryEntry): Buffer {
  const bytes = Buffer.from(encodeCanonical({ f: fields, k: kind, t: timeMs, v: 1 }), 'utf8');
  if (parseRegistryEntry(bytes) === undefined) throw new TypeError(`not an entry of kind ${kind}`);
  return bytes;
}

/** Reads an entry; undefined unless it is the canonical JSON of a known kind with what that kind must say. */
export function parseRegistryEntry(bytes: Uint8Array): RegistryEntry | undefined {
  if (bytes.byteLength > MAX_ENTRY_BYTES) return undefined;
  const { f: fields, k: kind, t: timeMs, v: version, ...rest } = parseCanonicalObject(bytes) ?? {};
  if (version !== 1 || Object.keys(rest).length > 0 || !isRegistryKind(kind)) return undefined;
  if (typeof timeMs !== 'number' || timeMs < 0) return undefined;
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return undefined;
  const members = fields as RegistryFields;
  const isWhole = Object.entries(REQUIRED[kind]).every(([name, check]) => check(members[name]));
  return isWhole && (kind !== 'writer.open' || isKeyOf(members)) ? { kind, timeMs, fields: members } : undefined;
}

/** What both identity keys sign when one takes over from the other: a note with the two signatures over this text. */
export function encodeRotationText({ origin, from, to }: { origin: string; from: string; to: string }): string {
  return `piste registry key v1\n${origin}\n${from}\n${to}\n`;
}

/** The registry's origin for a deployment. */
export function registryOrigin(deployment: string): string {
  return `${deployment}/registry`;
}

/** A text member; undefined when it is none. */
export function textIn(fields: RegistryFields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}

/** A whole number member; undefined when it is none. */
export function numberIn(fields: RegistryFields, name: string): number | undefined {
  const value = fields[name];
  return typeof value === 'number' ? value : undefined;
}
