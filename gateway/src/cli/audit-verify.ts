import {
  describeCounts,
  EXPLANATIONS,
  type Finding,
  HEADLINES,
  type LogSummary,
  type Severity,
  type Verdict,
} from '@piste/verifier';
import { createPalette, type Palette } from './colour.js';
import { type CliIo, type CommandArguments, EXIT, UsageError } from './io.js';
import { openRecordings, verifyOpened } from './open-recordings.js';
import { toJson, toLine } from './plain-text.js';
import { readTrust } from './read-trust.js';
import { layOutTable } from './table.js';

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
  const trust = args.trust === undefined ? undefined : await readTrust(args.trust);
  const opened = await openRecordings(names, io);
  try {
    const verdict = await verifyOpened(opened, trust);
    if (args.json) io.out(`${toJson(verdict)}\n`);
    else io.out(`${renderVerdict(verdict, createPalette(io.isTerminal)).join('\n')}\n`);
    return EXITS[verdict.outcome];
  } finally {
    await opened.close();
  }
}

function renderVerdict({ outcome, counts, logs, findings }: Verdict, palette: Palette): readonly string[] {
  const colour = { sound: palette.good, tampered: palette.bad, 'cannot-conclude': palette.wait }[outcome];
  return [
    `audit verify: ${colour(HEADLINES[outcome])}`,
    EXPLANATIONS[outcome],
    '',
    describeCounts(counts),
    ...(logs.length === 0 ? [] : ['', ...renderLogs(logs)]),
    ...SEVERITIES.flatMap((severity) => renderFindings(severity, findings)),
  ];
}

function renderLogs(logs: readonly LogSummary[]): readonly string[] {
  const heading = ['LOG', 'STATE', 'RECORDS', 'PROVEN', 'TORN BYTES', 'KEY', 'ORIGIN'];
  const rows = logs.map((log) => [
    log.ulid,
    log.state,
    String(log.records),
    String(log.proven),
    String(log.tornBytes),
    log.trusted ? 'trusted' : 'unknown',
    log.origin ?? '?',
  ]);
  return layOutTable([heading, ...rows], '  ', 80);
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
