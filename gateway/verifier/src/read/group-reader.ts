import { FRAME_HEADER_BYTES } from '../format/frame.js';
import { type BodyPart, type Leaf, parseLeaf } from '../format/leaf.js';
import { hashLeaf, sha256 } from '../format/merkle.js';
import { Break } from './break.js';
import type { FrameRead, FrameReader } from './frame-reader.js';

/** No writer makes a larger group: one record may fill the queue, and framing and commit come on top. */
export const MAX_GROUP_BYTES = 68 * 1024 * 1024;

/** A record as it stands in its group. */
export interface GroupRecord {
  readonly leaf: Leaf;
  readonly leafBytes: Buffer;
  readonly leafHash: Buffer;
  /** Stored bytes in the order of `leaf.parts`; undefined where not kept or not here. */
  readonly stored: readonly (Buffer | undefined)[];
  /** The bodies' file of this segment is not here. */
  readonly bodiesMissing: boolean;
  readonly offset: number;
}

/** `(body* entry)+ commit`. Nothing in it is proven before the commit is. */
export interface Group {
  readonly records: readonly GroupRecord[];
  readonly commit: Buffer;
  readonly commitOffset: number;
  /** First byte after the group. */
  readonly end: number;
  /** Length of its frames without those of bodies. */
  readonly recordBytes: number;
}

/** Says which bodies a reader wants to hold. */
export type KeepBody = (name: string) => boolean;

/** Where a segment's frames come from. */
export interface SegmentFrames {
  readonly records: FrameReader;
  /** `inline`: in the same file, before their entry. `missing`: archived apart, and not here. */
  readonly bodies: FrameReader | 'inline' | 'missing';
}

const NOTHING_STORED: readonly undefined[] = Object.freeze([]);

/** Reads one group; undefined at the clean end of a segment. Throws `Break` where the grammar is left. */
export async function readGroup(
  { records: reader, bodies }: SegmentFrames,
  keepBody: KeepBody,
): Promise<Group | undefined> {
  const records: GroupRecord[] = [];
  let loose: Buffer[] = [];
  let bytes = 0;
  let recordBytes = 0;
  function count(payload: Buffer, offset: number): void {
    bytes += payload.byteLength;
    if (bytes > MAX_GROUP_BYTES) throw new Break('group-too-large', 'a group is larger than any writer makes', offset);
  }
  for (;;) {
    const read = reader.next();
    const frame = read instanceof Promise ? await read : read;
    if (frame.kind === 'bad') throw new Break('bad-frame', frame.reason, frame.offset);
    if (frame.kind === 'end') {
      if (records.length === 0 && loose.length === 0) return undefined;
      throw new Break('no-commit', 'records without a commit', frame.offset);
    }
    count(frame.payload, frame.offset);
    if (frame.type !== 'body') recordBytes += FRAME_HEADER_BYTES + frame.payload.byteLength;
    switch (frame.type) {
      case 'body':
        // Behind the last commit an archived segment keeps the unfinished group as it was.
        if (bodies !== 'inline') throw new Break('bad-frame', 'a body among archived records', frame.offset);
        loose.push(frame.payload);
        break;
      case 'entry': {
        const leaf = readLeaf(frame);
        if (typeof bodies === 'object') {
          for (const _ of leaf.parts) {
            const body = await readArchivedBody(bodies);
            count(body, frame.offset);
            loose.push(body);
          }
        }
        const isMissing = bodies === 'missing' && leaf.parts.length > 0;
        if (!isMissing) checkBodies(leaf.parts, loose, frame.offset);
        records.push({
          leaf,
          leafBytes: frame.payload,
          leafHash: hashLeaf(frame.payload),
          stored: isMissing ? NOTHING_STORED : keepStored(leaf.parts, loose, keepBody),
          bodiesMissing: isMissing,
          offset: frame.offset,
        });
        loose = [];
        break;
      }
      case 'commit':
        if (records.length === 0 || loose.length > 0)
          throw new Break('stray-commit', 'a commit without records before it', frame.offset);
        return { records, commit: frame.payload, commitOffset: frame.offset, end: reader.position, recordBytes };
      case 'header':
        throw new Break('stray-header', 'a header inside a segment', frame.offset);
    }
  }
}

/** The leaf in an entry's frame. Throws `Break` where there is none. */
export function readLeaf(frame: Extract<FrameRead, { kind: 'frame' }>): Leaf {
  const leaf = parseLeaf(frame.payload);
  if (leaf === undefined)
    throw new Break('bad-leaf', 'an entry is not the canonical JSON of a known record', frame.offset);
  return leaf;
}

async function readArchivedBody(bodies: FrameReader): Promise<Buffer> {
  const frame = await bodies.next();
  if (frame.kind === 'frame' && frame.type === 'body') return frame.payload;
  throw new Break('body-mismatch', "the bodies' file does not hold the bodies its records name", frame.offset);
}

/** Throws `Break` unless these are the stored bytes that the parts name. */
export function checkBodies(parts: readonly BodyPart[], loose: readonly Buffer[], offset: number): void {
  const isNamed =
    parts.length === loose.length &&
    parts.every(({ digest, length }, index) => {
      const bytes = loose[index];
      return bytes?.byteLength === length && sha256(bytes).toString('hex') === digest;
    });
  if (!isNamed) throw new Break('body-mismatch', 'bodies are not the ones their entry names', offset);
}

/** The stored bytes a reader wants to hold, in the order of the parts. */
export function keepStored(
  parts: readonly BodyPart[],
  loose: readonly Buffer[],
  keepBody: KeepBody,
): readonly (Buffer | undefined)[] {
  if (parts.length === 0) return NOTHING_STORED;
  return parts.map(({ name }, index) => (keepBody(name) ? loose[index] : undefined));
}
