import { cosignedAt, type Note, type PolicyWitness, parseNote } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import type { RegistryHead, RegistryLog } from './registry-log.js';
import { encodeAddCheckpoint } from './witness.js';

const ANSWER_TIMEOUT_MS = 10_000;
const MAX_ANSWER_CHARACTERS = 64 * 1024;

/** What a witness answered. */
export type WitnessOutcome =
  | { readonly kind: 'cosigned'; readonly lines: string; readonly timeSeconds: number }
  /** It will not cosign: it saw another or a longer registry, or does not know this one. Worth keeping. */
  | { readonly kind: 'refused'; readonly status: number; readonly witnessSize: number | undefined }
  | { readonly kind: 'unreachable'; readonly why: string };

export interface WitnessClientDeps {
  readonly registry: Pick<RegistryLog, 'consistencyProof'>;
  readonly fetch: typeof fetch;
}

/** Asks one witness to cosign a checkpoint, from where it last saw the registry on. Never rejects. */
export async function askWitness(
  { registry, fetch }: WitnessClientDeps,
  witness: PolicyWitness & { readonly url: string },
  head: RegistryHead,
  lastSize: number,
): Promise<WitnessOutcome> {
  let oldSize = Math.min(lastSize, head.size);
  // The second request is the one a conflict asks for; another conflict means that somebody else keeps asking.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      const proof = await registry.consistencyProof(oldSize, head.size);
      const { status, text } = await post(
        fetch,
        witness.url,
        encodeAddCheckpoint({ oldSize, proof, checkpoint: head.note }),
      );
      if (status === 200) return await readLines(text, head, witness);
      const theirs = status === 409 && /^[0-9]{1,15}\n$/.test(text) ? Number(text) : undefined;
      if (theirs === undefined || theirs > head.size) return { kind: 'refused', status, witnessSize: theirs };
      oldSize = theirs;
    } catch (error) {
      return { kind: 'unreachable', why: errorMessage(error) };
    }
  }
  return { kind: 'unreachable', why: 'the witness moves on faster than it can be asked' };
}

async function post(
  fetch: WitnessClientDeps['fetch'],
  url: string,
  body: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, {
    method: 'POST',
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const text = await response.text();
  if (text.length > MAX_ANSWER_CHARACTERS) throw new Error('the answer of the witness is too long');
  if (response.status >= 500) throw new Error(`the witness answered ${response.status}`);
  return { status: response.status, text };
}

/** Only lines of the witness's own key count, and only when they verify. */
async function readLines(text: string, head: RegistryHead, witness: PolicyWitness): Promise<WitnessOutcome> {
  const note: Note | undefined = parseNote(Buffer.from(head.note + text, 'utf8'));
  const timeSeconds = note === undefined ? undefined : await cosignedAt(note, witness.verifier);
  if (timeSeconds === undefined) return { kind: 'unreachable', why: 'the answer holds no cosignature of this witness' };
  return { kind: 'cosigned', lines: text, timeSeconds };
}
