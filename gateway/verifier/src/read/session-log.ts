import { type CommitText, parseCommitText } from '../format/checkpoint.js';
import { hashLeaf } from '../format/merkle.js';
import { type PartFile, parsePartFile } from '../format/part-file.js';
import { checkNote, parseVkey } from '../format/signed-note.js';
import { areEarlier, type PlacedLeaf, rootOfPart } from '../format/tree-part.js';
import { createBodyOpener, type OpenKey } from './body-opener.js';
import { Break } from './break.js';
import { createFrameReader } from './frame-reader.js';
import { checkBodies, type GroupRecord, type KeepBody, keepStored, MAX_GROUP_BYTES, readLeaf } from './group-reader.js';
import type { KeyRecord } from './key-rules.js';
import { type LogFiles, listRecording } from './log-files.js';
import { createLogRules, readIdentity } from './log-rules.js';
import type { LogRecord } from './read-log.js';
import type { ScannedRecord } from './scan.js';
import { asBuffer, type RecordingSource, type SourceFile } from './source.js';

/** Where the registry's part lies, beside the logs'. */
export const REGISTRY_PART = 'registry/proof.json';
/** Records of one session take a line of it each. */
const MAX_PART_FILE_BYTES = 256 * 1024 * 1024;

/** Files of one log in a session bundle. */
export const SESSION_LOG_FILES = Object.freeze({ proof: 'proof.json', records: 'records.sfs' });

/** One log's records of a session, as far as the log's own key proves them. */
export interface SessionLog {
  readonly ulid: string;
  readonly origin: string;
  readonly vkey: string;
  /** Records of the whole log, under the commit. */
  readonly size: number;
  /** Root at a size; undefined where the bundle does not show it. */
  rootAt(size: number): Buffer | undefined;
  /** Bytes of the shown records and their bodies. */
  readonly bytes: number;
  readonly files: LogFiles;
  /** Where the shown records stand. */
  readonly places: readonly number[];
  readonly recordsFile: SourceFile;
}

export interface SessionLogOptions {
  readonly keepBody: KeepBody;
  readonly openKey?: OpenKey | undefined;
}

/** What was learned on the way through a log's records. */
export interface SessionLogEnd {
  /** By number; only those that are shown. */
  readonly keys: readonly (KeyRecord | undefined)[];
  /** Records whose bodies are not here. */
  readonly bodiesMissing: number;
}

/** Reads a `proof.json`. Throws `Break` when it is none. */
export async function readPartFile(source: RecordingSource, path: string): Promise<PartFile> {
  const file = (await source.list()).find((each) => each.path === path);
  if (file === undefined) throw new Break('bad-part', `${path} is missing`, 0);
  if (file.size > MAX_PART_FILE_BYTES) throw new Break('bad-part', `${path} is too long`, 0);
  const part = parsePartFile(asBuffer(await source.read(path, 0, file.size)));
  if (part === undefined) throw new Break('bad-part', `${path} is no proof`, 0);
  return part;
}

/**
 * Proves one log's records of a session: they hash, with what is said of the rest of the log, to the root that the log's key signed.
 * Throws `Break` where they do not, or where the files are not those of a session bundle.
 */
export async function openSessionLog(files: LogFiles): Promise<SessionLog> {
  const { source, ulid } = files;
  const part = await readPartFile(source, `${ulid}/${SESSION_LOG_FILES.proof}`);
  const path = `${ulid}/${SESSION_LOG_FILES.records}`;
  const recordsFile = (await source.list()).find((file) => file.path === path);
  if (part.entries !== undefined || recordsFile === undefined)
    throw new Break('bad-part', 'a log of the session has not its two files', 0);
  const leaves: PlacedLeaf[] = [];
  let first: GroupRecord | undefined;
  for await (const record of readFrames(source, recordsFile, { keepBody: () => false })) {
    first ??= record;
    leaves.push({ place: part.places[leaves.length] ?? -1, leafHash: record.leafHash });
  }
  if (leaves.length !== part.places.length) throw new Break('bad-part', 'not as many records as places', 0);
  const { vkey, commit } = await openCommit(part, { first, ulid });
  const root = rootOfPart(commit.size, leaves, part.hashes);
  if (root?.equals(commit.root) !== true || !areEarlier(part.earlier, commit))
    throw new Break('root-mismatch', 'records are not the ones that were signed', 0);
  const roots = new Map([...part.earlier, commit].map((each) => [each.size, each.root]));
  return {
    ulid,
    origin: commit.origin,
    vkey,
    size: commit.size,
    rootAt: (size) => roots.get(size),
    bytes: recordsFile.size,
    files,
    places: part.places,
    recordsFile,
  };
}

interface CommitPlace {
  readonly first: GroupRecord | undefined;
  readonly ulid: string;
}

async function openCommit(
  { note, places }: PartFile,
  { first, ulid }: CommitPlace,
): Promise<{ readonly vkey: string; readonly commit: CommitText }> {
  const identity = places[0] === 0 ? readIdentity(first) : undefined;
  const verifier = identity === undefined ? undefined : parseVkey(identity.vkey);
  if (
    identity === undefined ||
    verifier === undefined ||
    verifier.name !== identity.origin ||
    !identity.origin.endsWith(`/w/${ulid}`)
  )
    throw new Break('bad-open', 'the log does not start with a writer.open that names its key', 0);
  const text = await checkNote(Buffer.from(note, 'utf8'), verifier);
  const commit = text === undefined ? undefined : parseCommitText(text);
  if (commit === undefined) throw new Break('bad-signature', "the commit is not signed by the writer's key", 0);
  if (commit.origin !== identity.origin) throw new Break('bad-commit', 'the commit is for another log', 0);
  return { vkey: identity.vkey, commit };
}

/** The records of a proven log, in order. Throws `Break` for one that no writer makes. */
export async function* readSessionLog(
  log: SessionLog,
  { keepBody, openKey }: SessionLogOptions,
): AsyncGenerator<ScannedRecord, SessionLogEnd> {
  const rules = createLogRules(true);
  // Numbers of keys that are not shown are empty places.
  const opener = createBodyOpener({
    files: log.files,
    origin: () => log.origin,
    keys: rules.keys,
    openKey,
  });
  let at = 0;
  let bodiesMissing = 0;
  for await (const record of readFrames(log.files.source, log.recordsFile, { keepBody })) {
    const index = log.places[at] ?? -1;
    at += 1;
    const key = rules.check(record, index);
    if (record.bodiesMissing) bodiesMissing += 1;
    const { bodies, unread } = await opener.open(record);
    const { leaf, leafBytes, leafHash } = record;
    const blind = key === undefined ? undefined : await opener.blindOf(key);
    yield { index, leaf, leafBytes, leafHash: leafHash.toString('hex'), bodies, unread, blind };
  }
  return { keys: rules.keys, bodiesMissing };
}

/** The records of a session bundle, log by log, oldest first. A log that stops making sense gives no more. */
export async function* readSessionRecords(source: RecordingSource): AsyncGenerator<LogRecord> {
  for (const files of (await listRecording(source)).logs) {
    try {
      const log = await openSessionLog(files);
      for await (const record of readSessionLog(log, { keepBody: () => true })) yield { ...record, log: files.ulid };
    } catch (error) {
      if (!(error instanceof Break)) throw error;
    }
  }
}

/** `(body* entry)+`. An entry that names bodies and has none before it is one whose bodies are not here. */
async function* readFrames(
  source: RecordingSource,
  file: SourceFile,
  { keepBody }: { readonly keepBody: KeepBody },
): AsyncGenerator<GroupRecord> {
  const frames = createFrameReader(source, file);
  let loose: Buffer[] = [];
  let looseBytes = 0;
  for (;;) {
    const frame = await frames.next();
    if (frame.kind === 'bad') throw new Break('bad-frame', frame.reason, frame.offset);
    if (frame.kind === 'end') {
      if (loose.length > 0) throw new Break('stray-body', 'bodies without their entry', frame.offset);
      return;
    }
    if (frame.type === 'body') {
      loose.push(frame.payload);
      looseBytes += frame.payload.byteLength;
      if (looseBytes > MAX_GROUP_BYTES)
        throw new Break('group-too-large', 'bodies are larger than any writer makes', frame.offset);
    } else if (frame.type !== 'entry') throw new Break('bad-frame', 'neither an entry nor a body', frame.offset);
    else {
      const leaf = readLeaf(frame);
      const isMissing = leaf.parts.length > 0 && loose.length === 0;
      if (!isMissing) checkBodies(leaf.parts, loose, frame.offset);
      yield {
        leaf,
        leafBytes: frame.payload,
        leafHash: hashLeaf(frame.payload),
        stored: isMissing ? [] : keepStored(leaf.parts, loose, keepBody),
        bodiesMissing: isMissing,
        offset: frame.offset,
      };
      loose = [];
      looseBytes = 0;
    }
  }
}
