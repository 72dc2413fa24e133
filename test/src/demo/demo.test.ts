import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';

const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Each step of the story has a limit of its own. */
const MAX_MILLISECONDS = 400_000;

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves to the exit code. */
  readonly ended: Promise<number | null>;
  /** Resolves once the output holds the text. Rejects when the process ends before. */
  readonly said: (text: string) => Promise<void>;
}

const runs: Run[] = [];

/** A demo that a failed test left behind ends here, and its programs with it. */
afterEach(async () => {
  for (const { child, ended } of runs.splice(0)) {
    child.kill('SIGTERM');
    await ended;
  }
});

function start(command: string, args: readonly string[]): Run {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const parts: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      parts.push(part);
      for (const look of waiting) look();
    });
  }
  const output = () => parts.join('');
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const said = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!output().includes(text)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      void ended.then((code) => reject(new Error(`ended with ${code} before it said "${text}":\n${output()}`)));
    });
  const run = { child, output, ended, said };
  runs.push(run);
  return run;
}

const startDemo = (...args: readonly string[]): Run => start(process.execPath, [PROGRAM, ...args]);

describe('the demo', () => {
  test(
    // That it ends by itself with exit code 0 when it is told once is seen by `make demo ONCE=1`.
    'tells the whole story, stays up for drivers of others, and removes everything when it is interrupted',
    async () => {
      const demo = startDemo();
      await demo.said('connection.close()\nEND');
      const output = demo.output();
      for (const line of [
        'on behalf of    sam.analyst',
        '900-11-2233',
        '[PISTE-1201]',
        '[PISTE-1205]',
        'ok  no row: the filter sees hashes',
        'ok  PST_',
        'ok  11 customers, the same number as directly',
        'dana.owner approves',
        '{"rows_unloaded":40',
        '[PISTE-1302]',
        'ok  5000 rows',
        'audit verify: OK',
        'audit verify: TAMPERED',
        'ok  caught, and where: record',
        'ok  without a key the record proves what happened when',
        'ok  with the byte put back, the copy verifies again',
        'tampered: a later log found this one, and it is missing',
        'audit reconcile: ALARM',
        '[PISTE-1901]',
        '14 of 14 steps went as told',
      ]) {
        expect(output).toContain(line);
      }
      // Colour is for terminals only.
      expect(output).not.toContain('\u001b[');
      const [snippet = ''] = /^npx node [\s\S]*?^END$/m.exec(output) ?? [];
      const driver = start('bash', ['-c', snippet]);
      expect(await driver.ended).toBe(0);
      expect(driver.output()).toContain("'***2233'");
      expect(driver.output()).not.toContain('ada.brandt@example.com');
      const metrics = /\S+\/metrics/.exec(output)?.[0] ?? '';
      expect(await (await fetch(metrics)).text()).toContain('# TYPE');
      const record = /^ {4}record +(\S+)$/m.exec(output)?.[1] ?? '';
      expect(existsSync(record)).toBe(true);
      demo.child.kill('SIGINT');
      expect(await demo.ended).toBe(0);
      expect(existsSync(record)).toBe(false);
      for (const url of output.match(/http:\/\/127\.0\.0\.1:\d+/g) ?? []) await expect(fetch(url)).rejects.toThrow();
    },
    MAX_MILLISECONDS,
  );

  test(
    'says what failed and ends with exit code 1 when the gateway does not mask',
    async () => {
      const demo = startDemo('--once', '--without', 'masking.yaml');
      expect(await demo.ended).toBe(1);
      expect(demo.output()).toMatch(/^FAILED: step 3 .* expected NAME of customer 1: \*\*\*, got Ada Brandt$/m);
      expect(demo.output()).toContain('"message":"resources loaded"');
      expect(demo.output()).toContain('2 of 14 steps went as told');
    },
    MAX_MILLISECONDS,
  );
});
