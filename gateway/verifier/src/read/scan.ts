import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_PREVIOUS_COMMIT, parseCommitText } from '../format/checkpoint.js';
import type { Leaf } from '../format/leaf.js';
import { createTree, sha256, type Tree } from '../format/merkle.js';
import { encodeSegmentHeader, originOfSegmentHeader, segmentName } from '../format/segment-header.js';
import { type NoteVerifier, openNote, parseVkey } from '../format/signed-note.js';
import { Break } from './break.js';
import { createFrameReader, type FrameRead } from './frame-reader.js';
import { type Group, type KeepBody, readGroup } from './group-reader.js';
import type { LogFiles } from './log-files.js';
import { createLogRules, type LogRules, readIdentity } from './log-rules.js';
import { examineTail, NO_TAIL, type Tail } from './tail.js';
import { usedLength } from './used-length.js';

/** One record whose commit was checked. */
export interface ScannedRecord {
  readonly index: number;
  readonly leaf: Leaf;
  /** Hex. */
  readonly leafHash: string;
  /** Whole bodies by name; empty unless the scan keeps them. */
  readonly bodies: ReadonlyMap<string, Buffer>;
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
  readonly bytes: number;
  readonly tail: Tail;
  readonly problem: ScanProblem | undefined;
}

export interface ScanOptions {
  readonly keepBody: KeepBody;
  /** Tree sizes whose roots the caller wants to compare. */
  readonly rootsAt: ReadonlySet<number>;
}

/** What the log has proven so far. */
interface State {
  readonly tree: Tree;
  readonly rules: LogRules;
  readonly roots: Map<number, Buffer>;
  origin: string | undefined;
  vkey: string | undefined;
  verifier: NoteVerifier | undefined;
  size: number;
  previous: Buffer;
  closed: boolean;
  commits: number;
  bytes: number;
}

/**
 * Reads one log from its first byte to its last, yields each record once the commit over it is verified, and returns what
 * the log as a whole is. Checks everything docs/recording-format.md says about a log taken alone. Rejects only when a file
 * cannot be read.
 */
export async function* scanLog(files: LogFiles, options: ScanOptions): AsyncGenerator<ScannedRecord, ScanResult> {
  const state: State = {
    tree: createTree(),
    rules: createLogRules(),
    roots: new Map(),
    origin: undefined,
    vkey: undefined,
    verifier: undefined,
    size: 0,
    previous: NO_PREVIOUS_COMMIT,
    closed: false,
    commits: 0,
    bytes: 0,
  };
  const last = files.segments.at(-1);
  for (const [position, segment] of files.segments.entries()) {
    if (segment !== position + 1) {
      return toResult(state, NO_TAIL, tampered('missing-segment', `segment ${position + 1} is missing`, position + 1));
    }
    const file = await open(join(files.path, segmentName(segment)), 'r');
    try {
      const end = yield* scanSegment(file, { state, files, segment, isLast: segment === last, options });
      if (end !== undefined) return toResult(state, end.tail, end.problem);
    } finally {
      await file.close();
    }
  }
  return toResult(state, NO_TAIL, undefined);
}

interface SegmentScan {
  readonly state: State;
  readonly files: LogFiles;
  readonly segment: number;
  readonly isLast: boolean;
  readonly options: ScanOptions;
}

type SegmentEnd = { readonly tail: Tail; readonly problem: ScanProblem } | undefined;

async function* scanSegment(file: FileHandle, scan: SegmentScan): AsyncGenerator<ScannedRecord, SegmentEnd> {
  const { state, segment, isLast, options } = scan;
  const stored = (await file.stat()).size;
  // Only the segment a writer was at can hold zeros written ahead.
  const size = isLast ? await usedLength(file, stored) : stored;
  const reader = createFrameReader(file, size);
  let soundUntil = 0;
  state.bytes += size;
  try {
    checkHeader(await reader.next(), scan);
    soundUntil = reader.position;
    const commitsBefore = state.commits;
    for (;;) {
      const group = await readGroup(reader, options.keepBody);
      if (group === undefined) break;
      const first = state.size;
      acceptGroup(group, state, options.rootsAt);
      soundUntil = group.end;
      yield* group.records.map(({ leaf, leafHash, bodies }, offset) => ({
        index: first + offset,
        leaf,
        leafHash: leafHash.toString('hex'),
        bodies,
      }));
    }
    if (!isLast && state.commits === commitsBefore)
      throw new Break('empty-segment', 'a segment without a commit is followed by another', 0);
    return undefined;
  } catch (error) {
    if (!(error instanceof Break)) throw error;
    const tail = await examineTail(file, { from: soundUntil, to: size }, state);
    const isTorn = error.isTornWrite && isLast && !state.closed && tail.isPlausiblyTorn;
    const { code, message, offset } = error;
    return { tail, problem: { severity: isTorn ? 'torn' : 'tampered', code, message, segment, offset } };
  }
}

function checkHeader(frame: FrameRead, { state, files, segment }: SegmentScan): void {
  if (frame.kind === 'bad') throw new Break('bad-frame', frame.reason, frame.offset);
  if (frame.kind === 'end') throw new Break('no-header', 'the segment is empty', frame.offset);
  if (state.closed) throw new Break('after-close', 'a segment after writer.close', frame.offset);
  const origin = state.origin ?? (frame.type === 'header' ? originOfSegmentHeader(frame.payload) : undefined);
  if (frame.type !== 'header' || origin === undefined || !origin.endsWith(`/w/${files.ulid}`)) {
    throw new Break('bad-header', 'the segment does not start with the header of this log', frame.offset);
  }
  const expected = encodeSegmentHeader({ origin, segment, first: state.size, previous: state.previous });
  if (!expected.equals(frame.payload))
    throw new Break('bad-header', 'the header does not continue the log', frame.offset);
  state.origin = origin;
}

function acceptGroup(group: Group, state: State, rootsAt: ReadonlySet<number>): void {
  const offset = group.commitOffset;
  const verifier = state.verifier ?? readVerifier(group, state);
  const text = openNote(group.commit, verifier);
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
  for (const [index, record] of group.records.entries()) state.rules.check(record, state.size + index);
  for (const [size, root] of roots) state.roots.set(size, root);
  state.verifier = verifier;
  state.size = state.tree.size;
  state.previous = sha256(group.commit);
  state.closed = group.records.at(-1)?.leaf.kind === 'writer.close';
  state.commits += 1;
}

/** The log's key stands in its first record; trust in it comes from outside. */
function readVerifier(group: Group, state: State): NoteVerifier {
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

function toResult(state: State, tail: Tail, problem: ScanProblem | undefined): ScanResult {
  const { origin, vkey, size, roots, closed, commits, bytes } = state;
  return { origin, vkey, size, roots, closed, commits, bytes, tail, problem };
}
