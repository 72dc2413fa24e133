import { readFile } from 'node:fs/promises';
import { encodeCheckpointText } from '../format/checkpoint.js';
import { decodeCanonicalBase64, openNote, parseVkey } from '../format/signed-note.js';

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
  /** At most one per origin. */
  readonly checkpoints: readonly Anchor[];
}

export type TrustResult =
  | { readonly ok: true; readonly trust: Trust }
  | { readonly ok: false; readonly complaint: string };

/** Parses a trust file: `{"v":1,"writers":[vkey…],"checkpoints":[{origin,size,root,note?}…]}`. Unknown members are refused. */
export function parseTrust(text: string): TrustResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return complain('not JSON');
  }
  if (!isObject(value) || value['v'] !== 1) return complain('not a trust file of version 1');
  const { writers, checkpoints = [], ...rest } = value;
  if (Object.keys(rest).some((key) => key !== 'v')) return complain('unknown members');
  if (!Array.isArray(writers) || !writers.every(isVkey)) return complain('writers must be a list of verifier keys');
  if (!Array.isArray(checkpoints) || !checkpoints.every(isAnchor))
    return complain('checkpoints must be a list of {origin, size, root, note?}');
  const origins = new Set(checkpoints.map(({ origin }) => origin));
  if (origins.size < checkpoints.length) return complain('more than one checkpoint for a log');
  const falseNote = checkpoints.find((anchor) => !isNoteTrue(anchor, writers));
  if (falseNote !== undefined) return complain(`the note of ${falseNote.origin} does not sign its size and root`);
  return { ok: true, trust: { writers, checkpoints } };
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

function isAnchor(value: unknown): value is Anchor {
  if (!isObject(value)) return false;
  const { origin, size, root, note } = value;
  if (typeof origin !== 'string' || typeof root !== 'string' || decodeCanonicalBase64(root)?.byteLength !== 32)
    return false;
  if (note !== undefined && typeof note !== 'string') return false;
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0;
}

function isNoteTrue({ origin, size, root, note }: Anchor, writers: readonly string[]): boolean {
  if (note === undefined) return true;
  const text = encodeCheckpointText({ origin, size, root: Buffer.from(root, 'base64') });
  return writers.some((vkey) => {
    const verifier = parseVkey(vkey);
    return verifier?.name === origin && openNote(Buffer.from(note, 'utf8'), verifier) === text;
  });
}

/** Reads a trust file; rejects when it is missing or is not one. */
export async function loadTrust(path: string): Promise<TrustResult> {
  return parseTrust(await readFile(path, 'utf8'));
}
