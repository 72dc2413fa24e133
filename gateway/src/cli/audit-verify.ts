import { type Finding, type LogSummary, type Severity, type Trust, type Verdict, verify } from '@piste/verifier';
import { createPalette, type Palette } from './colour.js';
import { type CliIo, type CommandArguments, EXIT, UsageError } from './io.js';
import { openPlace } from './open-place.js';
import { plural, toJson, toLine } from './plain-text.js';
import { HEADLINES } from './proof.js';
import { readTrust } from './read-trust.js';
import { layOutTable } from './table.js';
import { toUtc } from './time.js';

const EXPLANATIONS: Readonly<Record<Verdict['outcome'], string>> = {
  sound: 'Up to the proven length of each log, every record is as it was written and none is missing.',
  tampered: 'Records or files are not as they were written. The findings say where.',
  'cannot-conclude': 'No tampering was found, but not everything needed for a verdict is here.',
};

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
  const directories = args.positionals.length > 0 ? args.positionals : fallback;
  if (directories.length === 0) throw new UsageError('which directory? Name it or set PISTE_RECORDING_DIR');
  const trust = args.trust === undefined ? undefined : await readTrust(args.trust);
  const verdict = await verifyPlaces(directories, trust, io);
  if (args.json) io.out(`${toJson(verdict)}\n`);
  else io.out(`${renderVerdict(verdict, createPalette(io.isTerminal)).join('\n')}\n`);
  return EXITS[verdict.outcome];
}

async function verifyPlaces(names: readonly string[], trust: Trust | undefined, io: CliIo): Promise<Verdict> {
  const places = await Promise.all(names.map((name) => openPlace(name, io)));
  try {
    const verdict = await verify(
      places.map(({ source }) => source),
      trust,
    );
    const further = (await Promise.all(places.map((place) => place.examine()))).flat();
    return withFindings(verdict, further);
  } finally {
    await Promise.all(places.map(({ source }) => source.close()));
  }
}

/** A verdict is as bad as its worst finding. */
function withFindings(verdict: Verdict, further: readonly Finding[]): Verdict {
  const worst = SEVERITIES.find((severity) => further.some((finding) => finding.severity === severity)) ?? 'note';
  const isWorse = worst === 'tampered' || (worst === 'cannot-conclude' && verdict.outcome === 'sound');
  return { ...verdict, outcome: isWorse ? worst : verdict.outcome, findings: [...verdict.findings, ...further] };
}

function renderVerdict({ outcome, counts, logs, findings }: Verdict, palette: Palette): readonly string[] {
  const colour = { sound: palette.good, tampered: palette.bad, 'cannot-conclude': palette.wait }[outcome];
  const span =
    counts.firstMs === undefined || counts.lastMs === undefined
      ? ''
      : `, ${toUtc(counts.firstMs)} to ${toUtc(counts.lastMs)}`;
  return [
    `audit verify: ${colour(HEADLINES[outcome])}`,
    EXPLANATIONS[outcome],
    '',
    `${[plural(counts.records, 'record'), plural(counts.sessions, 'session'), plural(counts.requests, 'request'), plural(counts.responses, 'response')].join(', ')}${span}`,
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
