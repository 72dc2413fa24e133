import { parseCommitText } from '../format/checkpoint.js';
import { sha256 } from '../format/merkle.js';
import { previousOfSegmentHeader } from '../format/segment-header.js';
import { checkNote, type NoteVerifier, parseVkey } from '../format/signed-note.js';
import { Break } from './break.js';
import { readGroup, type SegmentFrames } from './group-reader.js';
import type { LogFiles, SegmentFiles } from './log-files.js';
import { readIdentity, type WriterIdentity } from './log-rules.js';
import { type OpenSegment, openSegment, readHeader } from './segment-reader.js';
import { examineTail, NO_TAIL, type Tail } from './tail.js';

/** How a log ends, as its own signatures say; the tree is not recomputed. */
export interface LogEnd {
  readonly identity: WriterIdentity | undefined;
  readonly size: number;
  readonly root: Buffer | undefined;
  readonly closed: boolean;
  readonly tail: Tail;
}

const KEEP_NOTHING = (): boolean => false;

/** Reads how a log ends from its last segments: a segment or two, however long the log. */
export async function peekLogEnd(files: LogFiles): Promise<LogEnd> {
  const identity = await readFirstIdentity(files);
  const verifier = identity === undefined ? undefined : parseVkey(identity.vkey);
  let tail = NO_TAIL;
  for (const segment of files.segments.toReversed()) {
    const end = await peekSegment(files, segment, verifier);
    if (segment === files.segments.at(-1)) ({ tail } = end);
    if (end.size > 0) return { identity, size: end.size, root: end.root, closed: end.closed, tail };
  }
  return { identity, size: 0, root: undefined, closed: false, tail };
}

async function readFirstIdentity(files: LogFiles): Promise<WriterIdentity | undefined> {
  const first = files.segments[0];
  if (first?.segment !== 1) return undefined;
  try {
    const { frames } = await openSegment(files, first, files.segments.length === 1);
    await readHeader(frames);
    const group = await readGroup(frames, KEEP_NOTHING);
    return readIdentity(group?.records[0]);
  } catch (error) {
    if (error instanceof Break) return undefined;
    throw error;
  }
}

interface SegmentTip {
  size: number;
  root: Buffer | undefined;
  closed: boolean;
  tail: Tail;
}

async function peekSegment(
  files: LogFiles,
  segment: SegmentFiles,
  verifier: NoteVerifier | undefined,
): Promise<SegmentTip> {
  const tip: SegmentTip = { size: 0, root: undefined, closed: false, tail: NO_TAIL };
  const context = { verifier, size: 0, previous: sha256() };
  let open: OpenSegment | undefined;
  let soundUntil = 0;
  try {
    open = await openSegment(files, segment, segment === files.segments.at(-1));
    const { frames } = open;
    context.previous = await readPrevious(frames);
    soundUntil = frames.records.position;
    for (;;) {
      const group = await readGroup(frames, KEEP_NOTHING);
      if (group === undefined) return tip;
      const text = verifier === undefined ? undefined : await checkNote(group.commit, verifier);
      const commit = text === undefined ? undefined : parseCommitText(text);
      if (!commit?.previous.equals(context.previous))
        throw new Break('bad-commit', 'a commit does not continue the log', group.commitOffset);
      context.previous = sha256(group.commit);
      context.size = commit.size;
      soundUntil = group.end;
      Object.assign(tip, {
        size: commit.size,
        root: commit.root,
        closed: group.records.at(-1)?.leaf.kind === 'writer.close',
      });
    }
  } catch (error) {
    if (!(error instanceof Break)) throw error;
    if (open === undefined) return tip;
    return { ...tip, tail: await examineTail(files.source, { file: open.file, from: soundUntil }, context) };
  }
}

async function readPrevious(frames: SegmentFrames): Promise<Buffer> {
  const previous = previousOfSegmentHeader(await readHeader(frames));
  if (previous === undefined) throw new Break('bad-header', 'the segment does not start with a header', 0);
  return previous;
}
