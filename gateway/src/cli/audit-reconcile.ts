import { readFile, stat } from 'node:fs/promises';
import type { OpenKey, RecordingSource } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import {
  HistoryFileError,
  type ReconcileReport,
  readHistoryFile,
  readRecords,
  reconcile,
  type ServiceUser,
} from '../reconcile/index.js';
import { type Trust, type Verdict, verifyDirectories } from '../recording/index.js';
import { createPalette } from './colour.js';
import { type CliIo, type CommandArguments, EXIT, InputError, UsageError } from './io.js';
import { toJson, toLine } from './plain-text.js';
import { readTrust } from './read-trust.js';
import { renderReport } from './reconcile-view.js';
import { parseSince } from './time.js';

const EXITS: Readonly<Record<ReconcileReport['outcome'], number>> = {
  complete: EXIT.ok,
  alarm: EXIT.failed,
  'cannot-conclude': EXIT.cannotConclude,
};

/** Documented latency of ACCOUNT_USAGE.QUERY_HISTORY. */
const VIEW_LAG_MS = 45 * 60_000;

/** `piste audit reconcile`: with a file offline, with `--gateway` by the gateway itself. */
export async function auditReconcile(args: CommandArguments, io: CliIo): Promise<number> {
  if ((args.gateway === undefined) === (args.history === undefined))
    throw new UsageError('name either the exported history with --history or a gateway with --gateway');
  try {
    return await (args.gateway === undefined ? reconcileFile(args, io) : reconcileAtGateway(args, args.gateway, io));
  } catch (error) {
    if (error instanceof UsageError || error instanceof InputError) throw error;
    // Neither complete nor an alarm: what could not be read says nothing.
    io.err(`piste: nothing was compared: ${toLine(errorMessage(error))}\n`);
    return EXIT.cannotConclude;
  }
}

async function reconcileFile(args: CommandArguments, io: CliIo): Promise<number> {
  const fallback = args.directory === undefined ? [] : [args.directory];
  const directories = args.positionals.length > 0 ? args.positionals : fallback;
  const { history } = args;
  if (directories.length === 0) throw new UsageError('which directory? Name it or set PISTE_RECORDING_DIR');
  if (history === undefined) throw new UsageError('which history? Name it with --history');
  const trust = args.trust === undefined ? undefined : await readTrust(args.trust);
  const verdict = await verifyDirectories(directories, trust);
  const compared = await compareHistory(args, {
    history,
    recordings: directories,
    openKey: args.decryption?.openKey,
    trust,
    nowMs: io.nowMs(),
  });
  const report = withVerdict(compared, verdict);
  if (args.json) io.out(`${toJson({ ...report, recording: verdict.outcome })}\n`);
  else io.out(`${renderReport(report, createPalette(io.isTerminal)).join('\n')}\n`);
  return EXITS[report.outcome];
}

export interface HistoryInputs {
  readonly history: string;
  readonly recordings: readonly (string | RecordingSource)[];
  readonly openKey?: OpenKey | undefined;
  readonly trust: Trust | undefined;
  readonly nowMs: number;
}

/** Compares an exported history with recordings. Throws `InputError` for a file that is none. */
export async function compareHistory(
  args: CommandArguments,
  { history, recordings, openKey, trust, nowMs }: HistoryInputs,
): Promise<ReconcileReport> {
  // What ran after the export cannot be in it.
  const exportedMs = Math.trunc((await stat(history)).mtimeMs);
  try {
    return await reconcile(readRecords(recordings, openKey), readHistoryFile(history), {
      nowMs: Math.min(nowMs, exportedMs),
      viewLagMs: args.lag === undefined ? VIEW_LAG_MS : parseLag(args.lag),
      user: args.user,
      sinceMs: args.since === undefined ? undefined : parseSince(args.since, nowMs),
      connection: args.connection,
      writers: trust?.writers ?? [],
      signatures: args.quick ? 'needed' : 'all',
      hybridTables: args.hybridTables,
    });
  } catch (error) {
    if (error instanceof HistoryFileError) throw new InputError(error.message);
    throw error;
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000 };

function parseLag(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,5})([mh])$/.exec(text) ?? [];
  if (amount === undefined) throw new UsageError(`--lag ${text}: write how late the history may be: 45m, 3h`);
  return Number(amount) * (UNIT_MS[unit] ?? 0);
}

/** A recording that is not sound proves nothing about a history. */
function withVerdict(report: ReconcileReport, { outcome, findings }: Verdict): ReconcileReport {
  if (outcome === 'sound') return report;
  const isTampered = outcome === 'tampered';
  const worst = findings.find(({ severity }) => severity === outcome)?.message ?? '?';
  const weight = isTampered ? 'alarm' : 'unproven';
  const message = `${isTampered ? 'the recording is not as it was written' : 'the recording is not proven'}: ${worst}; run: piste audit verify`;
  return {
    ...report,
    outcome: isTampered || report.outcome === 'alarm' ? 'alarm' : 'cannot-conclude',
    completeUntilMs: undefined,
    counts: { ...report.counts, [weight]: report.counts[weight] + 1 },
    findings: [{ weight, kind: 'recording', message }, ...report.findings],
  };
}

/** What `POST /api/v1/reconcile` answers. */
interface GatewayAnswer {
  readonly connection: string;
  readonly report: ReconcileReport;
  readonly serviceUser: ServiceUser;
}

/** A gateway reads the history page by page, and its recording after that. */
const GATEWAY_TIMEOUT_MS = 10 * 60_000;

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

async function reconcileAtGateway(args: CommandArguments, gateway: string, io: CliIo): Promise<number> {
  const { connection, tokenFile } = args;
  if (args.positionals.length > 0) throw new UsageError('a gateway compares its own recording; name no directory');
  if (connection === undefined) throw new UsageError('which connection? Name it with --connection');
  if (tokenFile === undefined) throw new UsageError('--gateway needs --token-file with a bearer token');
  const url = URL.canParse('/api/v1/reconcile', gateway) ? new URL('/api/v1/reconcile', gateway) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new UsageError('--gateway is the URL of its console');
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname))
    throw new UsageError('a token goes to another machine over https only');
  const token = (await readFile(tokenFile, 'utf8')).trim();
  const since = args.since === undefined ? {} : { since: new Date(parseSince(args.since, io.nowMs())).toISOString() };
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ connection, ...since }),
    redirect: 'error',
    signal: AbortSignal.timeout(GATEWAY_TIMEOUT_MS),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok || !isGatewayAnswer(answer)) {
    io.err(`piste: the gateway compared nothing (${response.status}): ${toLine(detailOf(answer))}\n`);
    return EXIT.cannotConclude;
  }
  const { report, serviceUser } = answer;
  if (args.json) io.out(`${toJson(answer)}\n`);
  else io.out(`${[...renderReport(report, createPalette(io.isTerminal)), ...renderUser(serviceUser)].join('\n')}\n`);
  return EXITS[report.outcome];
}

function isGatewayAnswer(answer: unknown): answer is GatewayAnswer {
  if (typeof answer !== 'object' || answer === null || !('report' in answer) || !('serviceUser' in answer))
    return false;
  const { report } = answer;
  return typeof report === 'object' && report !== null && 'outcome' in report && String(report.outcome) in EXITS;
}

function detailOf(answer: unknown): string {
  const detail = typeof answer === 'object' && answer !== null && 'detail' in answer ? answer.detail : undefined;
  return typeof detail === 'string' ? detail : 'no answer that can be read';
}

const USER_VERDICTS: Readonly<Record<ServiceUser['verdict'], string>> = {
  guarded: 'nobody else can log in as it, as far as the account tells',
  'others-could': 'others could use it',
  'not-checked': 'whether others could use it is not checked',
};

function renderUser({ name, verdict, reasons }: ServiceUser): readonly string[] {
  const line = `service user ${toLine(name ?? '?')}: ${USER_VERDICTS[verdict]}`;
  return ['', reasons.length === 0 ? line : `${line} (${reasons.map(toLine).join('; ')})`];
}
