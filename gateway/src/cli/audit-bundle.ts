import {
  listRecording,
  openBundle,
  openFile,
  type RecordingSource,
  type Trust,
  type Verdict,
  verifyBundle,
} from '@piste/verifier';
import { writeBundle } from './bundle-file.js';
import { bundleLogs } from './bundle-logs.js';
import { bundleSession, type SessionBundle } from './bundle-session.js';
import { type CliIo, type CommandArguments, EXIT, InputError, UsageError } from './io.js';
import { openRecordings } from './open-recordings.js';
import { plural, toLine } from './plain-text.js';
import { readTrust } from './read-trust.js';
import { recordReading } from './record-reading.js';
import { parseSince, toUtc } from './time.js';
import { createWatch, type Watch } from './watch.js';

/** `piste audit bundle`: a zip archive that can be verified by somebody who has nothing else. */
export async function auditBundle(args: CommandArguments, io: CliIo): Promise<number> {
  const [name = args.directory, ...rest] = args.positionals;
  if (name === undefined || rest.length > 0)
    throw new UsageError('which recording? Name one or set PISTE_RECORDING_DIR');
  const path = args.output;
  if (path === undefined) throw new UsageError('where to? Name a file with -o');
  const session = args.wholeLogs ? undefined : args.session;
  checkOptions(args, session);
  const trust = args.trust === undefined ? undefined : await readTrust(args.trust);
  const watch = createWatch(io);
  const opened = await openRecordings([name], io);
  try {
    const [source] = opened.sources;
    if (source === undefined) throw new InputError(`${name} holds no logs to make a bundle of`);
    const sessions = args.session === undefined ? {} : { sessions: [args.session] };
    const { logs } = await listRecording(source);
    await recordReading(args, io, { command: 'audit bundle', directories: [name], logs: logs.length, ...sessions });
    const job: Job = { path, source: watch.source(source), trust, watch };
    if (session === undefined) await makeLogsBundle(job, args, io);
    else await makeSessionBundle(job, { session, keys: args.keys }, io);
    if (trust === undefined)
      io.err('note: without --trust the bundle holds no trust file: nothing in it says whose keys these are\n');
    io.out(`verify it with: piste audit verify ${toLine(path)} --trust TRUST.json\n`);
    io.out('or with verify.html, in a copy that you have from elsewhere; TRUST.json too is worth what its place is\n');
    return EXIT.ok;
  } finally {
    await opened.close();
  }
}

function checkOptions({ wholeLogs, session, since, keys }: CommandArguments, ofSession: string | undefined): void {
  if (wholeLogs && session === undefined)
    throw new UsageError(
      '--whole-logs says that a bundle for --session holds the logs whole; without --session it always does',
    );
  if (ofSession !== undefined && since !== undefined)
    throw new UsageError('a session bundle holds the whole session: leave --since out, or ask for --whole-logs');
  if (keys && ofSession === undefined)
    throw new UsageError(
      '--keys is for a bundle of one session; with whole logs all session keys are in it, wrapped as they lie',
    );
}

interface Job {
  readonly path: string;
  readonly source: RecordingSource;
  readonly trust: Trust | undefined;
  readonly watch: Watch;
}

async function makeLogsBundle({ path, source, trust, watch }: Job, args: CommandArguments, io: CliIo): Promise<void> {
  const sinceMs = args.since === undefined ? undefined : parseSince(args.since, io.nowMs());
  const { content, all, others } = await bundleLogs(source, trust, { session: args.session, sinceMs });
  const bytes = await writeBundle(path, content, (bytesSoFar) => watch.wrote(bytesSoFar));
  io.out(
    `${toLine(path)}: ${plural(content.scope.logs.length, 'log')} of ${all}, ${plural(bytes, 'byte')}, with verify.html\n`,
  );
  if (others > 0)
    io.err(`note: the logs are whole: ${plural(others, 'other session')} can be read in the bundle too\n`);
}

async function makeSessionBundle(
  { path, source, trust, watch }: Job,
  wanted: { readonly session: string; readonly keys: boolean },
  io: CliIo,
): Promise<void> {
  const bundle = await bundleSession(source, trust, wanted);
  const bytes = await writeBundle(path, bundle.content, (bytesSoFar) => watch.wrote(bytesSoFar));
  io.out(`${toLine(path)}: ${describe(wanted.session, bundle)}, ${plural(bytes, 'byte')}, with verify.html\n`);
  for (const note of [...bundle.notes, ...notesOn(bundle, wanted.keys)]) io.err(`note: ${toLine(note)}\n`);
  for (const line of shortcomings(await verifyMade(path, trust))) io.err(`note: ${toLine(line)}\n`);
}

function describe(session: string, { cuts }: SessionBundle): string {
  const records = cuts.reduce((sum, cut) => sum + cut.records, 0);
  const [first, last] = [
    Math.min(...cuts.map(({ firstMs }) => firstMs)),
    Math.max(...cuts.map(({ lastMs }) => lastMs)),
  ];
  const what = `session ${toLine(session)}, ${plural(records, 'record')} in ${plural(cuts.length, 'log')}`;
  return `${what}, ${toUtc(first)} to ${toUtc(last)}, nothing of other sessions`;
}

function notesOn({ cuts }: SessionBundle, withKeys: boolean): readonly string[] {
  const keys = cuts.reduce((sum, cut) => sum + cut.keys.length, 0);
  const gone = cuts.reduce((sum, cut) => sum + cut.bodiesMissing, 0);
  const bodies = gone === 0 ? [] : [`the bodies of ${plural(gone, 'record')} are not in the recording`];
  if (keys === 0) return bodies;
  return [
    ...bodies,
    withKeys
      ? 'the session keys are in the bundle: whoever has one of the identities they are wrapped for can read its texts'
      : 'texts are encrypted and the session keys are not in the bundle; --keys puts them in, wrapped as they lie',
  ];
}

/** What a verifier with the same trust file will say of the bundle, as far as it is more than notes. */
async function verifyMade(path: string, trust: Trust | undefined): Promise<Verdict> {
  const file = await openFile(path);
  try {
    return await verifyBundle(await openBundle(path, file), trust);
  } finally {
    await file.close();
  }
}

function shortcomings({ findings, outcome }: Verdict): readonly string[] {
  if (outcome === 'sound') return [];
  const grave = findings.filter(({ severity }) => severity !== 'note');
  return grave.map(
    ({ severity, code, message, log }) =>
      `verified, the bundle gives ${severity}: ${message} [${code}${log === undefined ? '' : `; log ${log}`}]`,
  );
}
