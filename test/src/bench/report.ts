import type { AnalysisRow } from './analysis-bench.js';
import type { Goal } from './goals.js';
import type { KernelResults, KernelRow } from './kernels-bench.js';
import type { ProfileRow } from './profile.js';
import type { RecordingResults } from './recording-bench.js';
import { recordingTable } from './recording-report.js';
import type { RelayRow } from './relay-bench.js';
import type { StatementResults, StatementRow } from './statements-bench.js';

/** Everything one run measured; written to a file as it is. */
export interface BenchReport {
  readonly machine: string;
  readonly baseline: string | undefined;
  readonly isPinned: boolean;
  readonly isQuick: boolean;
  readonly seed: number;
  readonly seconds: number;
  readonly statements: StatementResults;
  readonly recordBytesPerStatement: number;
  readonly relay: readonly RelayRow[];
  readonly gatewayResidentMegabytes: { readonly before: number; readonly after: number };
  readonly analysis: readonly AnalysisRow[];
  readonly kernels: KernelResults;
  readonly recording: RecordingResults;
  readonly goals: readonly Goal[];
  readonly profile: readonly ProfileRow[] | undefined;
}

/** The report as text for a terminal. */
export function describeReport(report: BenchReport): string {
  const { statements, relay, analysis, kernels, recording, goals, profile } = report;
  const sections = [
    `machine    ${report.machine}\nbaseline   ${report.baseline ?? 'MISSING'}\nseed       ${report.seed}, ${report.isPinned ? 'proxies on one CPU, equipment on the other' : 'NOT PINNED to CPUs'}`,
    ...(report.baseline === undefined ? [MISSING_BASELINE] : []),
    `Statements: 1 KB answers, medians over ${statements.rows[0]?.rounds ?? 0} shuffled rounds, ratios paired per round\n${statementTable(statements.rows)}`,
    recordingText(report),
    `Large result part, one connection, 20 columns\n${relayTable(relay)}`,
    `Analysis of one statement beside another parser that only reads it, microseconds\n${analysisTable(analysis)}${analysisGoals(analysis)}`,
    `Masking of results in one process, CPU time, medians over ${kernels.rounds} shuffled rounds\n${kernelTable(kernels.rows)}`,
    `Durable records, one process, medians over ${recording.rounds} rounds\n${recordingTable(recording)}`,
    `gateway memory (resident)  ${report.gatewayResidentMegabytes.before.toFixed(0)} MB before, ${report.gatewayResidentMegabytes.after.toFixed(0)} MB after the run`,
    ...(profile === undefined
      ? []
      : [
          `Self time of the gateway's functions\n${profile.map(({ place, share }) => `${(share * 100).toFixed(1).padStart(6)} %  ${place}`).join('\n')}`,
        ]),
    ...(goals.length === 0
      ? []
      : [`Goals (ratios within this run, to nginx where nothing else is named)\n${goalTable(goals)}`]),
    `took ${report.seconds.toFixed(0)} s${report.isQuick ? ' (quick: too short for numbers to be quoted)' : ''}`,
  ];
  return sections.join('\n\n');
}

/** Printed before and within a report that has nothing to compare with. */
export const MISSING_BASELINE = `*** nginx IS MISSING: THERE IS NO BASELINE. Only the gateway's own numbers are measured, and no goal is judged.
*** Install it (apt-get install nginx) and run again.`;

const micros = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(0));
const ratio = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2));

function statementTable(rows: readonly StatementRow[]): string {
  return table([
    [
      '',
      'c',
      'p50 us',
      'p99 us',
      'added p50',
      'added p99',
      '/ nginx',
      'CPU us',
      '/ nginx',
      'per s',
      '/ nginx',
      'requests',
    ],
    ...rows.map((row) => [
      row.variant,
      String(row.connections),
      micros(row.p50Micros),
      micros(row.p99Micros),
      micros(row.addedP50Micros),
      micros(row.addedP99Micros),
      ratio(row.addedP50OverNginx),
      micros(row.cpuMicrosPerRequest),
      ratio(row.cpuOverNginx),
      micros(row.requestsPerSecond),
      ratio(row.requestsPerSecondOverNginx),
      String(row.requests),
    ]),
  ]);
}

function recordingText({ statements, recordBytesPerStatement }: BenchReport): string {
  return [
    `Recording: one append of 1 KB and one fdatasync on this disk takes p50 ${micros(statements.syncP50Micros)} us, p99 ${micros(statements.syncP99Micros)} us`,
    `  durable records add ${ratio(statements.recordingInSyncs)} of these to the p50 of one statement; a statement leaves ${recordBytesPerStatement.toFixed(0)} bytes in the log`,
  ].join('\n');
}

function relayTable(rows: readonly RelayRow[]): string {
  return table([
    ['', 'MB/s', '/ nginx', 'MB per CPU s', '/ nginx'],
    ...rows.map((row) => [
      row.variant,
      micros(row.megabytesPerSecond),
      ratio(row.overNginx),
      micros(row.megabytesPerCpuSecond),
      ratio(row.cpuOverNginx),
    ]),
  ]);
}

function analysisTable(rows: readonly AnalysisRow[]): string {
  return table([
    ['', 'statements', 'calls', 'p50', 'p99', 'max', 'other p50', 'other p99', 'p50 / other'],
    ...rows.map((row) => [
      row.group,
      String(row.statements),
      String(row.calls),
      row.p50Micros.toFixed(1),
      row.p99Micros.toFixed(1),
      micros(row.maxMicros),
      row.otherParserP50Micros.toFixed(1),
      row.otherParserP99Micros.toFixed(1),
      ratio(row.p50Micros / row.otherParserP50Micros),
    ]),
  ]);
}

const UNITS: Readonly<Record<KernelRow['group'], string>> = {
  json: 'MB',
  arrow: 'M rows',
  hmac: 'M values',
  ff1: 'M values',
};

function kernelTable(rows: readonly KernelRow[]): string {
  return table([
    ['', '', 'per CPU s', 'x first'],
    ...rows.map((row) => [
      `${row.group}: ${row.name}`,
      UNITS[row.group],
      (row.perCpuSecond / 1e6).toFixed(2),
      ratio(row.overBase),
    ]),
  ]);
}

function analysisGoals(rows: readonly AnalysisRow[]): string {
  return rows
    .flatMap(({ group, goal }) =>
      goal === undefined
        ? []
        : [`\n${group}: p50 <= ${goal.p50Micros}, p99 <= ${goal.p99Micros}: ${goal.met ? 'met' : 'MISSED'}`],
    )
    .join('');
}

function goalTable(goals: readonly Goal[]): string {
  return table([
    ['', 'goal', 'reached', ''],
    ...goals.map(({ name, atMost, goal, reached, met }) => [
      name,
      `${atMost ? '<=' : '>='} ${goal}`,
      ratio(reached),
      met ? 'met' : 'MISSED',
    ]),
  ]);
}

/** Columns as wide as their widest cell; the first stands left, the others right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
