import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  BUNDLE_FILES,
  encodeRecordLine,
  encodeScope,
  type LogFiles,
  listRecording,
  RECORDING_FOLDER,
  type RecordingSource,
  readLog,
  type SourceFile,
  type Trust,
  withoutZeroTail,
} from '@piste/verifier';
import { BUNDLE_README } from './bundle-readme.js';
import { type CliIo, type CommandArguments, EXIT, InputError, UsageError } from './io.js';
import { openRecordings } from './open-recordings.js';
import { plural, toLine } from './plain-text.js';
import { readTrust } from './read-trust.js';
import { type Reading, recordReading } from './record-reading.js';
import { parseSince } from './time.js';
import { createZip, type ZipWriter } from './zip-writer.js';

const READ_BYTES = 1024 * 1024;

/** `piste audit bundle`: a zip archive that can be verified by somebody who has nothing else. */
export async function auditBundle(args: CommandArguments, io: CliIo): Promise<number> {
  const [name = args.directory, ...rest] = args.positionals;
  if (name === undefined || rest.length > 0)
    throw new UsageError('which recording? Name one or set PISTE_RECORDING_DIR');
  if (args.output === undefined) throw new UsageError('where to? Name a file with -o');
  const trust = args.trust === undefined ? undefined : await readTrust(args.trust);
  const opened = await openRecordings([name], io);
  try {
    const [source] = opened.sources;
    if (source === undefined) throw new InputError(`${name} is no recording`);
    const chosen = await chooseLogs(source, args, io);
    await recordReading(args, io, readingOf(name, chosen, args));
    // The registry may say one thing more by now.
    const choice = { ...chosen, registry: (await listRecording(source)).registry };
    await writeBundle(args.output, { source, choice, trust });
    const { logs, all, others } = choice;
    io.out(`${toLine(args.output)}: ${plural(logs.length, 'log')} of ${all}, with verify.html\n`);
    if (trust === undefined)
      io.err('note: without --trust the bundle holds no trust file: nothing in it says whose keys these are\n');
    if (others > 0)
      io.err(`note: logs are whole in a bundle: ${plural(others, 'other session')} can be read in it too\n`);
    return EXIT.ok;
  } finally {
    await opened.close();
  }
}

interface Choice {
  readonly logs: readonly LogFiles[];
  readonly registry: readonly SourceFile[];
  /** Number of logs there are. */
  readonly all: number;
  /** Sessions that were not asked for and stand in the same logs. */
  readonly others: number;
}

/** The logs that hold records of the session, or since the time; all of them without either. */
async function chooseLogs(source: RecordingSource, { session, since }: CommandArguments, io: CliIo): Promise<Choice> {
  const { logs, registry } = await listRecording(source);
  if (session === undefined && since === undefined) return { logs, registry, all: logs.length, others: 0 };
  const sinceMs = since === undefined ? Number.NEGATIVE_INFINITY : parseSince(since, io.nowMs());
  const wanted = new Set<string>();
  const sessions = new Map<string, Set<string>>();
  for await (const { log, leaf } of readLog(source, () => false)) {
    const sessionId = leaf.strand?.sessionId;
    if (sessionId !== undefined) sessions.set(log, (sessions.get(log) ?? new Set()).add(sessionId));
    if (leaf.timeMs >= sinceMs && (session === undefined || sessionId === session)) wanted.add(log);
  }
  if (wanted.size === 0) throw new InputError('no record is of that session or time');
  const inBundle = new Set([...wanted].flatMap((log) => [...(sessions.get(log) ?? [])]));
  const others = session === undefined ? 0 : inBundle.size - 1;
  return { logs: logs.filter(({ ulid }) => wanted.has(ulid)), registry, all: logs.length, others };
}

function readingOf(name: string, { logs }: Choice, { session }: CommandArguments): Reading {
  const sessions = session === undefined ? {} : { sessions: [session] };
  return { command: 'audit bundle', directories: [name], logs: logs.length, ...sessions };
}

interface BundleContent {
  readonly source: RecordingSource;
  readonly choice: Choice;
  readonly trust: Trust | undefined;
}

async function writeBundle(path: string, content: BundleContent): Promise<void> {
  const zip = await createZip(path);
  try {
    await addFiles(zip, content);
    await zip.finish();
  } catch (error) {
    await zip.abandon();
    await rm(path, { force: true });
    throw error;
  }
}

async function addFiles(zip: ZipWriter, { source, choice, trust }: BundleContent): Promise<void> {
  const sums = new Map<string, string>();
  async function add(path: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    sums.set(path, await zip.add(path, pieces));
  }
  const logs = choice.logs.map(({ ulid }) => ulid);
  const files = await filesOf(source, choice);
  await add(BUNDLE_FILES.readme, [Buffer.from(BUNDLE_README)]);
  await add(BUNDLE_FILES.page, [await readFile(fileURLToPath(import.meta.resolve('@piste/verifier/verify.html')))]);
  await add(BUNDLE_FILES.scope, [Buffer.from(encodeScope({ logs, partial: logs.length < choice.all }))]);
  if (trust !== undefined) await add(BUNDLE_FILES.trust, [Buffer.from(encodeTrustOf(trust, new Set(logs)))]);
  for (const file of files) await add(`${RECORDING_FOLDER}${file.path}`, piecesOf(source, file));
  await add(BUNDLE_FILES.records, linesOf(only(source, files)));
  const sorted = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  await zip.add(BUNDLE_FILES.sums, [Buffer.from(sorted.map(([name, sum]) => `${sum}  ${name}\n`).join(''))]);
}

/** Unused space stays behind. */
async function filesOf(source: RecordingSource, { logs, registry }: Choice): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = [];
  for (const { segments, keys } of logs) {
    for (const { whole, records, bodies } of segments) {
      const isLast = whole !== undefined && whole === segments.at(-1)?.whole;
      if (whole !== undefined) files.push(isLast ? await withoutZeroTail(source, whole) : whole);
      files.push(...[records, bodies].filter((file) => file !== undefined));
    }
    files.push(...keys.values());
  }
  // Locks and files being written are the store's own.
  const isOwn = ({ path, special }: SourceFile): boolean => special === true || /\/(\.|$)/.test(path);
  return [...files, ...registry.filter((file) => !isOwn(file))];
}

async function* piecesOf(source: RecordingSource, { path, size }: SourceFile): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += READ_BYTES) yield await source.read(path, at, Math.min(READ_BYTES, size - at));
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

/** What the trust file says of the logs in the bundle, and of the deployment. */
function encodeTrustOf(trust: Trust, logs: ReadonlySet<string>): string {
  const isHere = (name: string): boolean => logs.has(name.slice(name.lastIndexOf('/') + 1));
  const registryName = trust.registry?.slice(0, trust.registry.indexOf('+'));
  const writers = trust.writers.filter((vkey) => isHere(vkey.slice(0, vkey.indexOf('+'))));
  const checkpoints = trust.checkpoints.filter(({ origin }) => isHere(origin) || origin === registryName);
  return `${JSON.stringify({ v: 1, ...trust, writers, checkpoints }, undefined, 2)}\n`;
}
