import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { REPOSITORY } from './run-fixture.js';

const LAUNCHER = join(REPOSITORY, 'gateway/bin/piste.js');
const CATALOG = 'gateway/testdata/cli/example/catalog.json';

/** A program with a text on its standard input; stands in the root of the repository. */
function pipe(program: string, argv: readonly string[], text: string): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd: REPOSITORY, stdio: ['pipe', 'pipe', 'inherit'] });
    const out: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out).toString('utf8') }));
    child.stdin.end(text);
  });
}

describe('npx piste', () => {
  test('explains lines on standard input', async () => {
    const lines = Array.from({ length: 3000 }, (_, id) => `{"id":${id},"sql":"SELECT email FROM customers"}\n`);
    const { code, out } = await pipe('npx', ['piste', 'explain', '--catalog', CATALOG, '--json'], lines.join(''));
    expect(code).toBe(0);
    const answers = out.trimEnd().split('\n');
    expect(answers).toHaveLength(lines.length);
    expect(JSON.parse(answers.at(-1) ?? '')).toMatchObject({
      id: 2999,
      class: 'SELECT',
      outcome: 'analyze',
      tainted: [0],
    });
  });

  test('gives its exit code on', async () => {
    const resources = ['--resources', 'gateway/testdata/cli/example/resources', '--catalog', CATALOG];
    const drop = ['piste', 'explain', 'DROP TABLE customers', '--as', 'group:analysts', ...resources];
    expect((await pipe('npx', drop, '')).code).toBe(3);
  });
});

describe('the launcher', () => {
  test('is what the package names, and can be linked before anything is built', async () => {
    const manifest = JSON.parse(await readFile(join(REPOSITORY, 'gateway/package.json'), 'utf8'));
    expect(manifest.bin).toEqual({ piste: 'bin/piste.js' });
    expect(await readFile(LAUNCHER, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test('says what to do where nothing is built', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'piste-launcher-'));
    try {
      await mkdir(join(directory, 'bin'));
      await cp(LAUNCHER, join(directory, 'bin/piste.js'));
      await cp(join(REPOSITORY, 'gateway/package.json'), join(directory, 'package.json'));
      const started = promisify(execFile)(process.execPath, [join(directory, 'bin/piste.js'), 'version']);
      await expect(started).rejects.toMatchObject({
        code: 1,
        stderr: 'piste: it is not built yet; run `make build` in the repository first\n',
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('starts again with the Node of the repository when started with one that is too old', async () => {
    // The same program with another version number stands in for an old Node.
    const old = [
      "Object.defineProperty(process.versions, 'node', { value: '20.0.0' })",
      `await import(${JSON.stringify(LAUNCHER)})`,
    ];
    const argv = ['--input-type=module', '--eval', old.join(';'), '--', LAUNCHER, 'version'];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: REPOSITORY });
    expect(stdout).toMatch(/^piste \d+\.\d+\.\d+\n$/);
  });
});
