import { type AgeIdentity, type AgeRecipient, openSecret, parseIdentity, parseRecipient } from './age.js';

/** What a file of keys says, or every line that is none. */
export type KeyList<T> =
  | { readonly ok: true; readonly keys: readonly T[] }
  | { readonly ok: false; readonly complaints: readonly string[] };

/** Reads a file of age recipients: one X25519 recipient per line, `#` starts a comment line. At least one. */
export function parseRecipients(text: string): KeyList<AgeRecipient> {
  return parseLines(text, parseRecipient, 'an age recipient (age1…)');
}

/** Reads an age identity file: one X25519 identity per line, `#` starts a comment line. At least one. */
export function parseIdentities(text: string): KeyList<AgeIdentity> {
  return parseLines(text, parseIdentity, 'an age identity (AGE-SECRET-KEY-1…)');
}

/** Complaints name lines by number only: the line may hold a secret. */
function parseLines<T>(text: string, parse: (line: string) => T | undefined, what: string): KeyList<T> {
  const keys: T[] = [];
  const complaints: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const key = parse(trimmed);
    if (key === undefined) complaints.push(`line ${index + 1} is not ${what}`);
    else keys.push(key);
  }
  if (keys.length === 0 && complaints.length === 0) complaints.push(`there is not one line with ${what}`);
  return complaints.length === 0 ? { ok: true, keys } : { ok: false, complaints };
}

/** How a reader opens session keys that were wrapped to one of these. */
export function openKeysWith(
  identities: readonly AgeIdentity[],
): (wrapped: Uint8Array) => Promise<Uint8Array | undefined> {
  return async (wrapped) => openSecret(wrapped, identities);
}
