import type { Palette } from './colour.js';
import { plural, toLine } from './plain-text.js';
import type { CaseResult, FixtureResult } from './policy-case.js';

/** The results for people: every case, and what differs. */
export function renderResults(results: readonly FixtureResult[], palette: Palette): readonly string[] {
  const cases = results.flatMap((result) => result.cases);
  const failed = cases.filter(isFailed).length;
  const summary = `${plural(cases.length, 'case')}, ${failed === 0 ? palette.good('all passed') : palette.bad(`${failed} failed`)}`;
  return [...results.flatMap((result) => renderFixture(result, palette)), summary];
}

function isFailed({ differences }: CaseResult): boolean {
  return differences.length > 0;
}

function renderFixture({ file, complaints, cases }: FixtureResult, palette: Palette): readonly string[] {
  return [
    palette.bold(toLine(file)),
    ...complaints.map((complaint) => `  ${palette.wait('note')} ${toLine(complaint)}`),
    ...cases.flatMap((one) => renderCase(one, palette)),
    '',
  ];
}

function renderCase(one: CaseResult, palette: Palette): readonly string[] {
  if (!isFailed(one)) return [`  ${palette.good('ok')} ${toLine(one.name)}`];
  const at = one.line === null ? '' : ` (line ${one.line})`;
  return [
    `  ${palette.bad('FAILED')} ${toLine(one.name)}${at}`,
    ...one.differences.flatMap(({ field, expected, actual }) => [
      `    ${field}:`,
      `      expected ${toLine(expected)}`,
      `      but got  ${toLine(actual)}`,
    ]),
    ...one.reasons.map((reason) => `    because ${toLine(reason)}`),
  ];
}

/** The results as JUnit XML, one suite per fixture. */
export function renderJUnit(results: readonly FixtureResult[]): string {
  const suites = results.map(({ file, cases }) => {
    const failures = cases.filter(isFailed).length;
    const body = cases.map((one) => renderTestCase(file, one)).join('');
    return `  <testsuite name="${escapeXml(file)}" tests="${cases.length}" failures="${failures}">\n${body}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('')}</testsuites>\n`;
}

function renderTestCase(file: string, one: CaseResult): string {
  const head = `    <testcase classname="${escapeXml(file)}" name="${escapeXml(one.name)}"`;
  if (!isFailed(one)) return `${head}/>\n`;
  const text = one.differences.map(({ field, expected, actual }) => `${field}: expected ${expected} but got ${actual}`);
  const message = escapeXml(text.join('; '));
  return `${head}>\n      <failure message="${message}">${message}</failure>\n    </testcase>\n`;
}

const XML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeXml(text: string): string {
  return toLine(text).replace(/[&<>"]/g, (character) => XML[character] ?? '');
}
