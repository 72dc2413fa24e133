import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectNodeDriver } from '../../harness/node-driver.js';
import { runPiste } from '../piste.js';
import type { Stage } from '../stage.js';
import { expectSame, expectText, type Step } from '../step.js';

const SQL = 'SELECT email, ssn FROM customers WHERE id = 1';
const EXIT_ALARM = 1;
const AUDITOR = { name: 'Alex (auditor)', groups: ['auditors'] };

/** What the record cannot know, Snowflake's own history does. */
export const bypass: Step = {
  title: "Somebody uses the gateway's Snowflake credential past the gateway; the history gives it away",
  timeoutSeconds: 60,
  async run(stage) {
    const { screen, playground } = stage;
    const tokenFile = join(playground.directory, 'auditor.token');
    await writeFile(tokenFile, await playground.mint('alex.auditor', AUDITOR), { mode: 0o600 });
    const where = ['--gateway', playground.consoleUrl, '--token-file', tokenFile, '--connection', 'crm'] as const;
    const command = ['audit', 'reconcile', ...where] as const;
    const clean = await runPiste(...command);
    expectSame('exit code of audit reconcile', clean.exitCode, 0);
    screen.ok('every statement in the query history of PISTE_SVC is in the record, text by text');

    const queryId = await runPastGateway(stage);
    screen.blank();
    screen.field('past it', SQL);
    screen.raw(`    $ piste ${command.join(' ')}`);
    const alarm = await runPiste(...command);
    screen.quote(alarm.lines);
    expectSame('exit code of audit reconcile', alarm.exitCode, EXIT_ALARM);
    expectText('the reconciliation', alarm.text, queryId);
    screen.ok('caught: Snowflake ran a statement of which there is no record');
  },
};

/** Runs the statement with the key that only the gateway should use; its id in Snowflake. */
async function runPastGateway({ playground }: Stage): Promise<string> {
  const privateKey = await readFile(join(playground.secretsDirectory, 'snowflake', 'private-key.pem'), 'utf8');
  const driver = await connectNodeDriver({
    accessUrl: playground.standInUrl,
    account: 'ACME',
    username: 'PISTE_SVC',
    authenticator: 'SNOWFLAKE_JWT',
    privateKey,
    role: 'ANALYST',
    database: 'CRM',
    schema: 'PUBLIC',
  });
  try {
    return (await driver.execute(SQL)).statement.getQueryId();
  } finally {
    await driver.close();
  }
}
