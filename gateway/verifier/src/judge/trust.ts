import { encodeCheckpointText } from '../format/checkpoint.js';
import { encodeNote, parseNote } from '../format/note.js';
import { checkNote, decodeCanonicalBase64, type NoteVerifier, parseVkey } from '../format/signed-note.js';
import { parseWitnessPolicy } from '../format/witness-policy.js';

/** A length and root somebody kept outside the log's reach. */
export interface Anchor {
  readonly origin: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** The writer's signature over it, where kept. */
  readonly note?: string;
}

/** What the verifier is told to believe: which writers' keys are the deployment's, and how far their logs reached. */
export interface Trust {
  /** C2SP verifier keys. */
  readonly writers: readonly string[];
  /** At most one per writer; of the registry, its newest and those that witnesses cosigned. */
  readonly checkpoints: readonly Anchor[];
  /** Verifier key of the deployment's identity, which signs its registry and certifies its writers. */
  readonly registry?: string;
  /** Which witnesses must have cosigned the registry, and how many: the text of a C2SP tlog-policy. */
  readonly witnesses?: string;
}

export type TrustResult =
  | { readonly ok: true; readonly trust: Trust }
  | { readonly ok: false; readonly complaint: string };

/**
 * Parses a trust file: `{"v":1,"writers":[vkey…],"checkpoints":[{origin,size,root,note?}…],"registry"?:vkey,"witnesses"?:policy}`.
 * Unknown members are refused.
 */
export function parseTrust(text: string): TrustResult {
  const draft = readTrust(text);
  if (!draft.ok) return draft;
  for (const anchor of draft.trust.checkpoints) {
    const isTrue = isNoteTrue(anchor, draft.trust);
    if (isTrue instanceof Promise) throw new TypeError('signatures are verified asynchronously here');
    if (!isTrue) return falseNote(anchor);
  }
  return draft;
}

/** `parseTrust` for platforms that verify signatures later. */
export async function checkTrust(text: string): Promise<TrustResult> {
  const draft = readTrust(text);
  if (!draft.ok) return draft;
  for (const anchor of draft.trust.checkpoints) {
    if (!(await isNoteTrue(anchor, draft.trust))) return falseNote(anchor);
  }
  return draft;
}

function falseNote({ origin }: Anchor): TrustResult {
  return complain(`the note of ${origin} does not sign its size and root`);
}

function readTrust(text: string): TrustResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return complain('not JSON');
  }
  if (!isObject(value) || value['v'] !== 1) return complain('not a trust file of version 1');
  const { writers, checkpoints = [], registry, witnesses, ...rest } = value;
  if (Object.keys(rest).some((key) => key !== 'v')) return complain('unknown members');
  if (!Array.isArray(writers) || !writers.every(isVkey)) return complain('writers must be a list of verifier keys');
  if (!Array.isArray(checkpoints) || !checkpoints.every(isAnchor))
    return complain('checkpoints must be a list of {origin, size, root, note?}');
  if (registry !== undefined && !isVkey(registry)) return complain('registry must be a verifier key');
  const ofWriters = checkpoints.filter(({ origin }) => origin !== nameOf(registry));
  if (new Set(ofWriters.map(({ origin }) => origin)).size < ofWriters.length)
    return complain('more than one checkpoint for a log');
  if (witnesses !== undefined && !isPolicy(witnesses)) return complain('witnesses must be a C2SP witness policy');
  const trust = { writers, checkpoints, ...(registry === undefined ? {} : { registry }) };
  return { ok: true, trust: witnesses === undefined ? trust : { ...trust, witnesses } };
}

function complain(complaint: string): TrustResult {
  return { ok: false, complaint };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isVkey(value: unknown): value is string {
  return typeof value === 'string' && parseVkey(value) !== undefined;
}

function isPolicy(value: unknown): value is string {
  return typeof value === 'string' && parseWitnessPolicy(value).ok;
}

function isAnchor(value: unknown): value is Anchor {
  if (!isObject(value)) return false;
  const { origin, size, root, note, ...rest } = value;
  // A misspelt `note` would be a checkpoint that nobody signed.
  if (Object.keys(rest).length > 0) return false;
  if (typeof origin !== 'string' || typeof root !== 'string' || decodeCanonicalBase64(root)?.byteLength !== 32)
    return false;
  if (note !== undefined && typeof note !== 'string') return false;
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0;
}

/** The name in a verifier key. */
function nameOf(vkey: string | undefined): string | undefined {
  return vkey?.slice(0, vkey.indexOf('+'));
}

function isNoteTrue({ origin, size, root, note }: Anchor, trust: Trust): boolean | Promise<boolean> {
  if (note === undefined) return true;
  const expected = encodeCheckpointText({ origin, size, root: Buffer.from(root, 'base64') });
  const vkeys = trust.registry === undefined ? trust.writers : [...trust.writers, trust.registry];
  const verifier = vkeys.map(parseVkey).find((key) => key?.name === origin);
  if (verifier === undefined) return false;
  const text = checkNote(Buffer.from(onlySignatureOf(verifier, note), 'utf8'), verifier);
  return text instanceof Promise ? text.then((signed) => signed === expected) : text === expected;
}

/** The note without cosignatures. */
function onlySignatureOf({ name, keyId }: NoteVerifier, note: string): string {
  const parsed = parseNote(Buffer.from(note, 'utf8'));
  if (parsed === undefined) return '';
  const signatures = parsed.signatures.filter((line) => line.name === name && line.keyId.equals(keyId));
  return encodeNote({ ...parsed, signatures });
}
