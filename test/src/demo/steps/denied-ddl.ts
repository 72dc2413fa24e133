import { expectSame, expectText, expectThat, type Step } from '../step.js';
import { holdStatement } from './held.js';
import { historyThroughGateway } from './history.js';

const SQL = 'ALTER TABLE customers DROP COLUMN email';
const REASON = 'Billing needs this column.';

/** A change of shape waits and is denied; the agent is told by whom and why. */
export const deniedDdl: Step = {
  title: 'It wants to drop a column; the data owner denies',
  async run(stage, signal) {
    const { screen, owner, direct, playground } = stage;
    const { request, outcome } = await holdStatement(stage, SQL, signal);
    const vote = await owner.decide(request, { choice: 'deny', reason: REASON });
    expectSame("the answer to dana.owner's vote", vote.status, 200);
    screen.ok(`dana.owner denies: "${REASON}"`);
    const attempt = await outcome;
    expectThat(!attempt.ok, 'the statement to be refused', 'it ran');
    screen.field('driver says', `error ${attempt.refusal.code}, SQL state ${attempt.refusal.sqlState}`);
    screen.refusal(attempt.refusal.message);
    expectSame('error code', attempt.refusal.code, '861302');
    expectText('error text', attempt.refusal.message, 'Denied by Dana', REASON, 'Nothing was executed.');
    const ran = (await historyThroughGateway(playground)).find(({ sqlText }) => /^alter/i.test(sqlText));
    expectThat(ran === undefined, 'the statement never to reach Snowflake', ran);
    const { rows } = await direct.execute('SELECT COUNT(email) AS "N" FROM customers');
    expectSame('addresses that are still there', rows, [{ N: 11 }]);
    screen.ok('it never reached Snowflake; all 11 e-mail addresses are still there');
  },
};
