import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Stage, TOKEN_HOURS } from './stage.js';
import { expectThat, waitFor } from './step.js';

const WAITING_SQL = "DELETE FROM orders WHERE status = 'RETURNED'";

const WAIT_MILLISECONDS = 15_000;

/** Leaves one statement waiting for a decision, and says when and how it ended. Resolves when it waits. */
export async function leaveOneWaiting(stage: Stage, signal: AbortSignal): Promise<void> {
  const { screen, agent, owner, playground } = stage;
  await agent.connect(playground.driverUrl);
  let isOver = false;
  const waiting = agent.attempt(WAITING_SQL).then((attempt) => {
    isOver = true;
    if (signal.aborted) return;
    screen.blank();
    screen.say(`The waiting statement has ended: ${WAITING_SQL}`);
    screen.field('driver says', attempt.ok ? JSON.stringify(attempt.result.rows[0]) : `error ${attempt.refusal.code}`);
    if (!attempt.ok) screen.refusal(attempt.refusal.message);
  });
  await Promise.race([
    waiting,
    waitFor(AbortSignal.any([signal, AbortSignal.timeout(WAIT_MILLISECONDS)]), async () =>
      (await owner.pending()).find(({ canonicalText }) => canonicalText.startsWith('DELETE')),
    ),
  ]);
  expectThat(!isOver, 'the statement to wait', 'it has ended');
}

/** Where everything is and how to use it with a driver of one's own. */
export async function sayFarewell({ screen, playground, agentToken }: Stage): Promise<void> {
  const tokenFile = join(playground.directory, 'agent.token');
  await writeFile(tokenFile, agentToken, { mode: 0o600 });
  const { driverUrl, consoleUrl, opsUrl } = playground;
  screen.blank();
  screen.title('Everything keeps running; Ctrl-C stops it and removes what it wrote.');
  screen.blank();
  screen.field('driver', driverUrl);
  screen.field('console', `${consoleUrl}/requests  log in as dana.owner; the demo issuer asks for no password`);
  screen.field('metrics', `${opsUrl}/metrics`);
  screen.field('record', playground.recordingDirectory);
  screen.blank();
  screen.say(`In the console's inbox the agent is waiting with: ${WAITING_SQL}`);
  screen.say('Approve or deny it there within 15 minutes; what the driver is told appears here.');
  screen.blank();
  screen.title(`Now point your own driver at it. The agent's token is good for ${TOKEN_HOURS} hours.`);
  screen.blank();
  for (const line of [...nodeSnippet(driverUrl, tokenFile), '', ...pythonSnippet(driverUrl, tokenFile)])
    screen.raw(line);
  screen.blank();
}

/** For the root of the repository, where Snowflake's driver is installed. */
function nodeSnippet(driverUrl: string, tokenFile: string): readonly string[] {
  return [
    '# Node, in this folder',
    "npx node --input-type=module <<'END'",
    "import { readFileSync } from 'node:fs';",
    "import snowflake from 'snowflake-sdk';",
    "snowflake.configure({ logLevel: 'OFF' });",
    'const connection = snowflake.createConnection({',
    `  accessUrl: '${driverUrl}', account: 'ACME', authenticator: 'OAUTH',`,
    `  token: readFileSync('${tokenFile}', 'utf8'),`,
    '});',
    'await connection.connectAsync();',
    "connection.execute({ sqlText: 'SELECT id, name, email, ssn FROM customers LIMIT 3',",
    '  complete: (error, _, rows) => { console.table(error?.message ?? rows); connection.destroy(() => {}); } });',
    'END',
  ];
}

function pythonSnippet(driverUrl: string, tokenFile: string): readonly string[] {
  const { hostname, port } = new URL(driverUrl);
  return [
    '# Python, after: pip install snowflake-connector-python',
    "python3 - <<'END'",
    'import snowflake.connector',
    'connection = snowflake.connector.connect(',
    `    protocol="http", host="${hostname}", port=${port}, account="ACME",`,
    `    authenticator="oauth", token=open("${tokenFile}").read(),`,
    ')',
    'for row in connection.cursor().execute("SELECT id, name, email, ssn FROM customers LIMIT 3"):',
    '    print(row)',
    'connection.close()',
    'END',
  ];
}
