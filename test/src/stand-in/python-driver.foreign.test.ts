import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runPytest } from '../harness/python.js';
import { type StandInProgram, startStandInProgram } from '../harness/stand-in-program.js';

let standIn: StandInProgram;

beforeAll(async () => {
  standIn = await startStandInProgram();
});
afterAll(async () => await standIn?.stop());

test.each([
  ['with Arrow and with JSON results', 'test_driver.py'],
  ['where only the stand-in answers', 'test_stand_in_direct.py'],
])(
  'the Python driver works against the stand-in, %s',
  async (_what, file) => {
    const { passed, output } = await runPytest(file, { ROUTE: 'direct', STAND_IN_URL: standIn.url });
    expect(passed ? 'passed' : output).toBe('passed');
  },
  300_000,
);
