import type { Blind } from '../format/blind.js';
import { NO_PREVIOUS_COMMIT, parseCommitText } from '../format/checkpoint.js';
import { FRAME_HEADER_BYTES } from '../format/frame.js';
import type { Leaf } from '../format/leaf.js';
import { createTree, sha256, type Tree } from '../format/merkle.js';
import { encodeSegmentHeader, originOfSegmentHeader } from '../format/segment-header.js';
import { checkNote, type NoteVerifier, parseVkey } from '../format/signed-note.js';
import { type BodyOpener, createBodyOpener, type OpenedBodies, type OpenKey } from './body-opener.js';
import { Break } from './break.js';
import type { FrameReader } from './frame-reader.js';
import { type Group, type KeepBody, readGroup, type SegmentFrames } from './group-reader.js';
import type { KeyRecord } from './key-rules.js';
import type { LogFiles, SegmentFiles } from './log-files.js';
import { createLogRules, type LogRules, readIdentity } from './log-rules.js';
import {
  type CommitEnd,
  changedBehind,
  findStrayBody,
  type OpenSegment,
  openSegment,
  readHeader,
  reopenSegment,
} from './segment-reader.js';
import { examineTail, NO_TAIL, type Tail } from './tail.js';

/** One record whose commit was checked. */
export interface ScannedRecord extends OpenedBodies {
  readonly index: number;
  readonly leaf: Leaf;
  /** The stored bytes of the leaf; copy what is kept. */
  readonly leafBytes: Buffer;
  /** Hex. */
  readonly leafHash: string;
  /** What its digests are under; undefined where they stand as they are. */
  readonly blind: Blind | undefined;
}

/** Where and why the log's bytes stop making sense. */
export interface ScanProblem {
  /** `torn`: an interrupted write can leave this. `tampered`: nothing but an edit can. */
  readonly severity: 'torn' | 'tampered';
  readonly code: string;
  readonly message: string;
  readonly segment: number;
  readonly offset: number;
}

/** What a whole scan found. The first `size` records are proven by the log's own key. */
export interface ScanResult {
  readonly origin: string | undefined;
  readonly vkey: string | undefined;
  readonly size: number;
  /** Roots at the sizes asked for, as far as the log reaches. */
  readonly roots: ReadonlyMap<number, Buffer>;
  /** The last record is `writer.close`. */
  readonly closed: boolean;
  readonly commits: number;
  /** The newest verified commit as it was signed; undefined without one. */
  readonly lastCommit: Buffer | undefined;
  /** Without unused space. */
  readonly bytes: number;
  readonly tail: Tail;
  /** Numbers of archived segments whose bodies are not here though records name some. */
  readonly bodiesMissing: readonly number[];
  readonly keys: readonly KeyRecord[];
  readonly problem: ScanProblem | undefined;
}

export interface ScanOptions {
  readonly keepBody: KeepBody;
  /** Tree sizes whose roots the caller wants to compare. */
  readonly rootsAt: ReadonlySet<number>;
  /** Opens session keys; without it encrypted bodies stay unread. */
  readonly openKey?: OpenKey | undefined;
}

/** What a log has proven so far, and where: a scan that is given it goes on from there. */
export interface ScanState {
  readonly tree: Tree;
  readonly rules: LogRules;
  readonly roots: Map<number, Buffer>;
  readonly bodiesMissing: Set<number>;
  origin: string | undefined;
  vkey: string | undefined;
  verifier: NoteVerifier | undefined;
  size: number;
  previous: Buffer;
  closed: boolean;
  commits: number;
  lastCommit: Buffer | undefined;
  /** Of `size` records; undefined without any. */
  root: Buffer | undefined;
  /** Where the last commit stands; undefined without one. */
  place: (CommitEnd & { readonly segment: number }) | undefined;
  /** A group was found wrong after parts of it were taken: nothing can be read on from here. */
  broken: boolean;
  bytes: number;
}

/** A scan that has read nothing. Memory grows with the sessions of the log. */
export function createScanState(): ScanState {
  return {
    tree: createTree(),
    rules: createLogRules(),
    roots: new Map(),
    bodiesMissing: new Set(),
    origin: undefined,
    vkey: undefined,
    verifier: undefined,
    size: 0,
    previous: NO_PREVIOUS_COMMIT,
    closed: false,
    commits: 0,
    lastCommit: undefined,
    root: undefined,
    place: undefined,
    broken: false,
    bytes: 0,
  };
}

/**
 * Reads one log from its first byte to its last, yields the records of each commit once it is verified, and returns what
 * the log as a whole is. Checks everything docs/recording-format.md says about a log taken alone. Rejects only when a file
 * cannot be read. Given a state, it reads only what follows, and keeps it up to date.
 */
export async function* scanLog(
  files: LogFiles,
  options: ScanOptions,
  state = createScanState(),
): AsyncGenerator<readonly ScannedRecord[], ScanResult> {
  const opener = createBodyOpener({
    files,
    origin: () => state.origin ?? '',
    keys: state.rules.keys,
    openKey: options.openKey,
  });
  const last = files.segments.at(-1);
  let expected = state.place?.segment ?? 1;
  for (const segment of files.segments) {
    if (segment.segment < expected) continue;
    if (segment.segment !== expected)
      return toResult(state, NO_TAIL, tampered('missing-segment', `segment ${expected} is missing`, expected));
    expected += 1;
    const end = yield* scanSegment({ state, files, segment, isLast: segment === last, options, opener });
    if (end !== undefined) return toResult(state, end.tail, end.problem);
  }
  return toResult(state, NO_TAIL, undefined);
}

interface SegmentScan {
  readonly state: ScanState;
  readonly files: LogFiles;
  readonly segment: SegmentFiles;
  readonly isLast: boolean;
  readonly options: ScanOptions;
  readonly opener: BodyOpener;
}

type SegmentEnd = { readonly tail: Tail; readonly problem: ScanProblem } | undefined;

async function* scanSegment(scan: SegmentScan): AsyncGenerator<readonly ScannedRecord[], SegmentEnd> {
  const { state, files, segment, isLast, options, opener } = scan;
  const known = state.place?.segment === segment.segment ? state.place : undefined;
  let open: OpenSegment | undefined;
  let soundUntil = 0;
  let recordBytes = known?.records ?? 0;
  try {
    open = await (known === undefined
      ? openSegment(files, segment, isLast)
      : reopenSegment(files, segment, known, isLast));
    const { frames } = open;
    state.bytes += open.bytes;
    if (known === undefined) {
      const header = await readHeader(frames);
      checkHeader(header, scan);
      recordBytes = FRAME_HEADER_BYTES + header.byteLength;
    } else await checkLastCommit(frames.records, state);
    soundUntil = frames.records.position;
    for (;;) {
      const group = await readGroup(frames, options.keepBody);
      if (group === undefined) break;
      const first = state.size;
      const blinding = await acceptGroup(group, state, options.rootsAt);
      soundUntil = group.end;
      recordBytes += group.recordBytes;
      state.place = placeOf(group, { segment: segment.segment, frames, recordBytes });
      yield await openRecords(group, { first, opener, state, segment, blinding });
    }
    const stray = await findStrayBody(frames);
    if (stray !== undefined) throw stray;
    if (!isLast && state.place?.segment !== segment.segment)
      throw new Break('empty-segment', 'a segment without a commit is followed by another', 0);
    return undefined;
  } catch (error) {
    if (!(error instanceof Break)) throw error;
    const tail =
      open === undefined ? NO_TAIL : await examineTail(files.source, { file: open.file, from: soundUntil }, state);
    const isTorn = error.isTornWrite && isLast && !state.closed && tail.isPlausiblyTorn;
    const stray = isTorn && open !== undefined ? await findStrayBody(open.frames) : undefined;
    const { code, message, offset } = stray ?? error;
    const severity = isTorn && stray === undefined ? 'torn' : 'tampered';
    state.broken = severity === 'tampered';
    return { tail, problem: { severity, code, message, segment: segment.segment, offset } };
  }
}

/** Where the commit at the end of a group stands. */
function placeOf(
  { commit, end }: Group,
  {
    segment,
    frames,
    recordBytes,
  }: { readonly segment: number; readonly frames: SegmentFrames; readonly recordBytes: number },
): ScanState['place'] {
  const whole = frames.bodies === 'inline' ? end : undefined;
  return { segment, whole, records: recordBytes, bytes: FRAME_HEADER_BYTES + commit.byteLength };
}

async function checkLastCommit(records: FrameReader, { lastCommit }: ScanState): Promise<void> {
  const frame = await records.next();
  const isSame = frame.kind === 'frame' && frame.type === 'commit' && lastCommit?.equals(frame.payload) === true;
  if (!isSame) throw changedBehind(frame.offset);
}

interface RecordsPlace {
  readonly first: number;
  readonly opener: BodyOpener;
  readonly state: ScanState;
  readonly segment: SegmentFiles;
  /** The key whose blind covers each record's digests, if any. */
  readonly blinding: readonly (KeyRecord | undefined)[];
}

async function openRecords(
  group: Group,
  { first, opener, state, segment, blinding }: RecordsPlace,
): Promise<ScannedRecord[]> {
  const records: ScannedRecord[] = [];
  for (const [position, record] of group.records.entries()) {
    const { leaf, leafBytes, leafHash, bodiesMissing } = record;
    if (bodiesMissing) state.bodiesMissing.add(segment.segment);
    const read = opener.open(record);
    const { bodies, unread } = read instanceof Promise ? await read : read;
    const key = blinding[position];
    const blind = key === undefined ? undefined : opener.blindOf(key);
    records.push({
      index: first + position,
      leaf,
      leafBytes,
      leafHash: leafHash.toString('hex'),
      bodies,
      unread,
      blind: blind instanceof Promise ? await blind : blind,
    });
  }
  return records;
}

function checkHeader(payload: Buffer, { state, files, segment }: SegmentScan): void {
  if (state.closed) throw new Break('after-close', 'a segment after writer.close', 0);
  const origin = state.origin ?? originOfSegmentHeader(payload);
  if (origin === undefined || !origin.endsWith(`/w/${files.ulid}`))
    throw new Break('bad-header', 'the segment does not start with the header of this log', 0);
  const expected = encodeSegmentHeader({
    origin,
    segment: segment.segment,
    first: state.size,
    previous: state.previous,
  });
  if (!expected.equals(payload)) throw new Break('bad-header', 'the header does not continue the log', 0);
  state.origin = origin;
}

/** Checks a group and takes it; gives the key whose blind covers each record's digests. */
async function acceptGroup(
  group: Group,
  state: ScanState,
  rootsAt: ReadonlySet<number>,
): Promise<readonly (KeyRecord | undefined)[]> {
  const offset = group.commitOffset;
  const verifier = state.verifier ?? readVerifier(group, state);
  const note = checkNote(group.commit, verifier);
  const text = note instanceof Promise ? await note : note;
  const commit = text === undefined ? undefined : parseCommitText(text);
  if (commit === undefined) throw new Break('bad-signature', "a commit is not signed by the writer's key", offset);
  const roots: [number, Buffer][] = [];
  for (const { leafHash } of group.records) {
    state.tree.append(leafHash);
    if (rootsAt.has(state.tree.size)) roots.push([state.tree.size, state.tree.root()]);
  }
  if (commit.origin !== state.origin || commit.size !== state.tree.size)
    throw new Break('bad-commit', 'a commit is for another log or size', offset);
  if (!commit.root.equals(state.tree.root()))
    throw new Break('root-mismatch', 'records are not the ones that were signed', offset);
  if (!commit.previous.equals(state.previous))
    throw new Break('commit-chain', 'a commit does not follow the one before it', offset);
  const blinding = group.records.map((record, index) => state.rules.check(record, state.size + index));
  for (const [size, root] of roots) state.roots.set(size, root);
  state.verifier = verifier;
  state.size = state.tree.size;
  state.previous = sha256(group.commit);
  state.closed = group.records.at(-1)?.leaf.kind === 'writer.close';
  state.commits += 1;
  // What was read with it must not stay in memory.
  state.lastCommit = Buffer.from(group.commit);
  state.root = commit.root;
  return blinding;
}

/** The log's key stands in its first record; trust in it comes from outside. */
function readVerifier(group: Group, state: ScanState): NoteVerifier {
  const identity = readIdentity(group.records[0]);
  const verifier = identity === undefined ? undefined : parseVkey(identity.vkey);
  if (
    identity === undefined ||
    verifier === undefined ||
    identity.origin !== state.origin ||
    verifier.name !== state.origin
  ) {
    throw new Break('bad-open', 'the log does not start with a writer.open that names its key', group.commitOffset);
  }
  state.vkey = identity.vkey;
  return verifier;
}

function tampered(code: string, message: string, segment: number): ScanProblem {
  return { severity: 'tampered', code, message, segment, offset: 0 };
}

function toResult(state: ScanState, tail: Tail, problem: ScanProblem | undefined): ScanResult {
  const { origin, vkey, size, roots, closed, commits, lastCommit, bytes, rules } = state;
  const bodiesMissing = [...state.bodiesMissing];
  return {
    origin,
    vkey,
    size,
    roots,
    closed,
    commits,
    lastCommit,
    bytes,
    tail,
    bodiesMissing,
    keys: rules.keys,
    problem,
  };
}
