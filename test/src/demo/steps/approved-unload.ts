import { createApprover } from '../approver.js';
import { askPiste, type ListedSession, type PlayedRecord } from '../piste.js';
import type { Stage } from '../stage.js';
import { expectSame, expectThat, type Step } from '../step.js';
import { holdStatement } from './held.js';
import { historyThroughGateway } from './history.js';

const SQL = 'COPY INTO @exports/orders.csv FROM (SELECT id, status, amount FROM orders)';
const ORDERS = 40;

/** What the gateway writes into QUERY_TAG. */
interface Tag {
  readonly w: string;
  readonly i: number;
  readonly r: string;
}

/** An unload waits, is approved by its data owner and runs once. */
export const approvedUnload: Step = {
  title: 'It wants to unload orders; the data owner approves',
  async run(stage, signal) {
    const { screen, owner, direct } = stage;
    const { request, outcome } = await holdStatement(stage, SQL, signal);
    const own = await createApprover(stage.playground.consoleUrl, stage.agentToken).decide(request, {
      choice: 'approve',
      reason: 'mine',
    });
    expectSame("the answer to the agent's own vote", own.status, 403);
    screen.ok('the agent tried to approve it itself: 403, the vote was not counted');
    const vote = await owner.decide(request, { choice: 'approve', reason: 'Part of the monthly report.' });
    expectSame("the answer to dana.owner's vote", vote.status, 200);
    screen.ok('dana.owner approves: "Part of the monthly report."');
    const attempt = await outcome;
    expectThat(attempt.ok, 'the unload to run', attempt);
    screen.field('driver says', JSON.stringify(attempt.result.rows[0]));
    expectSame(
      'rows unloaded',
      attempt.result.rows.map((row) => row['rows_unloaded']),
      [ORDERS],
    );
    const { rows: files } = await direct.execute('LIST @exports');
    expectSame(
      'files in the stage',
      files.map((file) => file['name']),
      ['exports/orders.csv'],
    );
    await checkHistory(stage);
  },
};

/** The statement is in Snowflake's history once, and its tag leads to the record that was written before it ran. */
async function checkHistory({ screen, playground, identityFile }: Stage): Promise<void> {
  const runs = (await historyThroughGateway(playground)).filter(({ sqlText }) => sqlText.startsWith('COPY'));
  expectSame('number of times Snowflake ran it', runs.length, 1);
  const tag = JSON.parse(runs[0]?.queryTag ?? '{}') as Tag;
  screen.field('history', `Snowflake ran it once, with QUERY_TAG ${JSON.stringify(tag)}`);
  const { sessions } = await askPiste<{ sessions: readonly ListedSession[] }>(
    'sessions',
    'list',
    playground.recordingDirectory,
  );
  const { records } = await askPiste<{ records: readonly PlayedRecord[] }>(
    'sessions',
    'play',
    playground.recordingDirectory,
    sessions[0]?.id ?? '',
    '--identity',
    identityFile,
  );
  const record = records.find(({ log, index }) => tag.w.endsWith(`/${log}`) && index === tag.i);
  expectThat(record !== undefined, `record ${tag.i} of ${tag.w}`, 'no such record');
  expectThat(tag.r !== '' && record.leafHash.startsWith(tag.r), `a record with hash ${tag.r}`, record.leafHash);
  expectSame('the recorded text', record.bodies['sql']?.text, runs[0]?.sqlText);
  screen.ok(`the tag names record ${tag.i} of the gateway's log and its hash: that record holds the very text`);
}
