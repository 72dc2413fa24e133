import type { ReconcileFinding, ReconcileReport, Weight } from '../reconcile/index.js';
import type { Palette } from './colour.js';
import { plural, toLine } from './plain-text.js';
import { layOutTable } from './table.js';
import { toUtc } from './time.js';

const HEADLINES: Readonly<Record<ReconcileReport['outcome'], string>> = {
  complete: 'COMPLETE',
  alarm: 'ALARM',
  'cannot-conclude': 'CANNOT CONCLUDE',
};

const EXPLANATIONS: Readonly<Record<ReconcileReport['outcome'], string>> = {
  complete: 'Everything the history shows for the service user is recorded as it ran.',
  alarm: 'Snowflake ran something that is not recorded, or not so, or the recording is not what it was.',
  'cannot-conclude': 'Nothing unrecorded was found, but not everything needed to say "complete" is here.',
};

const WEIGHTS: readonly Weight[] = ['alarm', 'unproven', 'note'];
/** More findings of one weight than this are counted, not listed; `--json` has more. */
const MAX_LISTED = 50;

/** A report as people read it. */
export function renderReport(report: ReconcileReport, palette: Palette): readonly string[] {
  const { outcome, rows, statements, findings, counts, sinceMs, completeUntilMs, nowMs, viewLagMs } = report;
  const colour = { complete: palette.good, alarm: palette.bad, 'cannot-conclude': palette.wait }[outcome];
  const span = [
    sinceMs === undefined ? '' : `from ${toUtc(sinceMs)}`,
    `history as of ${toUtc(nowMs)}${viewLagMs === 0 ? '' : `, of which the last ${minutesOf(viewLagMs)} may be missing`}`,
    completeUntilMs === undefined ? '' : `complete until ${toUtc(completeUntilMs)}`,
  ].filter((part) => part !== '');
  return [
    `audit reconcile: ${colour(HEADLINES[outcome])}`,
    EXPLANATIONS[outcome],
    span.join('; '),
    '',
    ...layOutTable(
      [['HISTORY ROWS', '', 'RECORDED STATEMENTS', ''], ...sideBySide(countsOf(rows), countsOf(statements))],
      '  ',
    ),
    ...WEIGHTS.flatMap((weight) => renderFindings(weight, findings, counts[weight])),
  ];
}

const minutesOf = (milliseconds: number): string => plural(Math.ceil(milliseconds / 60_000), 'minute');

type CountLine = readonly [string, string];

const countsOf = (counts: Readonly<Record<string, number>>): readonly CountLine[] =>
  Object.entries(counts).flatMap(([kind, count]): CountLine[] => (count === 0 ? [] : [[kind, String(count)]]));

function sideBySide(left: readonly CountLine[], right: readonly CountLine[]): readonly (readonly string[])[] {
  const none: CountLine = ['', ''];
  return Array.from({ length: Math.max(left.length, right.length, 1) }, (_, at) => [
    ...(left[at] ?? none),
    ...(right[at] ?? none),
  ]);
}

function renderFindings(weight: Weight, findings: readonly ReconcileFinding[], count: number): readonly string[] {
  const lines = findings
    .filter((finding) => finding.weight === weight)
    .slice(0, MAX_LISTED)
    .map(
      (finding) => `${weight}: ${placeOf(finding)}${toLine(finding.message)} [${finding.kind}${sessionOf(finding)}]`,
    );
  if (lines.length === 0) return [];
  const rest = count - lines.length;
  return ['', ...lines, ...(rest > 0 ? [`${weight}: and ${plural(rest, 'more finding')}`] : [])];
}

function placeOf({ atMs, queryId }: ReconcileFinding): string {
  const parts = [atMs === undefined ? '' : toUtc(atMs), queryId === undefined ? '' : `query ${toLine(queryId)}`].filter(
    (part) => part !== '',
  );
  return parts.length === 0 ? '' : `${parts.join(' ')}: `;
}

function sessionOf({ session, user, recordedIn }: ReconcileFinding): string {
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['user', user],
    ['session', session],
    ['recorded in', recordedIn],
  ];
  return parts.map(([name, value]) => (value === undefined ? '' : `; ${name} ${toLine(value)}`)).join('');
}
