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
  close(): Promise<void>;
}

/** Opens directories, evidence bundles and `s3://bucket/prefix`. Throws `UsageError` for what is none. */
export async function openRecordings(names: readonly string[], io: CliIo): Promise<OpenedRecordings> {
  const opened: Opened[] = [];
  for (const name of names) opened.push(await openRecording(name, io));
  const [only] = opened;
  return {
    sources: opened.flatMap(({ source }) => source ?? []),
    findings: opened.flatMap(({ findings }) => findings),
    ownTrust: opened.length === 1 ? only?.ownTrust : undefined,
    scope: opened.length === 1 ? only?.scope : undefined,
    async close() {
      for (const { close } of opened) await close();
    },
  };
}

/** The verdict on what was opened; a recording's own trust file counts only where no other is given. */
export function verifyOpened(
  { sources, findings, ownTrust, scope }: OpenedRecordings,
  trust: Trust | undefined,
  options: Pick<VerifyOptions, 'openKey' | 'deep' | 'more'> = {},
): Promise<Verdict> {
  const isOwn = trust === undefined && ownTrust !== undefined;
  const more = [...findings, ...(isOwn ? [OWN_TRUST] : []), ...(options.more ?? [])];
  return verify(sources, trust ?? ownTrust, { ...options, scope, more });
}

interface Opened {
  readonly source: RecordingSource | undefined;
  readonly findings: readonly Finding[];
  readonly ownTrust: Trust | undefined;
  readonly scope: ReadonlySet<string> | undefined;
  readonly close: () => Promise<void>;
}

async function openRecording(name: string, io: CliIo): Promise<Opened> {
  if (name.startsWith('s3://')) return openBucket(name, io);
  return (await stat(name)).isFile() ? openBundleFile(name) : plain(openDirectory(name));
}

function plain(source: RecordingSource): Opened {
  return { source, findings: [], ownTrust: undefined, scope: undefined, close: () => source.close() };
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
    const { findings, ownTrust, scope } = await checkBundle(bundle);
    return { source: bundle.recording, findings, ownTrust, scope, close };
  } catch (error) {
    if (!(error instanceof ZipError)) {
      await close();
      throw error;
    }
    const finding: Finding = { severity: 'tampered', code: 'bad-bundle', message: error.message };
    return { source: undefined, findings: [finding], ownTrust: undefined, scope: undefined, close };
  }
}
