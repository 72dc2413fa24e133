import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { PISTE_CLI } from '../demo/piste.js';
import { recordsIn } from '../e2e/records.js';
import { startProgram } from '../harness/child.js';
import { runPytest } from '../harness/python.js';
import { allTypesPolicy } from '../playground/all-types-policy.js';
import { startPlayground } from '../playground/playground.js';

test('the Python driver gets from a replay what it got when it was recorded, Arrow and all types', async () => {
  const playground = await startPlayground({
    standIn: { allTypes: true },
    resources: { 'all-types.yaml': allTypesPolicy('Mask') },
  });
  try {
    const env = {
      ROUTE: 'gateway',
      GATEWAY_URL: playground.driverUrl,
      CONSOLE_URL: playground.consoleUrl,
      ISSUER_URL: playground.issuerUrl,
      STAND_IN_URL: playground.standInUrl,
      OUTCOMES: join(playground.directory, 'outcomes'),
    };
    const first = await runPytest('test_replay.py', { ...env, PHASE: 'record' });
    expect(first.passed ? 'passed' : first.output).toBe('passed');
    await playground.stopGateway();
    await playground.stopStandIn();
    const records = await recordsIn(playground.recordingDirectory);
    expect(records.some(({ leaf }) => leaf.fields['fmt'] === 'arrow')).toBe(true);
    const session = records.find(({ leaf }) => leaf.kind === 'session.open')?.leaf.strand?.sessionId ?? '';
    const trust = ['--trust', playground.checkpointFile];
    const args = ['sessions', 'serve', playground.recordingDirectory, session, '--json', ...trust];
    const replay = await startProgram(PISTE_CLI, args);
    try {
      const replayed = { ...env, PHASE: 'replay', REPLAY_URL: String(replay.ready['url']) };
      const second = await runPytest('test_replay.py', replayed);
      expect(second.passed ? 'passed' : second.output).toBe('passed');
    } finally {
      await replay.stop();
    }
  } finally {
    await playground.stop();
  }
}, 240_000);
