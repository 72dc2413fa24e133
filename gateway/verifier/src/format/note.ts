import { isSignature } from './ed25519.js';
import { decodeCanonicalBase64, isKeyName, type NoteVerifier } from './signed-note.js';

const KEY_ID_BYTES = 4;
/** A note with more signatures is refused (c2sp.org/signed-note asks for at least 16). */
export const MAX_NOTE_SIGNATURES = 64;
/** Room for post-quantum signatures of other cosigners, which are kept unread. */
export const MAX_NOTE_BYTES = 512 * 1024;

/** One signature line, not verified. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

/** A signed note with any number of signatures, none of them verified. */
export interface Note {
  /** Ends in a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Reads a note; undefined when it is none (c2sp.org/signed-note). */
export function parseNote(bytes: Uint8Array): Note | undefined {
  const whole = decodeText(bytes);
  if (whole === undefined || !whole.endsWith('\n')) return undefined;
  const gap = whole.lastIndexOf('\n\n');
  if (gap < 0) return undefined;
  const signatures = parseSignatureLines(whole.slice(gap + 2));
  return signatures === undefined ? undefined : { text: whole.slice(0, gap + 1), signatures };
}

/** Reads signature lines, each with its newline; undefined unless there is at least one and nothing else. */
export function parseSignatureLines(text: string): readonly NoteSignature[] | undefined {
  if (!text.endsWith('\n')) return undefined;
  const lines = text.slice(0, -1).split('\n');
  if (lines.length > MAX_NOTE_SIGNATURES) return undefined;
  const signatures = lines.map(parseSignatureLine);
  return signatures.every((signature) => signature !== undefined) ? signatures : undefined;
}

function parseSignatureLine(line: string): NoteSignature | undefined {
  const [dash, name, base64, ...rest] = line.split(' ');
  if (dash !== '—' || name === undefined || base64 === undefined || rest.length > 0 || !isKeyName(name))
    return undefined;
  const blob = decodeCanonicalBase64(base64);
  if (blob === undefined || blob.byteLength <= KEY_ID_BYTES) return undefined;
  return { name, keyId: blob.subarray(0, KEY_ID_BYTES), signature: blob.subarray(KEY_ID_BYTES) };
}

/** The line of one signature, with its newline. */
export function encodeSignatureLine({ name, keyId, signature }: NoteSignature): string {
  return `— ${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`;
}

/** The bytes of a note. */
export function encodeNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(encodeSignatureLine).join('')}`;
}

function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.byteLength > MAX_NOTE_BYTES) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return hasControlCharacter(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 && code !== 0x0a) return true;
  }
  return false;
}

/** True when exactly this key signed: a line with its name and id that does not verify spoils the note. */
export async function isSignedBy(
  { text, signatures }: Note,
  { name, keyId, publicKey }: NoteVerifier,
): Promise<boolean> {
  const own = signatures.filter((line) => line.name === name && line.keyId.equals(keyId));
  for (const { signature } of own) {
    if (!(await isSignature(publicKey, Buffer.from(text, 'utf8'), signature))) return false;
  }
  return own.length > 0;
}
