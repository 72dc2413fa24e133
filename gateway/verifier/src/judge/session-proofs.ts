import { createHashTree, type HashTree } from '../format/hash-tree.js';
import { encodeTlogProof } from '../format/tlog-proof.js';
import { makeInclusionProof } from '../format/tree-proof.js';
import { type LogFiles, listRecording } from '../read/log-files.js';
import { scanLog } from '../read/scan.js';
import type { RecordingSource } from '../read/source.js';

/** That one record of a session stands in its log, for somebody who has neither. */
export interface RecordProof {
  readonly log: string;
  readonly index: number;
  readonly kind: string;
  readonly timeMs: number;
  /** Hex. */
  readonly leafHash: string;
  /** Records under the checkpoint the proof leads to. */
  readonly checkpointSize: number;
  /** A C2SP tlog-proof file: the leaf's index, the hashes up to the root, the checkpoint its writer signed. */
  readonly proof: string;
}

/** Proofs for every record of a session, log by log. What they are worth, only the verdict on the whole recording says. */
export async function proveSession(
  sources: readonly RecordingSource[],
  sessionId: string,
): Promise<readonly RecordProof[]> {
  const proofs: RecordProof[] = [];
  for (const source of sources) {
    for (const files of (await listRecording(source)).logs)
      for (const proof of await proveInLog(files, sessionId)) proofs.push(proof);
  }
  return proofs;
}

type Unproven = Omit<RecordProof, 'checkpointSize' | 'proof'>;

async function proveInLog(files: LogFiles, sessionId: string): Promise<readonly RecordProof[]> {
  const tree = createHashTree();
  const found: Unproven[] = [];
  const groups = scanLog(files, { keepBody: () => false, rootsAt: new Set() });
  for (;;) {
    const step = await groups.next();
    if (step.done) return found.map((record) => addProof(record, tree, step.value.lastCommit));
    for (const { leaf, index, leafHash } of step.value) {
      tree.append(Buffer.from(leafHash, 'hex'));
      if (leaf.strand?.sessionId === sessionId)
        found.push({ log: files.ulid, index, kind: leaf.kind, timeMs: leaf.timeMs, leafHash });
    }
  }
}

function addProof(record: Unproven, tree: HashTree, lastCommit: Uint8Array | undefined): RecordProof {
  const checkpoint = Buffer.from(lastCommit ?? []).toString('utf8');
  const hashes = makeInclusionProof(tree, record.index);
  return { ...record, checkpointSize: tree.size, proof: encodeTlogProof({ index: record.index, hashes, checkpoint }) };
}
