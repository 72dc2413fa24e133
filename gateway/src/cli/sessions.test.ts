import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { entry, openTestRecording, withDirectory } from '../recording/recording-fixture.js';
import { ROAMING_SESSION, type Roaming, recordRoaming } from './roaming-fixture.js';
import { golden, run } from './run-fixture.js';

const withRoaming = (use: (roaming: Roaming) => Promise<void>): Promise<void> =>
  withDirectory(async (parent) => use(await recordRoaming(parent)));

describe('piste sessions play', () => {
  test('plays a session across the logs it stands in, in order of time', () =>
    withRoaming(async ({ directory, trust }) => {
      const { code, out, err, slept } = await run([
        'sessions',
        'play',
        directory,
        'roam',
        '--skip-idle',
        '10',
        '--trust',
        trust,
      ]);
      expect({ code, err, slept }).toEqual({ code: 0, err: '', slept: [] });
      expect(out).toBe(await golden('sessions-play-roaming.txt', out));
    }));

  test('waits as long as the session did when somebody watches, and not where nobody does', () =>
    withRoaming(async ({ directory }) => {
      const play = async (isWatched: boolean, ...more: readonly string[]): Promise<readonly number[]> =>
        (await run(['sessions', 'play', directory, ROAMING_SESSION, ...more], { isWatched })).slept;
      const real = [500, 1200, 800, 100, 90_000, 30_000, 300, 200, 400];
      expect(await play(true)).toEqual(real);
      expect(await play(true, '--no-wait')).toEqual([]);
      expect(await play(false)).toEqual([]);
      expect(await play(false, '--speed', '100')).toEqual(real.map((ms) => ms / 100));
      const cut = real.map((ms) => Math.min(ms, 5000));
      expect(await play(true, '--skip-idle')).toEqual(cut);
      expect(await play(true, '--speed', '2', '--skip-idle', '0.5')).toEqual(real.map((ms) => Math.min(ms, 500) / 2));
    }));

  test('says how long it was idle where that is cut, and nowhere else', () =>
    withRoaming(async ({ directory }) => {
      const play = async (...more: readonly string[]): Promise<string> =>
        (await run(['sessions', 'play', directory, ROAMING_SESSION, ...more])).out;
      expect((await play('--skip-idle')).match(/\(idle for .*\)/g)).toEqual([
        '(idle for 90.000 s)',
        '(idle for 30.000 s)',
      ]);
      expect(await play()).not.toContain('idle');
    }));

  test('starts at a record and still counts what came before', () =>
    withRoaming(async ({ directory }) => {
      const { out } = await run(['sessions', 'play', directory, ROAMING_SESSION, '--from', '6']);
      expect(out).toMatch(/^\(records 1 to 5 not shown\)\n#6 +\+92\.600s {2}statement 2 · query s2\n/);
      expect(out).toContain('statement 1 result chunk 1 withheld');
      expect(out).toContain('13 of 18 records shown');
      const none = await run(['sessions', 'play', directory, ROAMING_SESSION, '--from', '99']);
      expect(none.out).toContain('(records 1 to 18 not shown)');
      expect(none.out).toContain('0 of 18 records shown');
    }));

  test.each([
    [['--from', '0'], '--from is a whole number'],
    [['--from', 'x'], '--from is a whole number'],
    [['--skip-idle', '0'], '--skip-idle is a number of seconds'],
    [['--skip-idle=long'], '--skip-idle is a number of seconds'],
  ])('refuses %j', async (options, message) => {
    expect(await run(['sessions', 'play', '/nowhere', 'x', ...options])).toMatchObject({
      code: 3,
      err: expect.stringContaining(message),
    });
  });

  test('takes --skip-idle with and without its seconds, wherever it stands', () =>
    withRoaming(async ({ directory }) => {
      const idle = async (...argv: readonly string[]): Promise<number> =>
        ((await run(['sessions', 'play', ...argv])).out.match(/\(idle for/g) ?? []).length;
      expect(await idle('--skip-idle', directory, ROAMING_SESSION)).toBe(2);
      expect(await idle('--skip-idle', '60', directory, ROAMING_SESSION)).toBe(1);
      expect(await idle(directory, '--skip-idle', ROAMING_SESSION)).toBe(2);
      expect(await idle(directory, ROAMING_SESSION, '--skip-idle=1')).toBe(3);
    }));

  test('says when records of a session are not here, and fails', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      await recording.append(entry('session.open', {}));
      const strands = [['test/w/elsewhere', 4, 'cd'.repeat(32)]];
      await recording.append(entry('session.close', { why: 'logout', strands }));
      await recording.close();
      for (const command of ['play', 'show']) {
        const { code, out } = await run(['sessions', command, directory, 'session-1']);
        expect(code).toBe(1);
        expect(out).toContain("WARNING: the session's last record counts 6; 4 of them are not here");
      }
      const exported = await run(['sessions', 'export', directory, 'session-1', '--format', 'jsonl']);
      expect(exported).toMatchObject({
        code: 1,
        err: expect.stringContaining('WARNING: 4 records of this session are not here'),
      });
    }));

  test('does not call records verified that are not', () =>
    withRoaming(async ({ directory, trust, logs }) => {
      const play = (): ReturnType<typeof run> =>
        run(['sessions', 'play', directory, ROAMING_SESSION, '--trust', trust]);
      expect((await play()).out).toContain('18 of 18 records shown · verified: audit verify says OK');
      const text = await readFile(trust, 'utf8');
      const onlyOlder = JSON.parse(text);
      await writeFile(
        trust,
        JSON.stringify({ ...onlyOlder, writers: [onlyOlder.writers[0]], checkpoints: [onlyOlder.checkpoints[0]] }),
      );
      expect((await play()).out).toContain(
        '18 of 18 records shown · 10 of them proven: audit verify says CANNOT CONCLUDE',
      );
      await writeFile(trust, text);
      await appendFile(join(directory, logs[1], '00000001.seg'), 'garbage');
      const { code, out, err } = await play();
      expect(code).toBe(1);
      expect(out).toContain('NOT VERIFIED: audit verify says TAMPERED');
      expect(err).toContain('WARNING: log');
    }));

  test('names statements that were never answered', () =>
    withRoaming(async ({ directory }) => {
      const { out } = await run(['sessions', 'play', directory, ROAMING_SESSION]);
      expect(out).toContain('statement 4 has no recorded answer');
      expect(out.match(/no recorded answer/g)).toHaveLength(1);
    }));
});

describe('piste sessions show', () => {
  test('shows a session on one page', () =>
    withRoaming(async ({ directory, trust }) => {
      const { code, out, err } = await run(['sessions', 'show', directory, 'roam', '--trust', trust]);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toBe(await golden('sessions-show.txt', out));
      const json = JSON.parse((await run(['sessions', 'show', directory, 'roam', '--json'])).out);
      expect(json).toMatchObject({
        session: ROAMING_SESSION,
        statements: 4,
        decisions: { allow: 2, hold: 1, block: 1, approved: 1 },
        rows: 4,
        chunks: 1,
        read: 18,
        verified: null,
      });
    }));
});
