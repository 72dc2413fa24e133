import { fileURLToPath } from 'node:url';
import { startProgram } from '../../harness/child.js';
import { createAgent, type DriverRefusal } from '../agent.js';
import { askPiste, type ListedSession } from '../piste.js';
import { clip } from '../screen.js';
import { expectSame, expectText, expectThat, isHash, type Step } from '../step.js';
import { MASKED_SQL } from './masked-select.js';

const CLI = fileURLToPath(new URL('../../../../gateway/dist/cli/main.js', import.meta.url));
/** The same table, but nobody asked this before. */
const UNKNOWN_SQL = 'SELECT count(*) FROM customers';
const SHOWN_CHARACTERS = 92;

/** The recorded session answers a driver: what was seen then is seen again, and nothing else. */
export const replayServer: Step = {
  title: 'A driver asks the recording instead of Snowflake, and sees what the agent saw',
  timeoutSeconds: 60,
  async run({ screen, playground, agentToken, identityFile }) {
    const { recordingDirectory, checkpointFile } = playground;
    const { sessions } = await askPiste<{ sessions: readonly ListedSession[] }>('sessions', 'list', recordingDirectory);
    const session = sessions.find(({ principal }) => principal === 'report-agent');
    expectThat(session !== undefined, 'the session of report-agent', sessions);
    const keys = ['--trust', checkpointFile, '--identity', identityFile];
    const command = ['sessions', 'serve', recordingDirectory, session.id, ...keys];
    screen.raw(`    $ piste ${command.join(' ')}`);
    const before = (await playground.history()).length;
    const server = await startProgram(CLI, [...command, '--json']);
    const driver = createAgent(agentToken);
    try {
      await driver.connect(String(server.ready['url']));
      screen.field('driver', MASKED_SQL);
      const known = await driver.attempt(MASKED_SQL);
      expectThat(known.ok, 'the recorded rows', known);
      const [row] = known.result.rows;
      screen.field('gets', clip(JSON.stringify(row), SHOWN_CHARACTERS));
      expectSame('rows', known.result.rows.length, 12);
      expectThat(row?.['NAME'] === '***' && isHash(row['EMAIL']), 'the masks that were delivered', row);
      screen.field('driver', UNKNOWN_SQL);
      const unknown = await driver.attempt(UNKNOWN_SQL);
      expectThat(!unknown.ok, 'a refusal', unknown);
      sayRefusal(screen, unknown.refusal);
      expectText('the refusal', unknown.refusal.message, 'PISTE-');
    } finally {
      await driver.disconnect();
      await server.stop();
    }
    expectSame('statements that reached Snowflake meanwhile', (await playground.history()).length - before, 0);
    screen.ok('the unmodified driver saw what was delivered then, masks and all; Snowflake was not asked');
  },
};

function sayRefusal(
  screen: { field(name: string, text: string): void; refusal(text: string): void },
  { code, message }: DriverRefusal,
): void {
  screen.field('gets', `error ${code}`);
  screen.refusal(message);
}
