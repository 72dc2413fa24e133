import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startProgram } from './child.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'child-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

const program = async (name: string, text: string) => {
  const path = join(folder, `${name}.mjs`);
  await writeFile(path, text);
  return path;
};

test('gives the first line, the environment and the exit code of a program that stops on request', async () => {
  const path = await program(
    'good',
    `process.on('SIGTERM', () => process.exit(3));
     setInterval(() => {}, 1000);
     console.log(JSON.stringify({ url: 'here', wanted: process.env.WANTED, argument: process.argv[2], home: process.env.HOME ?? null }));
     console.error('later');`,
  );
  const child = await startProgram(path, ['x'], { WANTED: 'yes' });
  expect(child.ready).toEqual({ url: 'here', wanted: 'yes', argument: 'x', home: null });
  expect(await child.stop()).toBe(3);
  expect(await child.stop()).toBe(3);
  expect(child.output()).toContain('later');
});

test('fails with what the program wrote when it ends early', async () => {
  const path = await program('early', `console.error('no port left'); process.exit(4);`);
  await expect(startProgram(path)).rejects.toThrow(/ended with code 4[\s\S]*no port left/);
});

test('fails and leaves no process when the program is not ready in time or talks nonsense', async () => {
  const silent = await program('silent', `setInterval(() => {}, 1000);`);
  await expect(startProgram(silent, [], {}, { readyMilliseconds: 300 })).rejects.toThrow(/not ready after 300 ms/);
  const nonsense = await program('nonsense', `console.log('42'); setInterval(() => {}, 1000);`);
  await expect(startProgram(nonsense)).rejects.toThrow(/did not say that it is ready/);
});

test('kills a program that ignores SIGTERM', async () => {
  const path = await program(
    'deaf',
    `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('{}');`,
  );
  const child = await startProgram(path, [], {}, { killAfterMilliseconds: 200 });
  expect(await child.stop()).toBeNull();
});
