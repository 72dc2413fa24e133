import type { ConnectionPolicy, Decision } from '../policy/index.js';
import type { Analysis } from '../sql/index.js';
import { type CatalogFile, readSurroundings } from './explain-catalog.js';
import { judge, queryOf } from './explain-judge.js';
import { masksOf } from './explain-statement.js';
import { readUser } from './explain-who.js';
import { InputError } from './io.js';
import type { Expectation, FixtureCase } from './policy-fixture.js';

/** One member that is not as expected. */
export interface Difference {
  readonly field: 'verdict' | 'masked' | 'sentText' | 'reason' | 'code' | 'recording';
  readonly expected: string;
  readonly actual: string;
}

export interface CaseResult {
  readonly name: string;
  readonly line: number | null;
  /** Empty: the case passed. */
  readonly differences: readonly Difference[];
  readonly verdict: Decision['verdict'];
  readonly reasons: readonly string[];
}

export interface FixtureResult {
  readonly file: string;
  /** Resources that are not in force as written. */
  readonly complaints: readonly string[];
  readonly cases: readonly CaseResult[];
}

export interface CaseSetting {
  readonly policy: ConnectionPolicy;
  readonly catalog: CatalogFile;
  /** What the session starts with where the case does not say. */
  readonly defaults: Readonly<Record<'database' | 'schema' | 'role' | 'warehouse', string | undefined>>;
  readonly source: string;
  readonly nowMs: number;
}

/** Judges one statement and compares. Throws `InputError` for a session that cannot be understood. */
export function runCase(one: FixtureCase, setting: CaseSetting): CaseResult {
  const { as, sql } = one;
  const who = { ...readUser(as.user ?? ''), groups: as.groups, claims: as.claims };
  const { policy, nowMs } = setting;
  const { analysis, decision, sent } = judge({ sql, who, surroundings: surroundingsOf(one, setting), policy, nowMs });
  const actual = {
    verdict: decision.verdict,
    masked: maskedOutputs(analysis, decision),
    sentText: sent,
    reasons: decision.reasons,
    code: decision.verdict === 'block' ? decision.denial.code : undefined,
    recording: decision.strictBy === undefined ? 'none' : 'Strict',
  };
  return {
    name: one.name,
    line: one.place?.line ?? null,
    differences: differencesOf(one.expect, actual),
    verdict: decision.verdict,
    reasons: decision.reasons.map(
      ({ kind, rule, message }) => `${kind}: ${message}${rule === undefined ? '' : ` (${rule})`}`,
    ),
  };
}

function surroundingsOf(one: FixtureCase, { catalog, defaults, source }: CaseSetting) {
  const at = `${source}${one.place === undefined ? '' : `:${one.place.line}`}: case "${one.name}"`;
  const own = one.session ?? {};
  if (typeof own !== 'object' || Array.isArray(own)) throw new InputError(`${at}: session is not an object`);
  const { database, schema } = catalog.current;
  const start = {
    ...defaults,
    ...(database === undefined ? {} : { database }),
    ...(schema === undefined ? {} : { schema }),
  };
  return readSurroundings({ ...start, ...own }, catalog, at);
}

/** Action by output: several where a column mixes differently masked ones. */
function maskedOutputs(analysis: Analysis, decision: Decision): Readonly<Record<string, string>> {
  const outputs = queryOf(analysis)?.outputs ?? [];
  const masked = outputs.flatMap((output, index) => {
    const actions = [...new Set(masksOf(index, output.sources, decision).map((mask) => mask.action.type))].sort();
    return actions.length === 0 ? [] : [[output.name ?? `#${index + 1}`, actions.join('+')] as const];
  });
  return Object.fromEntries(masked);
}

interface Actual {
  readonly verdict: Decision['verdict'];
  readonly masked: Readonly<Record<string, string>>;
  readonly sentText: string | undefined;
  readonly reasons: Decision['reasons'];
  readonly code: string | undefined;
  readonly recording: string;
}

function differencesOf(expected: Expectation, actual: Actual): readonly Difference[] {
  const compare = (field: Difference['field'], wanted: string | undefined, got: string): readonly Difference[] =>
    wanted === undefined || wanted === got ? [] : [{ field, expected: wanted, actual: got }];
  const { reason } = expected;
  const isReasonGiven = actual.reasons.some(({ kind, message }) => kind === reason || message.includes(reason ?? ''));
  return [
    ...compare('verdict', expected.verdict, actual.verdict),
    ...compare('code', expected.code, actual.code ?? 'none'),
    ...compare('recording', expected.recording, actual.recording),
    ...compare('masked', expected.masked === undefined ? undefined : show(expected.masked), show(actual.masked)),
    ...compare('sentText', expected.sentText?.trim(), actual.sentText ?? 'nothing is sent'),
    ...(reason === undefined || isReasonGiven
      ? []
      : compare('reason', reason, actual.reasons.map(({ kind, message }) => `${kind}: ${message}`).join(' | '))),
  ];
}

/** In the order of names, so that equal masks give equal texts. */
function show(masked: Readonly<Record<string, string>>): string {
  const entries = Object.entries(masked).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.length === 0 ? 'nothing' : entries.map(([name, action]) => `${name}: ${action}`).join(', ');
}
