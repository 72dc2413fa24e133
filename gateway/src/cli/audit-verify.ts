import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  describeCounts,
  describeLog,
  explainOutcome,
  type Finding,
  HEADLINES,
  type LogSummary,
  type OpenKey,
  proveSession,
  type RecordProof,
  type Severity,
  type Trust,
  type Verdict,
} from '@piste/verifier';
import { compareHistory } from './audit-reconcile.js';
import { createPalette, type Palette } from './colour.js';
import { type CliIo, type CommandArguments, EXIT, UsageError } from './io.js';
import { type OpenedRecordings, openRecordings, verifyOpened } from './open-recordings.js';
import { toJson, toLine } from './plain-text.js';
import { readTrust } from './read-trust.js';
import { layOutTable } from './table.js';
import { toUtc } from './time.js';

const EXITS: Readonly<Record<Verdict['outcome'], number>> = {
  sound: EXIT.ok,
  tampered: EXIT.failed,
  'cannot-conclude': EXIT.cannotConclude,
};

const SEVERITIES: readonly Severity[] = ['tampered', 'cannot-conclude', 'note'];
/** More findings of one severity than this are counted, not listed; `--json` has all. */
const MAX_LISTED = 50;

/** `piste audit verify`. */
export async function auditVerify(args: CommandArguments, io: CliIo): Promise<number> {
  const fallback = args.directory === undefined ? [] : [args.directory];
  const names = args.positionals.length > 0 ? args.positionals : fallback;
  if (names.length === 0) throw new UsageError('which recording? Name it or set PISTE_RECORDING_DIR');
  if (args.proofs !== undefined && args.session === undefined)
    throw new UsageError('whose proofs? Name a session with --session');
  const trust = args.trust === undefined ? undefined : await readTrust(args.trust);
  const openKey = args.decryption?.openKey;
  const opened = await openRecordings(names, io);
  try {
    if (opened.session !== undefined && (args.session ?? args.history) !== undefined)
      throw new UsageError(
        'a bundle of one session is verified as it is: --session, --proofs and --history want whole logs',
      );
    const more =
      args.history === undefined ? [] : await findInHistory(args, { opened, trust, openKey, nowMs: io.nowMs() });
    const verdict = await verifyOpened(opened, trust, { openKey, deep: args.deep, more });
    const proofs = args.session === undefined ? undefined : await proveSession(opened.sources, args.session);
    if (proofs !== undefined && args.proofs !== undefined) await writeProofs(args.proofs, proofs);
    if (args.json) io.out(`${toJson(proofs === undefined ? verdict : { ...verdict, proofs })}\n`);
    else
      io.out(
        `${[...renderVerdict(verdict, createPalette(io.isTerminal)), ...renderProofs(args, proofs)].join('\n')}\n`,
      );
    return EXITS[verdict.outcome];
  } finally {
    await opened.close();
  }
}

interface HistoryPlace {
  readonly opened: OpenedRecordings;
  readonly trust: Trust | undefined;
  readonly openKey: OpenKey | undefined;
  readonly nowMs: number;
}

/** What Snowflake's own history says against the recording. */
async function findInHistory(
  args: CommandArguments,
  { opened, trust, openKey, nowMs }: HistoryPlace,
): Promise<readonly Finding[]> {
  const { history = '' } = args;
  const { findings } = await compareHistory(args, { history, recordings: opened.sources, trust, openKey, nowMs });
  return findings.map(({ weight, kind, message }) => ({ severity: WEIGHTS[weight], code: `history-${kind}`, message }));
}

const WEIGHTS: Readonly<Record<'alarm' | 'unproven' | 'note', Severity>> = {
  alarm: 'tampered',
  unproven: 'cannot-conclude',
  note: 'note',
};

/** One file a record, named by log and index; existing ones are replaced. */
async function writeProofs(folder: string, proofs: readonly RecordProof[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { log, index, proof } of proofs) await writeFile(join(folder, `${log}-${index}.tlog-proof`), proof);
}

function renderProofs(
  { session = '' }: CommandArguments,
  proofs: readonly RecordProof[] | undefined,
): readonly string[] {
  if (proofs === undefined) return [];
  if (proofs.length === 0) return ['', `no record of session ${toLine(session)} is here`];
  const heading = ['LOG', 'RECORD', 'KIND', 'TIME', 'UNDER', 'HASH'];
  const rows = proofs.map(({ log, index, kind, timeMs, checkpointSize, leafHash }) => [
    log,
    String(index),
    kind,
    toUtc(timeMs),
    String(checkpointSize),
    leafHash,
  ]);
  return [
    '',
    `session ${toLine(session)}: each record, and the size of the signed checkpoint that holds it`,
    ...layOutTable([heading, ...rows], '  ', 80),
  ];
}

function renderVerdict(verdict: Verdict, palette: Palette): readonly string[] {
  const { outcome, counts, logs, findings, session } = verdict;
  const colour = { sound: palette.good, tampered: palette.bad, 'cannot-conclude': palette.wait }[outcome];
  return [
    `audit verify: ${colour(HEADLINES[outcome])}`,
    ...(session === undefined ? [] : [`one session: ${toLine(session)}`]),
    explainOutcome(verdict),
    '',
    describeCounts(counts),
    ...(logs.length === 0 ? [] : ['', ...renderLogs(logs)]),
    ...SEVERITIES.flatMap((severity) => renderFindings(severity, findings)),
  ];
}

function renderLogs(logs: readonly LogSummary[]): readonly string[] {
  const heading = ['LOG', 'STATE', 'RECORDS', 'PROVEN', 'TORN BYTES', 'KEY', 'ORIGIN'];
  return layOutTable([heading, ...logs.map(describeLog)], '  ', 80);
}

function renderFindings(severity: Severity, findings: readonly Finding[]): readonly string[] {
  const chosen = findings.filter((finding) => finding.severity === severity);
  if (chosen.length === 0) return [];
  const lines = chosen
    .slice(0, MAX_LISTED)
    .map((finding) => `${severity}: ${toLine(finding.message)} [${finding.code}${placeOf(finding)}]`);
  const rest = chosen.length - lines.length;
  return ['', ...lines, ...(rest > 0 ? [`${severity}: and ${rest} more; --json lists all`] : [])];
}

function placeOf({ log, index, segment, offset }: Finding): string {
  const parts = [
    log === undefined ? '' : `log ${log}`,
    index === undefined ? '' : `record ${index}`,
    segment === undefined ? '' : `segment ${segment}`,
    offset === undefined ? '' : `byte ${offset}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `; ${toLine(parts.join(', '))}`;
}
