import { stat } from 'node:fs/promises';
import {
  checkBundle,
  type Finding,
  OWN_TRUST,
  openBundle,
  openDirectory,
  openFile,
  type RecordingSource,
  type Trust,
  type Verdict,
  type VerifyOptions,
  verify,
  verifySession,
  ZipError,
} from '@piste/verifier';
import { examineArchive, type ObjectStore, openObjectSource, openObjectStore } from '../archive/index.js';
import { parseArchiveUrl } from '../config/index.js';
import { type CliIo, UsageError } from './io.js';

/** Recordings somebody named, wherever they lie. */
export interface OpenedRecordings {
  readonly sources: readonly RecordingSource[];
  /** What is to be said of the places themselves. */
  readonly findings: readonly Finding[];
  /** The only recording's own trust file: nothing that proves anything. */
  readonly ownTrust: Trust | undefined;
  readonly scope: ReadonlySet<string> | undefined;
  /** What was named is a session bundle: there are no whole logs, and `sources` is empty. */
  readonly session: OpenedSession | undefined;
  close(): Promise<void>;
}

/** The one session that a bundle holds. */
interface OpenedSession {
  readonly id: string;
  readonly records: RecordingSource;
}

/** Opens directories, evidence bundles and `s3://bucket/prefix`. Throws `UsageError` for what is none. */
export async function openRecordings(names: readonly string[], io: CliIo): Promise<OpenedRecordings> {
  const opened: Opened[] = [];
  for (const name of names) opened.push(await openRecording(name, io));
  const [only] = opened;
  if (opened.length > 1 && opened.some(({ session }) => session !== undefined))
    throw new UsageError('a bundle of one session is verified by itself');
  return {
    sources: opened.flatMap(({ source }) => source ?? []),
    findings: opened.flatMap(({ findings }) => findings),
    ownTrust: opened.length === 1 ? only?.ownTrust : undefined,
    scope: opened.length === 1 ? only?.scope : undefined,
    session: only?.session,
    async close() {
      for (const { close } of opened) await close();
    },
  };
}

/** The verdict on what was opened; a recording's own trust file counts only where no other is given. */
export function verifyOpened(
  { sources, findings, ownTrust, scope, session }: OpenedRecordings,
  trust: Trust | undefined,
  options: Pick<VerifyOptions, 'openKey' | 'deep' | 'more'> = {},
): Promise<Verdict> {
  const isOwn = trust === undefined && ownTrust !== undefined;
  const more = [...findings, ...(isOwn ? [OWN_TRUST] : []), ...(options.more ?? [])];
  if (session !== undefined) return verifySession(session.records, session.id, trust ?? ownTrust, { ...options, more });
  return verify(sources, trust ?? ownTrust, { ...options, scope, more });
}

interface Opened {
  readonly source: RecordingSource | undefined;
  readonly findings: readonly Finding[];
  readonly ownTrust: Trust | undefined;
  readonly scope: ReadonlySet<string> | undefined;
  readonly session: OpenedSession | undefined;
  readonly close: () => Promise<void>;
}

async function openRecording(name: string, io: CliIo): Promise<Opened> {
  if (name.startsWith('s3://')) return openBucket(name, io);
  return (await stat(name)).isFile() ? openBundleFile(name) : plain(openDirectory(name));
}

const NOTHING_SAID = { findings: [], ownTrust: undefined, scope: undefined, session: undefined };

function plain(source: RecordingSource): Opened {
  return { source, ...NOTHING_SAID, close: () => source.close() };
}

/** A bucket's store, with the endpoint, region and credentials of `PISTE_ARCHIVE_…`. */
export function openBucketStore(name: string, { environment, sleep }: CliIo): Promise<ObjectStore> {
  const place = parseArchiveUrl(name);
  if (place === undefined) throw new UsageError(`${name} is not s3://bucket/prefix`);
  return openObjectStore(
    {
      ...place,
      endpoint: environment['PISTE_ARCHIVE_ENDPOINT'] || undefined,
      region: environment['PISTE_ARCHIVE_REGION'] || 'us-east-1',
      credentialsFile: environment['PISTE_ARCHIVE_CREDENTIALS_FILE'] || undefined,
    },
    sleep,
  );
}

/** A bucket, and what only the store can tell of it. */
async function openBucket(name: string, io: CliIo): Promise<Opened> {
  const source = openObjectSource(await openBucketStore(name, io));
  const findings = await examineArchive(source, io.nowMs());
  return { ...plain(source), findings: findings.map(({ severity, code, message }) => ({ severity, code, message })) };
}

async function openBundleFile(path: string): Promise<Opened> {
  const file = await openFile(path);
  const close = (): Promise<void> => file.close();
  try {
    const bundle = await openBundle(path, file);
    const { findings, ownTrust, scope, session } = await checkBundle(bundle);
    return session === undefined
      ? { source: bundle.recording, findings, ownTrust, scope, session, close }
      : { source: undefined, findings, ownTrust, scope, session: { id: session, records: bundle.session }, close };
  } catch (error) {
    if (!(error instanceof ZipError)) {
      await close();
      throw error;
    }
    const finding: Finding = { severity: 'tampered', code: 'bad-bundle', message: error.message };
    return { ...NOTHING_SAID, source: undefined, findings: [finding], close };
  }
}
