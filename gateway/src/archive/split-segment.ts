import {
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  isFrameIntact,
  originOfSegmentHeader,
  parseCanonicalObject,
} from '@piste/verifier';

/**
 * A segment as two objects. `entries` (`.sfr`): header, entries, commits and, as they are, the bytes behind the last commit.
 * `bodies` (`.sfb`): the same header, then the body frames in order. Slices of the segment, not copies. Zeros at the end
 * are left out.
 */
export interface SplitSegment {
  /** The log's name as the header has it. */
  readonly origin: string | undefined;
  /** Index of the first record, and number of records under a commit. */
  readonly first: number;
  readonly count: number;
  readonly entries: readonly Uint8Array[];
  /** Undefined when not even the header is whole: then `entries` is the file as it is. */
  readonly bodies: readonly Uint8Array[] | undefined;
  /** The last record under a commit is the log's end. */
  readonly isEnd: boolean;
  /** Bytes behind the last commit, without zeros at their end. */
  readonly tailBytes: number;
}

interface Walk {
  origin: string | undefined;
  first: number | undefined;
  count: number;
  entries: Uint8Array[];
  bodies: Uint8Array[];
  /** End of the last commit. */
  end: number;
  lastRecord: Uint8Array | undefined;
}

/** Splits a segment. Bytes that are no frames are never an error: they are the tail. */
export function splitSegment(segment: Buffer): SplitSegment {
  const walk = walkGroups(segment);
  const tail = withoutZeroEnd(segment.subarray(walk.end));
  const isHeaderWhole = walk.first !== undefined;
  return {
    origin: walk.origin,
    first: walk.first ?? 0,
    count: walk.count,
    entries: tail.byteLength === 0 ? walk.entries : [...walk.entries, tail],
    bodies: isHeaderWhole ? walk.bodies : undefined,
    isEnd: walk.lastRecord !== undefined && parseCanonicalObject(walk.lastRecord)?.['k'] === 'writer.close',
    tailBytes: tail.byteLength,
  };
}

/** Sorts the frames of whole groups; a group counts once its commit frame was met. */
function walkGroups(segment: Buffer): Walk {
  const walk: Walk = {
    origin: undefined,
    first: undefined,
    count: 0,
    entries: [],
    bodies: [],
    end: 0,
    lastRecord: undefined,
  };
  let group: { count: number; entries: Uint8Array[]; bodies: Uint8Array[] } = { count: 0, entries: [], bodies: [] };
  let at = 0;
  for (;;) {
    const header = segment.subarray(at, at + FRAME_HEADER_BYTES);
    const decoded = decodeFrameHeader(header);
    if (!decoded.ok) return walk;
    const end = at + FRAME_HEADER_BYTES + decoded.payloadBytes;
    const payload = segment.subarray(at + FRAME_HEADER_BYTES, end);
    if (end > segment.byteLength || !isFrameIntact(header, payload)) return walk;
    if ((decoded.type === 'header') !== (at === 0)) return walk;
    const frame = segment.subarray(at, end);
    at = end;
    switch (decoded.type) {
      case 'header': {
        const first = parseCanonicalObject(payload)?.['first'];
        if (typeof first !== 'number') return walk;
        const origin = originOfSegmentHeader(payload);
        Object.assign(walk, { origin, first, entries: [frame], bodies: [frame], end });
        break;
      }
      case 'body':
        group.bodies.push(frame);
        break;
      case 'entry':
        group.entries.push(frame);
        group.count += 1;
        break;
      case 'commit':
        for (const entry of group.entries) walk.entries.push(entry);
        for (const body of group.bodies) walk.bodies.push(body);
        walk.entries.push(frame);
        walk.count += group.count;
        walk.lastRecord = group.entries.at(-1)?.subarray(FRAME_HEADER_BYTES);
        walk.end = end;
        group = { count: 0, entries: [], bodies: [] };
        break;
    }
  }
}

/** Joins the two objects to the segment they came from, by the body parts each entry names. */
export function joinSegment(entries: Buffer, bodies: Buffer): Buffer {
  const parts: Uint8Array[] = [];
  let at = 0;
  let bodyAt = frameEnd(bodies, 0);
  while (at < entries.byteLength) {
    const header = decodeFrameHeader(entries.subarray(at, at + FRAME_HEADER_BYTES));
    if (!header.ok || frameEnd(entries, at) > entries.byteLength) break;
    const end = frameEnd(entries, at);
    if (header.type === 'body') break;
    if (header.type === 'entry') {
      const count = bodyCount(entries.subarray(at + FRAME_HEADER_BYTES, end));
      for (let body = 0; body < count && bodyAt < bodies.byteLength; body += 1) {
        parts.push(bodies.subarray(bodyAt, frameEnd(bodies, bodyAt)));
        bodyAt = frameEnd(bodies, bodyAt);
      }
    }
    parts.push(entries.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...parts, entries.subarray(at)]);
}

function frameEnd(bytes: Buffer, at: number): number {
  const header = decodeFrameHeader(bytes.subarray(at, at + FRAME_HEADER_BYTES));
  return header.ok ? at + FRAME_HEADER_BYTES + header.payloadBytes : bytes.byteLength;
}

function bodyCount(leaf: Uint8Array): number {
  const list = parseCanonicalObject(leaf)?.['b'];
  return Array.isArray(list) ? list.length : 0;
}

/** Space reserved in advance belongs to nothing; no whole frame of a log ends in a zero byte. */
function withoutZeroEnd(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
}
