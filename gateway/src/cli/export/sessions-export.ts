import { stat } from 'node:fs/promises';
import type { LogDamage, LogRecord } from '../../recording/index.js';
import { isDamaged, writeDamages } from '../damage.js';
import { type CliIo, type CommandArguments, EXIT, UsageError } from '../io.js';
import { type MergeChoice, mergeLogs } from '../merge-logs.js';
import { BODY_FORMS } from '../record-json.js';
import { countLogs, type Reading, readingOf, recordReading } from '../record-reading.js';
import { findSession, readSession } from '../session-records.js';
import { parseTime, TIME_FORMS } from '../time.js';
import type { Exporter, ExporterOptions } from './exporter.js';
import { createHarExporter } from './har.js';
import { createJsonlExporter } from './jsonl.js';
import { createOcsfExporter } from './ocsf.js';
import { OCSF_VERSIONS } from './ocsf-schema.js';
import { openOutput } from './output.js';
import { createTally } from './tally.js';

const COMMAND = 'sessions export';

const FORMATS: Readonly<Record<string, (options: ExporterOptions) => Exporter>> = {
  jsonl: createJsonlExporter,
  ocsf: createOcsfExporter,
  har: createHarExporter,
};

/**
 * `piste sessions export`: records of a directory or of one session, in order of time, as JSON lines, OCSF events or an HTTP
 * archive. Memory does not grow with the recording. Exit code 1 where a log is damaged: what stands before the damage is
 * exported, and standard error says so.
 */
export async function sessionsExport(args: CommandArguments, io: CliIo): Promise<number> {
  const { directory, wanted } = await whatToExport(args);
  const tally = createTally();
  const exporter = chooseExporter(args, { tally, io });
  const { records, damagesBefore, missing, reading } = await openSource(directory, wanted, {
    keepBody: exporter.keepBody,
    openKey: args.decryption?.openKey,
  });
  await recordReading(args, io, reading);
  const output = await openOutput(args.output, io);
  let damages: readonly LogDamage[];
  try {
    await output.write(exporter.begin());
    damages = [...damagesBefore, ...(await drain(records, (record) => output.write(exporter.add(record))))];
    await output.write(exporter.end());
    await output.finish();
  } catch (error) {
    await output.abandon();
    throw error;
  }
  const distinct = [...new Map(damages.map((damage) => [damage.log, damage])).values()];
  writeDamages(distinct, io);
  for (const line of tally.render()) io.err(`${line}\n`);
  if (missing > 0) io.err(`WARNING: ${missing} records of this session are not here\n`);
  if (!isDamaged(distinct) && missing === 0) return EXIT.ok;
  io.err('WARNING: this export is not whole\n');
  return EXIT.failed;
}

interface Wanted {
  readonly directory: string;
  readonly wanted: string | undefined;
}

/** `[DIR] [SESSION]`: one word alone is the session where the directory is said otherwise and the word names none. */
async function whatToExport({ positionals, directory }: CommandArguments): Promise<Wanted> {
  const [first, second, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError('one directory and at most one session');
  if (first !== undefined && second === undefined && directory !== undefined && !(await isDirectory(first)))
    return { directory, wanted: first };
  const where = first ?? directory;
  if (where === undefined) throw new UsageError('which directory? Name it or set PISTE_RECORDING_DIR');
  return { directory: where, wanted: second };
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function chooseExporter(
  args: CommandArguments,
  { tally, io }: { tally: ExporterOptions['tally']; io: CliIo },
): Exporter {
  const format = args.format ?? '';
  const create = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (create === undefined) throw new UsageError(`--format is one of ${Object.keys(FORMATS).join(', ')}`);
  if (args.bodies !== undefined && format !== 'jsonl') throw new UsageError('--bodies goes with --format jsonl');
  if (args.ocsfVersion !== undefined && format !== 'ocsf')
    throw new UsageError('--ocsf-version goes with --format ocsf');
  const bodies = BODY_FORMS.find((form) => form === (args.bodies ?? 'none'));
  if (bodies === undefined) throw new UsageError(`--bodies is one of ${BODY_FORMS.join(', ')}`);
  const ocsfVersion = OCSF_VERSIONS.find((version) => version === (args.ocsfVersion ?? OCSF_VERSIONS[0]));
  if (ocsfVersion === undefined) throw new UsageError(`--ocsf-version is one of ${OCSF_VERSIONS.join(', ')}`);
  const since = timeOf('since', args.since, io)?.startMs ?? Number.NEGATIVE_INFINITY;
  const until = timeOf('until', args.until, io)?.endMs ?? Number.POSITIVE_INFINITY;
  if (since >= until) throw new UsageError('--since is not before --until');
  const isInTime = (timeMs: number): boolean => timeMs >= since && timeMs < until;
  return create({ tally, isInTime, bodies, ocsfVersion, version: io.version });
}

function timeOf(name: string, text: string | undefined, io: CliIo): ReturnType<typeof parseTime> {
  if (text === undefined) return undefined;
  const span = parseTime(text, io.nowMs());
  if (span === undefined) throw new UsageError(`--${name} is no time; write ${TIME_FORMS}`);
  return span;
}

interface Source {
  readonly records: AsyncGenerator<LogRecord, readonly LogDamage[]>;
  readonly damagesBefore: readonly LogDamage[];
  /** Records that the session must have and that are not here. */
  readonly missing: number;
  readonly reading: Reading;
}

async function openSource(
  directory: string,
  wanted: string | undefined,
  choice: Pick<MergeChoice, 'keepBody' | 'openKey'>,
): Promise<Source> {
  if (wanted === undefined) {
    const reading = { command: COMMAND, directories: [directory], logs: await countLogs([directory]) };
    return { records: mergeLogs(directory, choice), damagesBefore: [], missing: 0, reading };
  }
  const session = await findSession(directory, wanted);
  const missing = Math.max(0, (session.claimed ?? 0) - session.records);
  const reading = readingOf(COMMAND, directory, session);
  return { records: readSession(directory, session, choice), damagesBefore: session.damages, missing, reading };
}

async function drain(
  records: AsyncGenerator<LogRecord, readonly LogDamage[]>,
  use: (record: LogRecord) => Promise<void>,
): Promise<readonly LogDamage[]> {
  for (;;) {
    const step = await records.next();
    if (step.done) return step.value;
    await use(step.value);
  }
}
