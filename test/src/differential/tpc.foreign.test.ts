import { beforeAll, describe, expect, test } from '@jest/globals';
import { type ConnectionPolicy, decide } from '@piste/gateway/dist/policy/index.js';
import { analyze, type Facts } from '@piste/gateway/dist/sql/index.js';
import { type MaskOf, maskSources } from '@piste/gateway/dist/sql/mask-sources.js';
import { describeComparison, runComparison } from './run.js';
import { type Benchmark, loadBenchmarks } from './tpc.js';

const seed = Number(process.env['PISTE_SEED']);
const rounds = process.env['PISTE_TORTURE'] === '1' ? 200 : 5;
/** Far beyond what so many rounds take, so that a busy machine compares the same statements. */
const milliseconds = process.env['PISTE_TORTURE'] === '1' ? 900_000 : 180_000;

/** Columns of people and of money, masked for everybody. */
const PROTECTED: readonly (readonly [string, string])[] = [
  ['CUSTOMER', 'C_NAME'],
  ['CUSTOMER', 'C_PHONE'],
  ['CUSTOMER', 'C_ACCTBAL'],
  ['CUSTOMER', 'C_EMAIL_ADDRESS'],
  ['CUSTOMER', 'C_LAST_NAME'],
  ['CUSTOMER', 'C_FIRST_NAME'],
  ['CUSTOMER_ADDRESS', 'CA_ZIP'],
  ['SUPPLIER', 'S_ACCTBAL'],
];

const maskOf: MaskOf = ({ name: table }, { name: column }) =>
  PROTECTED.some(([object, hidden]) => object === table && hidden === column) ? 'NULL' : undefined;

const WHO = { issuer: 'i', subject: 's', groups: [] };

const POLICY: ConnectionPolicy = {
  connection: 'c',
  revision: 'r',
  allowedRoles: ['R'],
  unmatchedObjects: 'Allow',
  rules: [],
  maskingPolicies: [
    {
      name: 'people',
      enforcement: 'Enforce',
      onUnresolved: 'Deny',
      rules: [
        {
          name: 'hide',
          columns: PROTECTED.map(([object, column]) => ({ database: 'APP', schema: '*', object, column })),
          action: { type: 'Null' },
          unless: [],
        },
      ],
    },
  ],
  rejected: [],
};

describe(`TPC-H and TPC-DS, PISTE_SEED=${seed}`, () => {
  let benchmarks: readonly Benchmark[];
  beforeAll(async () => {
    benchmarks = await loadBenchmarks();
  }, 90_000);

  /** Queries that are read, with their place in the benchmark. */
  const read = (): readonly (readonly [string, Facts])[] =>
    benchmarks.flatMap(({ name, statements }) =>
      statements.flatMap(({ sqlText, session, catalog }, index): (readonly [string, Facts])[] => {
        const analysis = analyze(sqlText, session, catalog);
        return analysis.read ? [[`${name} ${index + 1}`, analysis]] : [];
      }),
    );

  test('at most one query in a hundred is not analysed', () => {
    const refused = benchmarks.flatMap(({ name, statements }) =>
      statements.flatMap(({ sqlText, session, catalog }, index) => {
        const analysis = analyze(sqlText, session, catalog);
        return analysis.read ? [] : [`${name} ${index + 1}: ${analysis.detail}`];
      }),
    );
    expect(benchmarks.map(({ statements }) => statements.length)).toEqual([22, 99]);
    if (refused.length > 1) expect(refused).toEqual([]);
  });

  test('none is denied because a few columns are masked', () => {
    const session = { database: 'APP', schema: 'TPC', role: 'R', warehouse: 'W' };
    const denied = read().flatMap(([name, facts]) => {
      const { verdict, reasons } = decide(facts, WHO, session, POLICY);
      return verdict === 'allow' ? [] : [`${name}: ${reasons.map(({ kind }) => kind).join(', ')}`];
    });
    expect(denied).toEqual([]);
  });

  test('every one can be masked at the source', () => {
    const failed = read().flatMap(([name, facts]) => {
      const masked = facts.query && maskSources(facts.query, maskOf);
      return masked?.ok === true ? [] : [`${name}: ${masked?.detail}`];
    });
    expect(failed).toEqual([]);
  });

  test(
    'a second parser reads each of them, and broken forms of them, as ours does',
    async () => {
      const found = await runComparison({ seed, rounds, milliseconds, withBenchmarks: true });
      console.info(describeComparison(found));
      expect(found.disagreements).toEqual([]);
      expect(found.groups['given']?.both).toBeGreaterThanOrEqual(119);
    },
    milliseconds + 60_000,
  );
});
