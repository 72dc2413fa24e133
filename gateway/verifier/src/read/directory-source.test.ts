import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { verifyDirectory } from '../judge/verify.js';
import { openDirectory } from './directory-source.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'piste-directory-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a pipe in the place of a file is not waited for', async () => {
  mkdirSync(join(directory, 'registry'));
  execFileSync('mkfifo', [join(directory, 'registry', 'checkpoint')]);
  await expect(verifyDirectory(directory)).rejects.toThrow('is no file');
});

test('a link in the place of a file is not followed', async () => {
  writeFileSync(join(directory, 'elsewhere'), 'secret');
  symlinkSync(join(directory, 'elsewhere'), join(directory, 'link'));
  await expect(openDirectory(directory).read('link', 0, 10)).rejects.toThrow('ELOOP');
  expect(Buffer.from(await openDirectory(directory).read('elsewhere', 0, 10)).toString()).toBe('secret');
});
