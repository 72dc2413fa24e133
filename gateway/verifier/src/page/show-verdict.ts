/// <reference lib="dom" />
import type { Finding, Severity } from '../judge/finding.js';
import type { Trust } from '../judge/trust.js';
import type { Verdict } from '../judge/verify.js';
import { describeCounts, describeLog, explainOutcome, HEADLINES } from '../judge/wording.js';
import { element, table } from './dom.js';

const SEVERITIES: readonly Severity[] = ['tampered', 'cannot-conclude', 'note'];
const MAX_LISTED = 500;

/** The verdict line first, then what was counted, the keys it was measured by, the logs and every finding. */
export function showVerdict(verdict: Verdict, trust: Trust | undefined): readonly Node[] {
  const { outcome, counts, findings, logs } = verdict;
  return [
    element('p', `audit verify: ${HEADLINES[outcome]}`, { id: 'verdict', class: outcome }),
    ...(verdict.session === undefined ? [] : [element('p', `One session: ${verdict.session}`)]),
    element('p', explainOutcome(verdict)),
    element('p', describeCounts(counts)),
    ...showFindings(findings),
    table('Logs', ['Log', 'State', 'Records', 'Proven', 'Torn bytes', 'Key', 'Origin'], logs.map(describeLog)),
    ...showKeys(trust),
  ];
}

function showFindings(findings: readonly Finding[]): readonly Node[] {
  if (findings.length === 0) return [];
  const sorted = SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
  const rows = sorted
    .slice(0, MAX_LISTED)
    .map((finding) => [finding.severity, finding.message, finding.code, placeOf(finding)]);
  const rest = sorted.length - rows.length;
  return [
    table('Findings', ['Severity', 'What', 'Code', 'Where'], rows),
    ...(rest > 0 ? [element('p', `and ${rest} more`)] : []),
  ];
}

function placeOf({ log, index, segment, offset }: Finding): string {
  return [
    log === undefined ? '' : `log ${log}`,
    index === undefined ? '' : `record ${index}`,
    segment === undefined ? '' : `segment ${segment}`,
    offset === undefined ? '' : `byte ${offset}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function showKeys(trust: Trust | undefined): readonly Node[] {
  if (trust === undefined) return [];
  const keys = trust.registry === undefined ? trust.writers : [trust.registry, ...trust.writers];
  if (keys.length === 0) return [];
  return [
    table(
      'Keys the verdict rests on: compare them with ones you have from elsewhere',
      ['Verifier key'],
      keys.map((key) => [key]),
    ),
  ];
}
