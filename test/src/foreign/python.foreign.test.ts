import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runPytest } from '../harness/python.js';
import { type Playground, startPlayground } from '../playground/playground.js';

const SESSION_TOKEN_SECONDS = 3;

let playground: Playground;
/** Its session tokens run out after seconds. */
let hasty: Playground;

beforeAll(async () => {
  playground = await startPlayground();
  hasty = await startPlayground({
    gatewayEnvironment: { PISTE_SESSION_TOKEN_SECONDS: `${SESSION_TOKEN_SECONDS}`, PISTE_HOLD_SECONDS: '1' },
  });
}, 120_000);
afterAll(async () => {
  await playground?.stop();
  await hasty?.stop();
}, 60_000);

async function run(file: string, { driverUrl, consoleUrl, issuerUrl, standInUrl }: Playground): Promise<void> {
  const { passed, output } = await runPytest(file, {
    ROUTE: 'gateway',
    GATEWAY_URL: driverUrl,
    CONSOLE_URL: consoleUrl,
    ISSUER_URL: issuerUrl,
    STAND_IN_URL: standInUrl,
    SESSION_TOKEN_SECONDS: `${SESSION_TOKEN_SECONDS}`,
  });
  expect(passed ? 'passed' : output).toBe('passed');
}

test.each([
  ['the Python driver gets through the gateway what it gets without', 'test_driver.py'],
  ['the Python driver meets masks, refusals, people and logins', 'test_gateway.py'],
  ['SQLAlchemy works through the gateway', 'test_sqlalchemy.py'],
  ['the snow command works through the gateway', 'test_snow_cli.py'],
])('%s', async (_what, file) => await run(file, playground), 300_000);

test('the Python driver renews its token, even in the middle of a poll', async () => {
  await run('test_gateway_renewal.py', hasty);
}, 120_000);
