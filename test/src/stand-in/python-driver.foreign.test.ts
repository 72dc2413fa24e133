import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runPytest } from '../harness/python.js';
import { type StandInProgram, startStandInProgram } from '../harness/stand-in-program.js';

let standIn: StandInProgram;

beforeAll(async () => {
  standIn = await startStandInProgram();
});
afterAll(async () => await standIn?.stop());

test('the Python driver works against the stand-in, with Arrow and with JSON results', () => {
  const { passed, output } = runPytest('test_stand_in_direct.py', { STAND_IN_URL: standIn.url });
  expect(passed ? 'passed' : output).toBe('passed');
}, 600_000);
