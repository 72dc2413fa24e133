import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCommitText } from '../format/checkpoint.js';
import { sha256 } from '../format/merkle.js';
import { previousOfSegmentHeader, segmentName } from '../format/segment-header.js';
import { type NoteVerifier, openNote, parseVkey } from '../format/signed-note.js';
import { Break } from './break.js';
import { createFrameReader, type FrameReader } from './frame-reader.js';
import { readGroup } from './group-reader.js';
import type { LogFiles } from './log-files.js';
import { readIdentity, type WriterIdentity } from './log-rules.js';
import { examineTail, NO_TAIL, type Tail } from './tail.js';
import { usedLength } from './used-length.js';

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
  if (files.segments[0] !== 1) return undefined;
  const file = await open(join(files.path, segmentName(1)), 'r');
  try {
    const reader = createFrameReader(file, (await file.stat()).size);
    await reader.next();
    const group = await readGroup(reader, KEEP_NOTHING);
    return readIdentity(group?.records[0]);
  } catch (error) {
    if (error instanceof Break) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}

interface SegmentTip {
  size: number;
  root: Buffer | undefined;
  closed: boolean;
  tail: Tail;
}

async function peekSegment(files: LogFiles, segment: number, verifier: NoteVerifier | undefined): Promise<SegmentTip> {
  const tip: SegmentTip = { size: 0, root: undefined, closed: false, tail: NO_TAIL };
  const file = await open(join(files.path, segmentName(segment)), 'r');
  const context = { verifier, size: 0, previous: sha256() };
  let soundUntil = 0;
  const stored = (await file.stat()).size;
  const size = segment === files.segments.at(-1) ? await usedLength(file, stored) : stored;
  try {
    const reader = createFrameReader(file, size);
    context.previous = await readPrevious(reader);
    soundUntil = reader.position;
    for (;;) {
      const group = await readGroup(reader, KEEP_NOTHING);
      if (group === undefined) return tip;
      const text = verifier === undefined ? undefined : openNote(group.commit, verifier);
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
    return { ...tip, tail: await examineTail(file, { from: soundUntil, to: size }, context) };
  } finally {
    await file.close();
  }
}

async function readPrevious(reader: FrameReader): Promise<Buffer> {
  const frame = await reader.next();
  const previous =
    frame.kind === 'frame' && frame.type === 'header' ? previousOfSegmentHeader(frame.payload) : undefined;
  if (previous === undefined) throw new Break('bad-header', 'the segment does not start with a header', 0);
  return previous;
}
