import { encodeNote, encodeRotationText, type Note, type NoteSigner, parseNote } from '@piste/verifier';
import { openRegistryLog } from './registry-log.js';
import type { RegistryStore } from './registry-store.js';

export interface Rotation {
  readonly store: RegistryStore;
  /** The identity that hands over, and the one that takes over; both have the registry's name. */
  readonly from: NoteSigner;
  readonly to: NoteSigner;
  readonly nowMs: () => number;
}

/**
 * Hands a registry over to a new identity key, which both keys sign. From then on gateways with the old key refuse to record,
 * so each is restarted with the new one. May be called again after it was interrupted. Resolves to the entry's index.
 */
export async function rotateIdentity({ store, from, to, nowMs }: Rotation): Promise<number> {
  const text = encodeRotationText({ origin: from.name, from: from.vkey, to: to.vkey });
  const notes = [from, to].map((signer) => readNote(signer.signNote(text)));
  const note = encodeNote({ text, signatures: notes.flatMap(({ signatures }) => signatures) });
  const next = openRegistryLog({ store, signer: to, nowMs });
  const done = await next.head().catch(() => undefined);
  if (done !== undefined) throw new Error('the registry has this identity key already');
  const log = openRegistryLog({ store, signer: from, successor: to, nowMs });
  return log.append([{ kind: 'key.rotate', fields: { from: from.vkey, to: to.vkey, note } }]);
}

function readNote(text: string): Note {
  const note = parseNote(Buffer.from(text, 'utf8'));
  if (note === undefined) throw new TypeError('a signer makes notes');
  return note;
}
