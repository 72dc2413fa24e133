import type { Stage } from '../stage.js';
import { expectSame, expectThat, isHash, type Step, toText } from '../step.js';

const COLUMNS = ['NAME', 'EMAIL', 'SSN', 'CITY', 'BALANCE'] as const;
/** The agent's first question. */
export const MASKED_SQL = `SELECT id, ${COLUMNS.join(', ').toLowerCase()} FROM customers ORDER BY id`;
const SHOWN_ROWS = 2;

type Row = Readonly<Record<string, unknown>>;

/** The same rows twice: through the gateway and directly. */
export const maskedSelect: Step = {
  title: 'It reads customers; protected columns arrive masked',
  async run({ screen, agent, direct }: Stage) {
    screen.field('agent', MASKED_SQL);
    const outcome = await agent.attempt(MASKED_SQL);
    expectThat(outcome.ok, 'rows', outcome);
    const seen = outcome.result.rows;
    const { rows: held } = await direct.execute(MASKED_SQL);
    screen.blank();
    screen.table([
      ['ID', 'COLUMN', 'what the agent saw', 'what Snowflake holds'],
      ...seen.slice(0, SHOWN_ROWS).flatMap((row, at) => compare(row, held[at])),
    ]);
    screen.blank();
    expectSame('number of rows', seen.length, held.length);
    for (const [at, row] of seen.entries()) checkRow(row, held[at] ?? {});
    checkHashes(seen, held);
    screen.ok(
      `all ${seen.length} rows: names redacted, e-mail addresses hashed, social security numbers cut to 4 digits, balances gone, cities untouched`,
    );
  },
};

function compare(seen: Row, held: Row | undefined): readonly (readonly string[])[] {
  return COLUMNS.map((column, at) => [
    at === 0 ? String(seen['ID']) : '',
    column,
    cell(seen[column]),
    cell(held?.[column]),
  ]);
}

const cell = (value: unknown): string => (value === null || value === undefined ? 'NULL' : toText(value));

function checkRow(seen: Row, held: Row): void {
  const customer = `customer ${String(held['ID'])}`;
  expectSame(`ID of ${customer}`, seen['ID'], held['ID']);
  expectSame(`CITY of ${customer}`, seen['CITY'], held['CITY']);
  expectSame(`NAME of ${customer}`, seen['NAME'], '***');
  expectSame(`BALANCE of ${customer}`, seen['BALANCE'], null);
  expectSame(`SSN of ${customer}`, seen['SSN'], typeof held['SSN'] === 'string' ? `***${held['SSN'].slice(-4)}` : null);
  const isHashed = held['EMAIL'] === null ? seen['EMAIL'] === null : isHash(seen['EMAIL']);
  expectThat(isHashed, `EMAIL of ${customer} as a hash`, seen['EMAIL']);
}

/** Different addresses have different hashes, so the agent can still tell customers apart. */
function checkHashes(seen: readonly Row[], held: readonly Row[]): void {
  const count = (rows: readonly Row[]) => new Set(rows.map((row) => row['EMAIL'])).size;
  expectSame('number of different e-mail hashes', count(seen), count(held));
}
