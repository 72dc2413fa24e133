import {
  encodeRecordLine,
  type LogFiles,
  listRecording,
  RECORDING_FOLDER,
  type RecordingSource,
  readLog,
  type SourceFile,
  type Trust,
  withoutZeroTail,
} from '@piste/verifier';
import { type BundleContent, memberOf } from './bundle-file.js';
import { LOGS_README } from './bundle-readme.js';
import { InputError } from './io.js';

/** Which logs a bundle of whole logs holds. */
export interface LogsWanted {
  /** Those that hold records of it. */
  readonly session: string | undefined;
  /** Those that hold records since then. */
  readonly sinceMs: number | undefined;
}

/** A bundle of whole logs, and what is to be said of it. */
export interface LogsBundle {
  readonly content: BundleContent;
  /** Number of logs there are in the recording. */
  readonly all: number;
  /** Sessions that were not asked for and stand in the same logs. */
  readonly others: number;
}

/** Whole logs with everything that lies beside them: the registry, the session keys. */
export async function bundleLogs(
  source: RecordingSource,
  trust: Trust | undefined,
  wanted: LogsWanted,
): Promise<LogsBundle> {
  const { logs, registry, all, others } = await chooseLogs(source, wanted);
  const files = await filesOf(source, logs, registry);
  const ulids = logs.map(({ ulid }) => ulid);
  const content: BundleContent = {
    scope: { logs: ulids, partial: ulids.length < all },
    readme: LOGS_README,
    trust,
    files: files.map((file) => memberOf(source, file, `${RECORDING_FOLDER}${file.path}`)),
    lines: () => linesOf(only(source, files)),
  };
  return { content, all, others };
}

interface Choice {
  readonly logs: readonly LogFiles[];
  readonly registry: readonly SourceFile[];
  readonly all: number;
  readonly others: number;
}

/** The logs that hold records of the session, or since the time; all of them without either. */
async function chooseLogs(source: RecordingSource, { session, sinceMs }: LogsWanted): Promise<Choice> {
  const { logs, registry } = await listRecording(source);
  if (session === undefined && sinceMs === undefined) return { logs, registry, all: logs.length, others: 0 };
  const since = sinceMs ?? Number.NEGATIVE_INFINITY;
  const wanted = new Set<string>();
  const sessions = new Map<string, Set<string>>();
  for await (const { log, leaf } of readLog(source, () => false)) {
    const sessionId = leaf.strand?.sessionId;
    if (sessionId !== undefined) sessions.set(log, (sessions.get(log) ?? new Set()).add(sessionId));
    if (leaf.timeMs >= since && (session === undefined || sessionId === session)) wanted.add(log);
  }
  if (wanted.size === 0) throw new InputError('no record is of that session or time');
  const inBundle = new Set([...wanted].flatMap((log) => [...(sessions.get(log) ?? [])]));
  const others = session === undefined ? 0 : inBundle.size - 1;
  return { logs: logs.filter(({ ulid }) => wanted.has(ulid)), registry, all: logs.length, others };
}

/** Unused space stays behind. */
async function filesOf(
  source: RecordingSource,
  logs: readonly LogFiles[],
  registry: readonly SourceFile[],
): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = [];
  for (const { segments, keys } of logs) {
    for (const { whole, records, bodies } of segments) {
      const isLast = whole !== undefined && whole === segments.at(-1)?.whole;
      if (whole !== undefined) files.push(isLast ? await withoutZeroTail(source, whole) : whole);
      files.push(...[records, bodies].filter((file) => file !== undefined));
    }
    for (const file of keys.values()) files.push(file);
  }
  // Locks and files being written are the store's own.
  const isOwn = ({ path, special }: SourceFile): boolean => special === true || /\/(\.|$)/.test(path);
  return [...files, ...registry.filter((file) => !isOwn(file))];
}

/** The same place with these files and no other. */
function only(source: RecordingSource, files: readonly SourceFile[]): RecordingSource {
  return {
    label: source.label,
    list: async () => files,
    read: (path, from, length) => source.read(path, from, length),
    close: async () => undefined,
  };
}

async function* linesOf(source: RecordingSource): AsyncGenerator<Uint8Array> {
  for await (const record of readLog(source)) yield Buffer.from(encodeRecordLine(record), 'utf8');
}
