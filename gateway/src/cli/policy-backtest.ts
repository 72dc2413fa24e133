import { errorMessage } from '../errors.js';
import { readLog } from '../recording/index.js';
import { formatResourceComplaint } from '../resources/index.js';
import { renderBacktest, summarize } from './backtest-report.js';
import {
  type BacktestSetting,
  createSessionBacktest,
  type Redecided,
  type SessionBacktest,
  type SessionSoFar,
} from './backtest-session.js';
import { createPalette } from './colour.js';
import { openFolder, readJson } from './explain.js';
import { readCatalog } from './explain-catalog.js';
import { type CliIo, type CommandArguments, EXIT, InputError, UsageError } from './io.js';
import { toJson, toLine } from './plain-text.js';
import { checkRecording } from './read-trust.js';
import { countLogs, recordReading } from './record-reading.js';
import { parseSince } from './time.js';

const KEPT_BODIES: ReadonlySet<string> = new Set(['submitted', 'binds', 'head', 'objects']);

/** `piste policy backtest`: what other policies would have made of the statements of a recording. */
export async function policyBacktest(args: CommandArguments, io: CliIo): Promise<number> {
  const { directory } = args;
  if (args.positionals.length > 0)
    throw new UsageError(`${args.positionals[0]}: name folders with --policies and --recording`);
  if (args.policies === undefined) throw new UsageError('which policies? Name their folder with --policies DIR');
  if (directory === undefined) throw new UsageError('which recording? Name its folder with --recording DIR');
  const sinceMs = args.since === undefined ? Number.NEGATIVE_INFINITY : parseSince(args.since, io.nowMs());
  const folder = await openFolder(args.policies, io.nowMs());
  for (const complaint of folder.complaints) io.err(`piste: ${toLine(formatResourceComplaint(complaint))}\n`);
  const file = args.catalog === undefined ? undefined : readCatalog(await readJson(args.catalog), args.catalog);
  const check = await checkRecording(directory, args.trust).catch(unreadable(directory));
  if (!check.ok) {
    io.err(`piste: ${toLine(check.why)}\n`);
    return EXIT.cannotConclude;
  }
  if (check.note !== undefined) io.err(`piste: note: ${check.note}\n`);
  const wanted = args.session ?? '';
  const sessions = args.session === undefined ? {} : { sessions: [args.session] };
  const logs = await countLogs([directory]);
  await recordReading(args, io, { command: 'policy backtest', directories: [directory], logs, ...sessions });
  const redecided = await decideAll(directory, wanted, {
    policyOf: (connection) => folder.connections.get(connection)?.policy,
    file,
    moved: await movedSessions(directory),
    openKey: args.decryption?.openKey,
  });
  const chosen = redecided.filter(({ timeMs }) => timeMs >= sinceMs);
  const summary = summarize(chosen);
  if (args.json) io.out(`${toJson(summary)}\n`);
  else io.out(`${renderBacktest(summary, createPalette(io.isTerminal)).join('\n')}\n`);
  if (summary.totals.different > 0) return EXIT.failed;
  return summary.totals.undecided > 0 ? EXIT.cannotConclude : EXIT.ok;
}

const unreadable =
  (directory: string) =>
  (error: unknown): never => {
    if (error instanceof UsageError) throw error;
    throw new InputError(`${directory}: cannot be read (${errorMessage(error)})`);
  };

/** Sessions with records in several logs. */
async function movedSessions(directory: string): Promise<ReadonlySet<string>> {
  const homes = new Map<string, string>();
  const moved = new Set<string>();
  for await (const { log, leaf } of readLog(directory, () => false)) {
    const session = leaf.strand?.sessionId;
    if (session === undefined) continue;
    if ((homes.get(session) ?? log) !== log) moved.add(session);
    homes.set(session, log);
  }
  return moved;
}

/** The statements of all sessions whose id starts with `wanted`, in the order of their answers. */
async function decideAll(directory: string, wanted: string, setting: BacktestSetting): Promise<readonly Redecided[]> {
  const known = new Map<string, SessionSoFar>();
  const redecided: Redecided[] = [];
  let log = '';
  let sessions = new Map<string, SessionBacktest>();
  const endLog = (): void => {
    for (const session of sessions.values()) redecided.push(...session.rest());
    sessions = new Map();
  };
  const keepBody = (name: string): boolean => KEPT_BODIES.has(name);
  for await (const record of readLog(directory, { keepBody, openKey: setting.openKey })) {
    if (record.log !== log) endLog();
    log = record.log;
    const id = record.leaf.strand?.sessionId;
    if (id === undefined || !id.startsWith(wanted)) continue;
    const soFar = known.get(id) ?? { opening: undefined, variables: {}, seen: new Set<string>() };
    known.set(id, soFar);
    const session = sessions.get(id) ?? createSessionBacktest(id, setting, soFar);
    sessions.set(id, session);
    const one = session.add(record);
    if (one !== undefined) redecided.push(one);
  }
  endLog();
  if (wanted !== '' && known.size === 0) throw new InputError(`${directory}: no session ${wanted} in this recording`);
  return redecided;
}
