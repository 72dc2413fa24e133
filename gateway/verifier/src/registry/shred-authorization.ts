import type { EntryValue } from '../format/entry.js';
import { isSignedBy, parseNote } from '../format/note.js';
import { parseVkey } from '../format/signed-note.js';
import type { Finding } from '../judge/finding.js';
import type { Registry } from './read-registry.js';
import { type RegistryEntry, textIn } from './registry-entry.js';

/** Officers who must agree before a session's keys are destroyed. */
export const SHRED_OFFICERS = 2;

/** What is agreed to. */
export interface ShredRequest {
  /** Origin of the registry. */
  readonly origin: string;
  readonly sessionId: string;
  readonly reason: string;
}

/** What an officer signs: a note over this text with a key of the officers' list. */
export function encodeShredText({ origin, sessionId, reason }: ShredRequest): string {
  return `piste shred v1\n${origin}\n${JSON.stringify(sessionId)}\n${JSON.stringify(reason)}\n`;
}

/** The names of the different officers' keys that signed exactly this request in these notes. */
export async function officersWhoSigned(
  request: ShredRequest,
  notes: readonly string[],
  officers: readonly string[],
): Promise<readonly string[]> {
  const text = encodeShredText(request);
  const parsed = notes.map((note) => parseNote(Buffer.from(note, 'utf8')));
  const signed = new Map<string, string>();
  for (const vkey of officers) {
    const verifier = parseVkey(vkey);
    for (const note of parsed) {
      if (verifier === undefined || note?.text !== text || !(await isSignedBy(note, verifier))) continue;
      // By key, not by name: one key under two names is one officer.
      signed.set(vkey.split('+').slice(2).join('+'), verifier.name);
    }
  }
  return [...signed.values()];
}

/** The officers' keys the newest `config` entry before `index` names. */
export function officersAt(entries: readonly RegistryEntry[], index: number): readonly string[] {
  const config = entries.slice(0, index).findLast(({ kind, fields }) => kind === 'config' && 'officers' in fields);
  return textsIn(config?.fields['officers']);
}

function textsIn(value: EntryValue | undefined): readonly string[] {
  return Array.isArray(value)
    ? (value as readonly EntryValue[]).filter((item): item is string => typeof item === 'string')
    : [];
}

/** Shred entries that fewer than two of the officers of their time agreed to. */
export async function judgeShreds({
  origin,
  entries,
}: Pick<Registry, 'origin' | 'entries'>): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [index, { kind, fields }] of entries.entries()) {
    if (kind !== 'shred') continue;
    const request = { origin, sessionId: textIn(fields, 'sid') ?? '', reason: textIn(fields, 'reason') ?? '' };
    const signed = await officersWhoSigned(request, textsIn(fields['authorizations']), officersAt(entries, index));
    if (signed.length >= SHRED_OFFICERS) continue;
    const message = `entry ${index} of the registry destroyed keys on the word of ${signed.length} of ${SHRED_OFFICERS} officers`;
    findings.push({ severity: 'tampered', code: 'shred-unauthorized', message });
  }
  return findings;
}
