import { encodeFrame, FRAME_HEADER_BYTES } from '../format/frame.js';
import { createHashTree, type HashTree } from '../format/hash-tree.js';
import type { Leaf } from '../format/leaf.js';
import type { PartFile } from '../format/part-file.js';
import { makeTreePart } from '../format/tree-part.js';
import type { GroupRecord } from './group-reader.js';
import { readGroup } from './group-reader.js';
import type { LogFiles } from './log-files.js';
import type { LogRecord } from './read-log.js';
import { type ScannedRecord, type ScanProblem, scanLog } from './scan.js';
import { openSegment, readHeader } from './segment-reader.js';

/** Kinds of a log's own records that a session bundle holds: who wrote it, and what it says of how much it holds. */
const LOG_WORD_KINDS: ReadonlySet<string> = new Set(['writer.open', 'mode.change', 'gap']);

/** True for a record of a log's own that may stand in a session bundle. */
export function isLogWord({ kind, strand }: Leaf): boolean {
  return strand === undefined && LOG_WORD_KINDS.has(kind);
}

/** One log's records of a session, found and ready to be written to a session bundle. */
export interface SessionCut {
  readonly files: LogFiles;
  readonly origin: string;
  /** Records of the session. */
  readonly records: number;
  /** Of them, those whose bodies are not here. */
  readonly bodiesMissing: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Place of the session's last record. */
  readonly last: number;
  /** Numbers of the session's keys. */
  readonly keys: readonly number[];
  /** Records of the whole log. */
  readonly size: number;
  /** `proof.json`, with the roots the log had at these sizes. */
  proof(before: Iterable<number>): PartFile;
  /** Bytes of `records.sfs`. */
  readonly recordsBytes: number;
  /** `records.sfs`, in pieces: reads the log again. */
  pieces(): AsyncGenerator<Uint8Array>;
  /** What `readSessionRecords` gives of the bundle: reads the log again. */
  readable(): AsyncGenerator<LogRecord>;
}

/** What was found in one log. */
export interface SessionSearch {
  /** Where the log stops making sense: what is behind was not looked at. */
  readonly problem: ScanProblem | undefined;
  /** Whether there are records of the session. */
  readonly isFound: boolean;
  /** The session's connection, where the log says which. */
  readonly connection: string | undefined;
  /** What a session bundle holds of it. Changes of mode of other connections stay out; where the session's is not known, all stay. */
  cut(connection: string | undefined): SessionCut;
}

/** What a record adds. */
interface Noted {
  readonly place: number;
  readonly leaf: Pick<Leaf, 'kind' | 'strand' | 'timeMs' | 'fields'>;
  readonly bytes: number;
  readonly bodiesMissing: boolean;
}

/** Looks for a session's records in one log. Holds 64 bytes for each record of the log. Rejects when a file cannot be read. */
export async function searchSession(files: LogFiles, sessionId: string): Promise<SessionSearch> {
  const tree = createHashTree();
  const noted: Noted[] = [];
  const groups = scanLog(files, { keepBody: () => false, rootsAt: new Set() });
  for (;;) {
    const step = await groups.next();
    if (step.done) {
      const { problem, origin = '', lastCommit = Buffer.alloc(0) } = step.value;
      const own = noted.filter(({ leaf }) => leaf.strand !== undefined);
      const opened = own.find(({ leaf }) => leaf.kind === 'session.open')?.leaf.fields['connection'];
      return {
        problem,
        isFound: own.length > 0,
        connection: typeof opened === 'string' ? opened : undefined,
        cut: (connection) =>
          toCut(files, {
            tree,
            origin,
            noted: noted.filter(concerns(connection)),
            own,
            note: lastCommit.toString('utf8'),
          }),
      };
    }
    for (const record of step.value) {
      const { leaf, leafHash } = record;
      tree.append(Buffer.from(leafHash, 'hex'));
      if (leaf.strand?.sessionId === sessionId || isLogWord(leaf)) noted.push(note(record));
    }
  }
}

function note({ index, leaf: { kind, strand, timeMs, fields, parts }, leafBytes, unread }: ScannedRecord): Noted {
  const bodiesMissing = [...unread.values()].includes('missing');
  const bodies = bodiesMissing ? [] : parts;
  const bytes = [leafBytes.byteLength, ...bodies.map(({ length }) => length)].reduce(
    (sum, length) => sum + FRAME_HEADER_BYTES + length,
    0,
  );
  return { place: index, leaf: { kind, strand, timeMs, fields }, bytes, bodiesMissing };
}

function concerns(connection: string | undefined): (noted: Noted) => boolean {
  return ({ leaf: { kind, fields } }) =>
    kind !== 'mode.change' ||
    connection === undefined ||
    fields['connection'] === undefined ||
    fields['connection'] === connection;
}

interface CutParts {
  readonly tree: HashTree;
  readonly origin: string;
  readonly noted: readonly Noted[];
  readonly own: readonly Noted[];
  readonly note: string;
}

function toCut(files: LogFiles, { tree, origin, noted, own, note: commit }: CutParts): SessionCut {
  const places = noted.map(({ place }) => place);
  return {
    files,
    origin,
    records: own.length,
    bodiesMissing: own.filter(({ bodiesMissing }) => bodiesMissing).length,
    firstMs: own[0]?.leaf.timeMs ?? 0,
    lastMs: own.at(-1)?.leaf.timeMs ?? 0,
    last: own.at(-1)?.place ?? 0,
    keys: own.flatMap(({ leaf: { kind, fields } }) =>
      kind === 'key' && typeof fields['n'] === 'number' ? fields['n'] : [],
    ),
    size: tree.size,
    proof: (before) => ({ ...makeTreePart(tree, places, { before }), note: commit }),
    recordsBytes: noted.reduce((sum, { bytes }) => sum + bytes, 0),
    pieces: () => framesAt(files, new Set(places)),
    readable: () => recordsAt(files, new Set(places)),
  };
}

async function* recordsAt(files: LogFiles, places: ReadonlySet<number>): AsyncGenerator<LogRecord> {
  for await (const group of scanLog(files, { keepBody: () => true, rootsAt: new Set() })) {
    for (const record of group) if (places.has(record.index)) yield { ...record, log: files.ulid };
  }
}

/** The frames of these records as they are stored, each record's bodies before its entry. */
async function* framesAt(files: LogFiles, places: ReadonlySet<number>): AsyncGenerator<Uint8Array> {
  let index = 0;
  let left = places.size;
  const last = files.segments.at(-1);
  for (const segment of files.segments) {
    if (left === 0) return;
    const { frames } = await openSegment(files, segment, segment === last);
    await readHeader(frames);
    while (left > 0) {
      const group = await readGroup(frames, () => true);
      if (group === undefined) break;
      for (const record of group.records) {
        if (places.has(index)) {
          left -= 1;
          yield* framesOf(record);
        }
        index += 1;
      }
    }
  }
}

function* framesOf({ stored, leafBytes }: GroupRecord): Generator<Uint8Array> {
  for (const bytes of stored) if (bytes !== undefined) yield encodeFrame('body', bytes);
  yield encodeFrame('entry', leafBytes);
}
