import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runPiste } from '../demo/piste.js';
import { type Playground, startPlayground } from '../playground/playground.js';

let playground: Playground;
beforeAll(async () => {
  playground = await startPlayground();
}, 60_000);
afterAll(async () => await playground?.stop());

test('a start that could not be registered is no sign of tampering', async () => {
  const appends = join(playground.recordingDirectory, 'registry', 'append');
  await playground.stopGateway();
  await rename(appends, `${appends}-away`);
  await writeFile(appends, '');
  await expect(playground.restartGateway()).rejects.toThrow();
  await rm(appends);
  await rename(`${appends}-away`, appends);
  await playground.restartGateway();
  await playground.stopGateway();
  const run = await runPiste('audit', 'verify', playground.recordingDirectory, '--trust', playground.checkpointFile);
  expect(run.text).toContain('nothing happened in it');
  expect(run.exitCode).toBe(0);
}, 60_000);
