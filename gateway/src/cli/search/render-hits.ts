import type { Palette } from '../colour.js';
import { line } from '../describe.js';
import { listIn, listOf, numberIn, objectIn, stringIn } from '../fields.js';
import { clip, plural, toLine } from '../plain-text.js';
import type { Proof } from '../proof.js';
import { unreadBodies } from '../read-records.js';
import { rowBytes } from '../session-digest.js';
import { toUtc } from '../time.js';
import type { Hit } from './recheck.js';

const MAX_EXCERPT = 160;
const MAX_NAMES = 3;

/** How far a hit is vouched for: `signed` by its own log up to there, `verified` by a trust file too. */
export type HitState = 'signed' | 'verified' | 'signed-not-proven' | 'tampered';

export function stateOfHit({ records }: Hit, proof: Proof | undefined): HitState {
  if (proof === undefined) return 'signed';
  if (proof.outcome === 'tampered') return 'tampered';
  return records.every(({ log, index }) => proof.isProven(log, index)) ? 'verified' : 'signed-not-proven';
}

/** One hit for people; safe on a terminal. */
export function renderHit(hit: Hit, proof: Proof | undefined, palette: Palette): readonly string[] {
  const first = hit.records[0];
  if (first === undefined) return [];
  const { fields, strand, timeMs } = first.leaf;
  const heading = [toUtc(timeMs), whoOf(hit), ...outcomesOf(hit).map(toLine), whatOf(hit)].filter(
    (text) => text !== '',
  );
  const rules = [...new Set(hit.records.flatMap(({ leaf }) => listIn(objectIn(leaf.fields, 'dec'), 'rules')))];
  const details = [
    ...(rules.length === 0 ? [] : [`rule ${clip(rules.map(toLine).join(', '), MAX_EXCERPT)}`]),
    ...deliveredOf(hit),
    ...(stringIn(fields, 'qid') === undefined ? [] : [`query ${line(fields, 'qid')}`]),
    ...(strand === undefined ? [] : [`session ${clip(toLine(strand.sessionId), MAX_EXCERPT)}`]),
  ];
  return [
    palette.bold(heading.join(' · ')),
    ...excerptOf(hit).map((text) => `  ${text}`),
    ...(details.length === 0 ? [] : [`  ${details.join(' · ')}`]),
    `  ${renderState(stateOfHit(hit, proof), palette)} · ${placesOf(hit)}`,
    '',
  ];
}

function renderState(state: HitState, palette: Palette): string {
  switch (state) {
    case 'verified':
      return palette.good('verified');
    case 'signed':
      return palette.wait('signed by its log up to there');
    case 'signed-not-proven':
      return palette.wait('signed by its log up to there, not proven');
    case 'tampered':
      return palette.bad('NOT VERIFIED');
  }
}

/** `log 01… records 4, 7 to 9`. */
function placesOf({ records }: Hit): string {
  const byLog = new Map<string, number[]>();
  for (const { log, index } of records) byLog.set(log, [...(byLog.get(log) ?? []), index]);
  return [...byLog]
    .map(([log, indexes]) => `log ${log} ${indexes.length === 1 ? 'record' : 'records'} ${toRanges(indexes)}`)
    .join(', ');
}

function toRanges(indexes: readonly number[]): string {
  const sorted = indexes.toSorted((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const index of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`)).join(', ');
}

function whoOf({ opening, records }: Hit): string {
  const opened = objectIn(opening?.leaf.fields, 'who');
  const own = records[0]?.leaf.fields;
  const who = objectIn(own, 'who') ?? own;
  const name =
    stringIn(opened, 'name') ??
    stringIn(opened, 'sub') ??
    stringIn(who, 'name') ??
    stringIn(who, 'sub') ??
    stringIn(who, 'subject') ??
    '?';
  const agent = stringIn(opened, 'agent') ?? stringIn(who, 'agent');
  return clip(toLine(agent === undefined ? name : `${name} (agent ${agent})`), MAX_EXCERPT);
}

/** Verdicts, decisions and codes, in order. */
function outcomesOf({ records }: Hit): readonly string[] {
  const all = records.flatMap(({ leaf: { kind, fields } }) => {
    const code = stringIn(fields, 'code');
    if (kind === 'request') return [stringIn(objectIn(fields, 'dec'), 'v') ?? '?'];
    if (kind === 'decision') return [stringIn(fields, 'v') ?? '?'];
    if (kind === 'request.refused' || kind === 'session.refused') return [`refused ${code ?? ''}`.trim()];
    if (kind === 'response.withheld') return [`withheld ${code ?? ''}`.trim()];
    return code === undefined ? [] : [`code ${code}`];
  });
  return [...new Set(all)];
}

/** What kind of statement on what, or what kind of record. */
function whatOf({ records }: Hit): string {
  const request = records.find(({ leaf }) => leaf.kind === 'request');
  if (request === undefined) {
    const [first] = records;
    const detail =
      stringIn(first?.leaf.fields, 'op') ??
      stringIn(first?.leaf.fields, 'action') ??
      stringIn(first?.leaf.fields, 'choice');
    return clip(toLine(`${first?.leaf.kind ?? ''}${detail === undefined ? '' : ` ${detail}`}`), MAX_EXCERPT);
  }
  const names = listIn(request.leaf.fields, 'objects');
  const shown = names.slice(0, MAX_NAMES).join(', ');
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  const own = request.leaf.fields['internal'] === true ? ', by the gateway itself' : '';
  return clip(
    toLine(`${stringIn(request.leaf.fields, 'cls') ?? '?'}${names.length === 0 ? '' : ` on ${shown}${more}`}${own}`),
    MAX_EXCERPT,
  );
}

function excerptOf({ records }: Hit): readonly string[] {
  for (const record of records) {
    const bytes = record.bodies.get('submitted') ?? record.bodies.get('sql');
    if (bytes !== undefined) return [clip(toLine(bytes.toString('utf8').replace(/\s+/g, ' ').trim()), MAX_EXCERPT)];
    const missing = unreadBodies(record).filter(({ name }) => name === 'sql' || name === 'submitted');
    if (missing[0] !== undefined) return [`(its text cannot be read: ${missing[0].why})`];
  }
  return [];
}

function deliveredOf({ records }: Hit): readonly string[] {
  const answers = records.filter(({ leaf }) => leaf.kind === 'response' || leaf.kind === 'chunk');
  if (answers.length === 0) return [];
  const rows = answers.reduce((sum, { leaf }) => sum + (numberIn(leaf.fields, 'rows') ?? 0), 0);
  const bytes = answers.reduce((sum, record) => sum + rowBytes(record), 0);
  const masked = answers.reduce((sum, { leaf }) => sum + listOf(leaf.fields, 'masked').length, 0);
  return [
    `${plural(rows, 'row')}, ${plural(bytes, 'byte')} delivered`,
    ...(masked === 0 ? [] : [`${plural(masked, 'column')} masked`]),
  ];
}
