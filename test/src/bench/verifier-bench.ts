import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createNoteSigner,
  createTree,
  cutBodies,
  type EntryBody,
  type EntryKind,
  encodeCheckpointText,
  encodeCommitText,
  encodeFields,
  encodeFrame,
  encodeLeaf,
  encodeSegmentHeader,
  hashLeaf,
  type LeafPlace,
  NO_PREVIOUS_COMMIT,
  RAW_PARTS,
  segmentName,
  sha256,
  type Trust,
  verifyDirectory,
} from '@piste/verifier';

/** A log whose verification is measured. */
export interface VerifierShape {
  readonly name: string;
  readonly records: number;
  /** The one body of each record: `sql` is read by the checks, `rows` are only hashed. */
  readonly body: 'sql' | 'rows';
  readonly bodyBytes: number;
  readonly recordsPerCommit: number;
}

/** Large results, and statements of everyday size; both fit the page cache of a small machine. */
export const VERIFIER_SHAPES: readonly VerifierShape[] = [
  { name: 'results of 1 MiB', records: 512, body: 'rows', bodyBytes: 1_048_576, recordsPerCommit: 4 },
  { name: 'statements of 200 bytes', records: 200_000, body: 'sql', bodyBytes: 200, recordsPerCommit: 64 },
];

export interface VerifierMeasure {
  readonly name: string;
  readonly bytes: number;
  readonly records: number;
  /** Of the round with the least time on the clock. */
  readonly seconds: number;
  /** Of the round with the least: says more on a machine with other work. */
  readonly cpuSeconds: number;
}

const SEGMENT_BYTES = 16 * 1024 * 1024;
const ULID = '01M83FTSR0SXY4HBNHSMKGJ52J';

/** Writes the log, verifies it in `rounds`, and throws unless each verdict is sound. */
export async function measureVerifier(shape: VerifierShape, rounds: number): Promise<VerifierMeasure> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-verifier-bench-'));
  try {
    const trust = await writeLog(directory, shape);
    let seconds = Number.POSITIVE_INFINITY;
    let cpuSeconds = Number.POSITIVE_INFINITY;
    let bytes = 0;
    let records = 0;
    for (let round = 0; round < rounds; round += 1) {
      const cpu = process.cpuUsage();
      const startedNs = process.hrtime.bigint();
      const { outcome, counts } = await verifyDirectory(directory, trust);
      seconds = Math.min(seconds, Number(process.hrtime.bigint() - startedNs) / 1e9);
      const { user, system } = process.cpuUsage(cpu);
      cpuSeconds = Math.min(cpuSeconds, (user + system) / 1e6);
      if (outcome !== 'sound') throw new Error(`the log was found ${outcome}`);
      ({ bytes, records } = counts);
    }
    return { name: shape.name, bytes, records, seconds, cpuSeconds };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeLog(directory: string, shape: VerifierShape): Promise<Trust> {
  const origin = `bench/w/${ULID}`;
  const signer = createNoteSigner(origin);
  const tree = createTree();
  const folder = join(directory, ULID);
  await mkdir(folder);
  let previous: Buffer = NO_PREVIOUS_COMMIT;
  let pending: Uint8Array[] = [];
  let written = 0;
  let segment = 0;
  let file = await startSegment();

  async function startSegment() {
    segment += 1;
    const fresh = await open(join(folder, segmentName(segment)), 'wx');
    const header = encodeFrame('header', encodeSegmentHeader({ origin, segment, first: tree.size, previous }));
    await fresh.writeFile(header);
    written = header.byteLength;
    return fresh;
  }

  function add(kind: EntryKind, fields: Record<string, string>, bodies: readonly EntryBody[]): void {
    const parts = cutBodies(bodies, RAW_PARTS);
    const place: LeafPlace = {
      timeMs: tree.size,
      monotonicMicros: tree.size,
      strand: undefined,
      statementHash: undefined,
    };
    const content = { kind, fields: encodeFields(fields) };
    const leaf = encodeLeaf(
      content,
      place,
      parts.map(({ part }) => part),
    );
    pending.push(...parts.map(({ pieces }) => encodeFrame('body', Buffer.concat(pieces))), encodeFrame('entry', leaf));
    tree.append(hashLeaf(leaf));
  }

  async function commit(): Promise<void> {
    const note = signer.signNote(encodeCommitText({ origin, size: tree.size, root: tree.root(), previous }));
    const payload = Buffer.from(note, 'utf8');
    previous = sha256(payload);
    const group = Buffer.concat([...pending, encodeFrame('commit', payload)]);
    pending = [];
    await file.writeFile(group);
    written += group.byteLength;
  }

  add('writer.open', { origin, vkey: signer.vkey }, []);
  await commit();
  const text = Buffer.alloc(shape.bodyBytes, 'select amount, status from orders where region = 7; ');
  for (let record = 0; record < shape.records; record += 1) {
    add('control', { op: 'query-request', rid: `request-${record}`, connection: 'analytics' }, [
      { name: shape.body, bytes: text },
    ]);
    if ((record + 1) % shape.recordsPerCommit !== 0) continue;
    await commit();
    if (written <= SEGMENT_BYTES) continue;
    await file.close();
    file = await startSegment();
  }
  add('writer.close', {}, []);
  await commit();
  await file.close();
  const root = tree.root();
  const checkpoint = signer.signNote(encodeCheckpointText({ origin, size: tree.size, root }));
  return {
    writers: [signer.vkey],
    checkpoints: [{ origin, size: tree.size, root: root.toString('base64'), note: checkpoint }],
  };
}
