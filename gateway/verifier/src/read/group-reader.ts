import { type BodyPart, type Leaf, parseLeaf } from '../format/leaf.js';
import { hashLeaf, sha256 } from '../format/merkle.js';
import { Break } from './break.js';
import type { FrameReader } from './frame-reader.js';

/** No writer makes a larger group: one record may fill the queue, and framing and commit come on top. */
export const MAX_GROUP_BYTES = 68 * 1024 * 1024;

/** A record as it stands in its group. */
export interface GroupRecord {
  readonly leaf: Leaf;
  readonly leafHash: Buffer;
  /** Whole bodies by name; empty unless kept. */
  readonly bodies: ReadonlyMap<string, Buffer>;
  readonly offset: number;
}

/** `(body* entry)+ commit`. Nothing in it is proven before the commit is. */
export interface Group {
  readonly records: readonly GroupRecord[];
  readonly commit: Buffer;
  readonly commitOffset: number;
  /** First byte after the group. */
  readonly end: number;
}

/** A body frame that still waits for the entry that names it. */
interface LooseBody {
  readonly digest: string;
  readonly bytes: Buffer;
}

/** Says which bodies a reader wants to hold. */
export type KeepBody = (name: string) => boolean;

/** Reads one group; undefined at the clean end of a segment. Throws `Break` where the grammar is left. */
export async function readGroup(reader: FrameReader, keepBody: KeepBody): Promise<Group | undefined> {
  const records: GroupRecord[] = [];
  let loose: LooseBody[] = [];
  let bytes = 0;
  for (;;) {
    const frame = await reader.next();
    if (frame.kind === 'bad') throw new Break('bad-frame', frame.reason, frame.offset);
    if (frame.kind === 'end') {
      if (records.length === 0 && loose.length === 0) return undefined;
      throw new Break('no-commit', 'records without a commit', frame.offset);
    }
    bytes += frame.payload.byteLength;
    if (bytes > MAX_GROUP_BYTES)
      throw new Break('group-too-large', 'a group is larger than any writer makes', frame.offset);
    switch (frame.type) {
      case 'body':
        loose.push({ digest: sha256(frame.payload).toString('hex'), bytes: frame.payload });
        break;
      case 'entry':
        records.push(readRecord(frame.payload, { loose, keepBody, offset: frame.offset }));
        loose = [];
        break;
      case 'commit':
        if (records.length === 0 || loose.length > 0)
          throw new Break('stray-commit', 'a commit without records before it', frame.offset);
        return { records, commit: frame.payload, commitOffset: frame.offset, end: reader.position };
      case 'header':
        throw new Break('stray-header', 'a header inside a segment', frame.offset);
    }
  }
}

interface RecordContext {
  readonly loose: readonly LooseBody[];
  readonly keepBody: KeepBody;
  readonly offset: number;
}

function readRecord(payload: Buffer, { loose, keepBody, offset }: RecordContext): GroupRecord {
  const leaf = parseLeaf(payload);
  if (leaf === undefined) throw new Break('bad-leaf', 'an entry is not the canonical JSON of a known record', offset);
  const isNamed = leaf.parts.length === loose.length && leaf.parts.every((part, index) => names(part, loose[index]));
  if (!isNamed) throw new Break('body-mismatch', 'bodies are not the ones their entry names', offset);
  return { leaf, leafHash: hashLeaf(payload), bodies: joinBodies(leaf.parts, loose, keepBody), offset };
}

function names(part: BodyPart, body: LooseBody | undefined): boolean {
  return body !== undefined && part.digest === body.digest && part.length === body.bytes.byteLength;
}

function joinBodies(
  parts: readonly BodyPart[],
  loose: readonly LooseBody[],
  keepBody: KeepBody,
): ReadonlyMap<string, Buffer> {
  const pieces = new Map<string, Buffer[]>();
  for (const [index, { name }] of parts.entries()) {
    const bytes = loose[index]?.bytes;
    if (bytes === undefined || !keepBody(name)) continue;
    const list = pieces.get(name) ?? [];
    list.push(bytes);
    pieces.set(name, list);
  }
  return new Map([...pieces].map(([name, list]) => [name, Buffer.concat(list)]));
}
