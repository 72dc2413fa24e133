import {
  type Cosigner,
  decodeCanonicalBase64,
  encodeNote,
  isSignedBy,
  MAX_PROOF_HASHES,
  type Note,
  type NoteVerifier,
  parseCheckpointText,
  parseNote,
  parseSignatureLines,
  parseVkey,
  sha256,
  verifyConsistency,
} from '@piste/verifier';

/** The newest checkpoint of one log that this witness cosigned, with the signatures that were on it and its own. */
export interface WitnessStore {
  get(origin: string): Promise<string | undefined>;
  /** Durable when it resolves. */
  put(origin: string, note: string): Promise<void>;
}

/** Answer to a request of the witness protocol. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly contentType: string;
  readonly body: string;
}

export interface WitnessDeps {
  readonly cosigner: Cosigner;
  /** Verifier keys of the logs it witnesses; one log may have several. */
  readonly logs: readonly string[];
  readonly store: WitnessStore;
  readonly nowMs: () => number;
}

/** A witness (c2sp.org/tlog-witness): it cosigns a log's checkpoints as long as each continues the one before. */
export interface Witness {
  /** `add-checkpoint`. Rejects only when its state cannot be read or written: then nothing was cosigned. */
  addCheckpoint(body: string): Promise<WitnessAnswer>;
  /** The newest cosigned checkpoint of the log whose origin has this SHA-256 (hex). */
  checkpoint(originHash: string): Promise<WitnessAnswer>;
}

/** What a client sends: what the witness should know, the proof from there, and the new checkpoint. */
export interface AddCheckpointRequest {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: string;
}

const TEXT = 'text/plain; charset=utf-8';

function answer(status: WitnessAnswer['status'], body: string): WitnessAnswer {
  return { status, contentType: TEXT, body };
}

/** The body of an `add-checkpoint` request. */
export function encodeAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpointRequest): string {
  const lines = [`old ${oldSize}`, ...proof.map((hash) => Buffer.from(hash).toString('base64'))];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

function parseAddCheckpoint(body: string): AddCheckpointRequest | undefined {
  const gap = body.indexOf('\n\n');
  const [first = '', ...hashes] = body.slice(0, Math.max(0, gap)).split('\n');
  const digits = /^old (0|[1-9][0-9]{0,15})$/.exec(first)?.[1];
  const oldSize = Number(digits);
  if (gap < 0 || digits === undefined || !Number.isSafeInteger(oldSize) || hashes.length > MAX_PROOF_HASHES)
    return undefined;
  const proof = hashes.map(decodeCanonicalBase64).filter((hash) => hash?.byteLength === 32);
  if (proof.length !== hashes.length) return undefined;
  return { oldSize, proof: proof.filter((hash) => hash !== undefined), checkpoint: body.slice(gap + 2) };
}

/** Creates a witness. Throws `TypeError` for a key of a log that is none. */
export function createWitness({ cosigner, logs, store, nowMs }: WitnessDeps): Witness {
  const keys = new Map<string, NoteVerifier[]>();
  for (const vkey of logs) {
    const verifier = parseVkey(vkey);
    if (verifier === undefined) throw new TypeError('a log needs an Ed25519 verifier key');
    keys.set(verifier.name, [...(keys.get(verifier.name) ?? []), verifier]);
  }
  const turns = new Map<string, Promise<unknown>>();

  /** Checking the old size and keeping the new one is one step per log. */
  function inTurn<T>(origin: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(origin) ?? Promise.resolve()).then(work);
    turns.set(
      origin,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async function cosign(request: AddCheckpointRequest, note: Note, head: Head): Promise<WitnessAnswer> {
    const { oldSize, proof } = request;
    const { origin, size, root } = head;
    const known = await readKnown(store, origin);
    const knownSize = known?.size ?? 0;
    if (oldSize !== knownSize) return { status: 409, contentType: 'text/x.tlog.size', body: `${knownSize}\n` };
    if (size === 0 && !root.equals(sha256())) return answer(422, 'an empty tree has another root\n');
    const oldRoot = known?.root ?? sha256();
    if (!verifyConsistency({ oldSize, oldRoot, size, root, proof }))
      return answer(422, 'the proof does not show that the checkpoint continues the one cosigned before\n');
    const line = cosigner.cosign(note.text, Math.floor(nowMs() / 1000));
    const signed = await keepTrusted(note, keys.get(origin) ?? []);
    await store.put(
      origin,
      encodeNote({ text: note.text, signatures: [...signed, ...(parseSignatureLines(line) ?? [])] }),
    );
    return answer(200, line);
  }

  return Object.freeze({
    async addCheckpoint(body: string): Promise<WitnessAnswer> {
      const request = parseAddCheckpoint(body);
      const note = request === undefined ? undefined : parseNote(Buffer.from(request.checkpoint, 'utf8'));
      const head = note === undefined ? undefined : parseCheckpointText(note.text);
      if (request === undefined || note === undefined || head === undefined) return answer(400, 'not a request\n');
      const verifiers = keys.get(head.origin);
      if (verifiers === undefined) return answer(404, 'this log is not witnessed here\n');
      if ((await keepTrusted(note, verifiers)).length === 0 || (await hasBrokenLine(note, verifiers)))
        return answer(403, 'the checkpoint is not signed by a key of this log\n');
      if (request.oldSize > head.size) return answer(400, 'the old size is larger than the new one\n');
      return inTurn(head.origin, () => cosign(request, note, head));
    },
    async checkpoint(originHash: string): Promise<WitnessAnswer> {
      const origin = [...keys.keys()].find((name) => sha256(Buffer.from(name, 'utf8')).toString('hex') === originHash);
      const note = origin === undefined ? undefined : await store.get(origin);
      return note === undefined ? answer(404, 'no checkpoint\n') : answer(200, note);
    },
  });
}

type Head = NonNullable<ReturnType<typeof parseCheckpointText>>;

async function readKnown(store: WitnessStore, origin: string): Promise<Head | undefined> {
  const kept = await store.get(origin);
  if (kept === undefined) return undefined;
  const head = parseCheckpointText(parseNote(Buffer.from(kept, 'utf8'))?.text ?? '');
  // A state that cannot be read is no empty state: forgetting would let the log start anew.
  if (head?.origin !== origin) throw new Error('the state of the witness is damaged');
  return head;
}

/** The signatures of trusted keys; unknown ones are dropped. */
async function keepTrusted(note: Note, verifiers: readonly NoteVerifier[]): Promise<Note['signatures']> {
  const kept = [];
  for (const verifier of verifiers) {
    const lines = note.signatures.filter((line) => isLineOf(line, verifier));
    if (await isSignedBy(note, verifier)) kept.push(...lines.slice(0, 1));
  }
  return kept;
}

async function hasBrokenLine(note: Note, verifiers: readonly NoteVerifier[]): Promise<boolean> {
  for (const verifier of verifiers) {
    if (note.signatures.some((line) => isLineOf(line, verifier)) && !(await isSignedBy(note, verifier))) return true;
  }
  return false;
}

function isLineOf(line: Note['signatures'][number], { name, keyId }: NoteVerifier): boolean {
  return line.name === name && line.keyId.equals(keyId);
}
