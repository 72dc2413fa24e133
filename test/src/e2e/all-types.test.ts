import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTap, type Tap } from '../demo/tap.js';
import type { NodeDriver } from '../harness/node-driver.js';
import { allTypesPolicy, type Regime } from '../playground/all-types-policy.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectDirect } from './callers.js';

type Fields = Readonly<Record<string, unknown>>;

/** The driver hangs functions of its own on dates and bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

const plainRow = (row: Fields, prefix: string): Fields =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name, plain(value)]),
  );

const HASHED = expect.stringMatching(/^pst_[0-9a-f]{32}$/);
const TOKEN = expect.stringMatching(/^\d{4}(-\d{4}){3}$/);
const nothing = {
  S_INT64: null,
  S_DECIMAL: null,
  S_NULLED: null,
  S_BINARY: null,
  S_VARIANT: null,
  S_OBJECT: null,
  S_ARRAY: null,
  S_PLACE: null,
};
/** One value in place of all. */
const constants = {
  S_INT32: 7,
  S_TEXT: '***',
  S_FIXED_TEXT: 'hidden é',
  S_BOOL: false,
  S_TZ: '1999-12-31T22:00:00.000Z',
};

/** The secret columns by row, whatever the regime says of NULL. */
const MASKED: readonly Fields[] = [
  {
    ...nothing,
    ...constants,
    S_INT8: 50,
    S_INT16: 12_300,
    S_MONEY: 8_765_400,
    S_FINE: 123_000,
    S_REAL: 1230,
    S_PARTIAL: '•••ne',
    S_HASHED: HASHED,
    S_TOKEN: TOKEN,
    S_DATE: '1987-06-01T00:00:00.000Z',
    S_TIME: '09:00:00',
    S_NTZ: '1987-06-15T00:00:00.000Z',
    S_NTZ_MILLIS: '1988-07-11T00:00:00.000Z',
    S_LTZ: '1989-01-01T00:00:00.000Z',
  },
  {
    ...nothing,
    ...constants,
    S_INT8: -50,
    S_INT16: -12_400,
    S_MONEY: -1_234_600,
    S_FINE: -766_000,
    S_REAL: -9880,
    S_PARTIAL: '•••AL',
    S_HASHED: HASHED,
    S_TOKEN: TOKEN,
    S_DATE: '1901-11-01T00:00:00.000Z',
    S_TIME: '17:00:00',
    S_NTZ: '1950-03-17T00:00:00.000Z',
    S_NTZ_MILLIS: '1951-04-16T00:00:00.000Z',
    S_LTZ: '1952-01-01T00:00:00.000Z',
  },
  {},
  {
    ...nothing,
    ...constants,
    S_INT8: 90,
    S_INT16: 23_400,
    S_MONEY: 7_654_321_050,
    S_FINE: 8_765_432_187_654_000,
    S_REAL: 13_575,
    S_PARTIAL: '•••zz',
    S_HASHED: HASHED,
    S_TOKEN: TOKEN,
    S_DATE: '2087-09-01T00:00:00.000Z',
    S_TIME: '22:00:00',
    S_NTZ: '2101-10-11T00:00:00.000Z',
    S_NTZ_MILLIS: '2102-11-06T00:00:00.000Z',
    S_LTZ: '2103-01-01T00:00:00.000Z',
  },
];

/** A row of NULLs. Masks in a statement put a constant in place of NULL, too. The driver writes a NULL time as a word. */
function maskedNulls(regime: Regime): Fields {
  const nulls = Object.fromEntries(Object.keys(MASKED[0] ?? {}).map((name) => [name, null]));
  return { ...nulls, S_TIME: 'NULL', ...(regime === 'Mask' ? constants : {}) };
}

/** Secrets of which every answer must be free; long enough not to stand in it by chance. */
const SECRET =
  /geheim|67656865696D|4929-1234|5412-7777|3782-8224|123456789[01]|987654321|87654321098|91234567890|777777777|666666666|8765432\.19|1234567\.89|654321098\.76|123456\.765|765432\.123|8765432187654321|1234\.56789|9876\.54321|13579\.24681/;

describe.each<Regime>(['Mask', 'Allow'])('every type in JSON, with predicates: %s', (regime) => {
  let playground: Playground;
  let tap: Tap;
  let driver: NodeDriver;
  let direct: NodeDriver;
  beforeAll(async () => {
    playground = await startPlayground({
      standIn: { allTypes: true },
      resources: { 'all-types.yaml': allTypesPolicy(regime) },
    });
    tap = await startTap(playground.driverUrl);
    driver = await connectAgent(playground, { url: tap.url });
    direct = await connectDirect(playground);
  }, 60_000);
  afterAll(async () => {
    await driver?.close();
    await direct?.close();
    await tap?.close();
    await playground?.stop();
  });

  const expectedSecrets = (): readonly Fields[] =>
    MASKED.map((row) => (Object.keys(row).length === 0 ? maskedNulls(regime) : row));

  test('inline', async () => {
    const sqlText = 'SELECT * FROM all_types ORDER BY id';
    const { rows } = await driver.execute(sqlText);
    const original = (await direct.execute(sqlText)).rows;
    expect(rows.map((row) => plainRow(row, 'P_'))).toEqual(original.map((row) => plainRow(row, 'P_')));
    expect(rows.map((row) => plainRow(row, 'S_'))).toEqual(expectedSecrets());
  });

  test('in chunks', async () => {
    await playground.standIn.reset();
    const sqlText = 'SELECT * FROM all_types_large ORDER BY id';
    const { rows } = await driver.execute(sqlText);
    expect((await playground.standIn.counters()).chunkFetches).toBeGreaterThanOrEqual(3);
    const original = (await direct.execute(sqlText)).rows;
    expect(rows.map((row) => plainRow(row, 'P_'))).toEqual(original.map((row) => plainRow(row, 'P_')));
    const secrets = expectedSecrets();
    for (const row of rows) expect(plainRow(row, 'S_')).toEqual(secrets[Number(row['ID']) % 4]);
    expect(new Set(rows.map((row) => row['S_TOKEN'])).size).toBe(4);
    expect(new Set(rows.map((row) => row['S_HASHED'])).size).toBe(4);
  });

  test('without rows', async () => {
    const { rows, statement } = await driver.execute('SELECT * FROM all_types WHERE id < 0');
    expect(rows).toEqual([]);
    expect(statement.getColumns()).toHaveLength(53);
  });

  test('no answer held a secret', () => {
    const texts = tap.passed().map(({ text }) => text);
    expect(texts.join('').length).toBeGreaterThan(300_000);
    expect(texts.map((text) => SECRET.exec(text)?.[0]).filter((found) => found !== undefined)).toEqual([]);
  });

  test('the same look finds the secrets in what comes without the gateway', async () => {
    const { rows } = await direct.execute('SELECT s_text, s_binary, s_int32, s_money FROM all_types');
    expect(JSON.stringify(rows)).toMatch(SECRET);
  });
});
