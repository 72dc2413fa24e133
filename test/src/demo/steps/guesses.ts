import { clip } from '../screen.js';
import type { Stage } from '../stage.js';
import { expectSame, expectThat, type Step, toText } from '../step.js';
import { historyThroughGateway } from './history.js';

type Row = Readonly<Record<string, unknown>>;

const GUESS = "SELECT id FROM customers WHERE email LIKE 'ada%'";
const EXPRESSION = 'SELECT id, UPPER(email) AS loud FROM customers WHERE id = 1';
const JOIN = 'SELECT COUNT(*) AS n FROM customers c JOIN v_customer_contact v ON v.contact = c.email';
const MAX_SHOWN_TEXT = 190;

/** Filters, expressions and joins run, on masks: what is useful stays useful, what spies finds nothing. */
export const guesses: Step = {
  title: 'It filters, computes and joins on a masked column; Snowflake works on the masks',
  async run(stage) {
    const guess = await runBoth(stage, GUESS);
    expectSame('rows found by the guess directly', guess.held, [{ ID: 1 }]);
    expectSame('rows found by the guess through the gateway', guess.seen, []);
    stage.screen.ok('no row: the filter sees hashes. Directly at Snowflake it finds Ada');

    const expression = await runBoth(stage, EXPRESSION);
    const loud = expression.seen[0]?.['LOUD'];
    expectThat(/^PST_[0-9A-F]{32}$/.test(toText(loud)), 'the hash in capitals', loud);
    expectSame('the same directly', expression.held[0]?.['LOUD'], 'ADA.BRANDT@EXAMPLE.COM');
    stage.screen.ok(`${toText(loud)}: the hash in capitals. Directly it is the address`);

    const join = await runBoth(stage, JOIN);
    expectThat(Number(join.held[0]?.['N']) > 1, 'customers that join', join.held);
    expectSame('number of joined customers', join.seen, join.held);
    stage.screen.ok(
      `${toText(join.seen[0]?.['N'])} customers, the same number as directly: equal values have equal hashes`,
    );
    await showWhatRan(stage);
  },
};

async function runBoth(
  { screen, agent, direct }: Stage,
  sqlText: string,
): Promise<{ readonly seen: readonly Row[]; readonly held: readonly Row[] }> {
  screen.field('agent', sqlText);
  const outcome = await agent.attempt(sqlText);
  expectThat(outcome.ok, 'an answer', outcome);
  return { seen: outcome.result.rows, held: (await direct.execute(sqlText)).rows };
}

/** The text that Snowflake ran reads the table through its masks. */
async function showWhatRan({ screen, playground }: Stage): Promise<void> {
  const ran = (await historyThroughGateway(playground)).find(({ sqlText }) => sqlText.includes("LIKE 'ada%'"));
  expectThat(ran !== undefined, 'the guess in the history', ran);
  expectThat(
    /FROM \(SELECT .* AS "EMAIL", .*\) AS "CUSTOMERS" WHERE email LIKE/.test(ran.sqlText),
    'masks at the source',
    ran,
  );
  screen.field('Snowflake ran', clip(ran.sqlText, MAX_SHOWN_TEXT));
  screen.ok('the table is read through its masks; the key of the hashes is a bind value and stands in no text');
}
