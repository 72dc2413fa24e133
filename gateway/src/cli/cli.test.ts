import { execFile } from 'node:child_process';
import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { updateTrustFile } from '../recording/index.js';
import {
  createFakeClock,
  entry,
  openTestRecording,
  recordStory,
  withDirectory,
} from '../recording/recording-fixture.js';
import { golden, run } from './run-fixture.js';

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');

async function expectGolden(name: string, text: string): Promise<void> {
  expect(text).toBe(await golden(name, text));
}

interface Story {
  readonly directory: string;
  readonly trust: string;
  readonly segment: string;
}

/** A closed recording of the story and, outside of it, its trust file. */
async function withStory(use: (story: Story) => Promise<void>, email?: string): Promise<void> {
  await withDirectory(async (parent) => {
    const directory = join(parent, 'recording');
    const clock = createFakeClock();
    const recording = await openTestRecording(directory, { clock });
    await recordStory(recording, clock, email);
    await recording.append({
      ...entry('session.refused', { reason: 'not-admitted', code: 'PISTE-1005' }),
      sessionId: undefined,
    });
    await recording.close();
    const trust = join(parent, 'trust.json');
    await updateTrustFile(trust, await recording.checkpoint());
    const [ulid = ''] = await readdir(directory);
    await use({ directory, trust, segment: join(directory, ulid, '00000001.seg') });
  });
}

describe('piste', () => {
  test.each([[[]], [['help']], [['--help']], [['-h']], [['audit', 'verify', '--help']]])(
    'prints its help for %j',
    async (argv) => {
      const { code, out } = await run(argv);
      expect(code).toBe(0);
      await expectGolden('help.txt', out);
    },
  );

  test('prints its version', async () => {
    expect(await run(['version'])).toMatchObject({ code: 0, out: 'piste 1.2.3\n' });
  });

  test.each([
    [['frobnicate'], 'unknown command: frobnicate'],
    [['audit'], 'unknown command: audit'],
    [['audit', 'verify'], 'which recording?'],
    [['audit', 'verify', 'd', '--proofs', 'p'], 'whose proofs?'],
    [['audit', 'bundle', 'd'], 'where to?'],
    [['audit', 'verify', 's3://B'], 'is not s3://bucket/prefix'],
    [['audit', 'verify', 'd', '--speed', '2'], 'audit verify takes no --speed'],
    [['sessions', 'play'], 'which session?'],
    [['sessions', 'play', 'id'], 'which directory?'],
    [['sessions', 'play', 'd', 'id', '--speed', '0'], '--speed is a number'],
    [['sessions', 'list', 'd', '--loud'], "Unknown option '--loud'"],
    [['audit\u001b[2J'], 'unknown command: audit\\x1b[2J'],
  ])('answers %j with usage and exit code 3', async (argv, complaint) => {
    const { code, out, err } = await run(argv);
    expect(code).toBe(3);
    expect(out).toBe('');
    expect(err).toContain(complaint);
    expect(err).toContain('Usage:');
  });

  test('says what cannot be read and exits with 1', async () => {
    const { code, err } = await run(['audit', 'verify', '/nowhere/at/all']);
    expect(code).toBe(1);
    expect(err).toContain('cannot be read');
  });

  test('starts as a program of its own', async () => {
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'version']);
    expect(stdout).toMatch(/^piste \d+\.\d+\.\d+/);
    expect(await readFile(main, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});

describe('piste audit verify', () => {
  test('reports a sound recording', () =>
    withStory(async ({ directory, trust }) => {
      const { code, out } = await run(['audit', 'verify', directory, '--trust', trust]);
      expect(code).toBe(0);
      await expectGolden('verify-sound.txt', out);
    }));

  test('cannot conclude without trust, also for a directory from the environment', () =>
    withStory(async ({ directory }) => {
      const { code, out } = await run(['audit', 'verify'], { environment: { PISTE_RECORDING_DIR: directory } });
      expect(code).toBe(2);
      await expectGolden('verify-without-trust.txt', out);
    }));

  test('reports tampering with its place', () =>
    withStory(async ({ directory, trust, segment }) => {
      const bytes = await readFile(segment);
      const at = bytes.indexOf('delete from customers where id = 7');
      bytes.write('delete from customers where id = 8', at);
      await writeFile(segment, bytes);
      const { code, out } = await run(['audit', 'verify', directory, '--trust', trust]);
      expect(code).toBe(1);
      expect(out).toContain('audit verify: TAMPERED');
      expect(out).toContain('[bad-frame; log');
      const json = await run(['audit', 'verify', '--dir', directory, '--trust', trust, '--json']);
      expect(json.code).toBe(1);
      expect(JSON.parse(json.out)).toMatchObject({ outcome: 'tampered', logs: [{ state: 'broken' }] });
    }));

  test('refuses a trust file that is none', () =>
    withStory(async ({ directory, trust }) => {
      for (const text of ['', '{}', '{"v":1,"writers":["x"]}', '{"v":1,"writers":[],"more":1}']) {
        await writeFile(trust, text);
        expect((await run(['audit', 'verify', directory, '--trust', trust])).code).toBe(3);
      }
    }));

  test('refuses a trust file whose note does not sign what it says', () =>
    withStory(async ({ directory, trust }) => {
      const text = await readFile(trust, 'utf8');
      await writeFile(trust, text.replace(/"size": \d+/, '"size": 3'));
      const { code, err } = await run(['audit', 'verify', directory, '--trust', trust]);
      expect(code).toBe(3);
      expect(err).toContain('does not sign its size and root');
    }));

  test('keeps what a trust file says of other writers and never shrinks a checkpoint', () =>
    withDirectory(async (parent) => {
      const trust = join(parent, 'trust.json');
      const clock = createFakeClock();
      const first = await openTestRecording(join(parent, 'r'), { clock });
      const early = await first.checkpoint();
      await first.close();
      clock.advance(10);
      const second = await openTestRecording(join(parent, 'r'), { clock, random: (count) => new Uint8Array(count) });
      await second.close();
      for (const checkpoint of [await first.checkpoint(), early, await second.checkpoint()])
        await updateTrustFile(trust, checkpoint);
      expect((await stat(trust)).mode & 0o777).toBe(0o600);
      expect(JSON.parse(await readFile(trust, 'utf8'))).toMatchObject({
        writers: [early.vkey, (await second.checkpoint()).vkey],
        checkpoints: [{ size: 2 }, { size: 3 }],
      });
      expect((await run(['audit', 'verify', join(parent, 'r'), '--trust', trust])).code).toBe(0);
    }));
});

describe('piste sessions', () => {
  test('lists who did how much', () =>
    withStory(async ({ directory }) => {
      const { code, out } = await run(['sessions', 'list', directory]);
      expect(code).toBe(0);
      await expectGolden('sessions-list.txt', out);
      const json = JSON.parse((await run(['sessions', 'list', directory, '--json'])).out);
      expect(json).toMatchObject({
        sessions: [{ id: 'session-1', principal: 'Devin', statements: 3 }],
        refusedLogins: 1,
        damages: [],
      });
    }));

  test('plays a session', () =>
    withStory(async ({ directory }) => {
      const { code, out, slept } = await run(['sessions', 'play', directory, 'session-1']);
      expect(code).toBe(0);
      expect(slept).toEqual([]);
      await expectGolden('sessions-play.txt', out);
      expect((await run(['sessions', 'play', 'sess'], { environment: { PISTE_RECORDING_DIR: directory } })).out).toBe(
        out,
      );
    }));

  test('replays pauses at the speed asked for', () =>
    withStory(async ({ directory }) => {
      const { slept } = await run(['sessions', 'play', directory, 'session-1', '--speed', '10']);
      expect(slept).toEqual([12, 31, 100, 800, 20, 50, 5]);
    }));

  test('plays every byte as JSON', () =>
    withStory(async ({ directory }) => {
      const { out } = await run(['sessions', 'play', directory, 'session-1', '--json']);
      const played = JSON.parse(out);
      expect(played.records).toHaveLength(12);
      expect(played.records[1]).toMatchObject({
        kind: 'request',
        fields: { qid: 'q1' },
        bodies: { sql: { text: 'select id, email\nfrom customers' } },
      });
    }));

  test('names an unknown session and one that is not unique', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      for (const sessionId of ['ab1', 'ab2', 'ab']) await recording.append({ ...entry('control'), sessionId });
      await recording.close();
      expect(await run(['sessions', 'play', directory, 'x'])).toMatchObject({
        code: 1,
        err: 'piste: no session x in this recording\n',
      });
      expect((await run(['sessions', 'play', directory, 'a'])).err).toContain('3 sessions start with a');
      expect((await run(['sessions', 'play', directory, 'ab'])).code).toBe(0);
    }));

  test('says where a damaged recording ends and fails', () =>
    withStory(async ({ directory, segment }) => {
      await appendFile(segment, 'garbage');
      const { code, out, err } = await run(['sessions', 'play', directory, 'session-1']);
      expect(code).toBe(1);
      expect(out).toContain('session closed: logout');
      expect(err).toContain('WARNING: log');
    }));

  test('lets nothing in a recording steer the terminal', () => {
    const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202Egnp.exe\u200b\r\b\u007f\u2028';
    return withStory(async ({ directory }) => {
      const plain = await run(['sessions', 'play', directory, 'session-1']);
      const json = await run(['sessions', 'play', directory, 'session-1', '--json']);
      for (const { out } of [plain, json]) expect(out).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
      expect(plain.out).toContain('\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u{202e}g…');
      const rows = JSON.parse(json.out).records[2].bodies.rows.text;
      expect(JSON.parse(rows)[0][1]).toBe(hostile);
    }, hostile);
  });

  test('lets no name of a session steer the terminal', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      const sessionId = 'id\u001b[31m\nforged line';
      const fields = { who: { name: 'x\u001b[1A\ny', iss: '\u202e', sub: '\u0007' }, connection: '\u009b' };
      await recording.append({ kind: 'session.open', sessionId, fields, bodies: [] });
      await recording.append({ kind: 'session.close', sessionId, fields: { why: '\u001b[8m' }, bodies: [] });
      await recording.close();
      for (const argv of [
        ['sessions', 'list', directory],
        ['sessions', 'play', directory, 'id'],
        ['sessions', 'serve', directory, 'id'],
      ]) {
        const { out } = await run(argv, { stopped: async () => undefined });
        expect(out).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
        expect(out).not.toMatch(/^forged/m);
      }
    }));

  test('colours only on a terminal', () =>
    withStory(async ({ directory, trust }) => {
      for (const argv of [
        ['sessions', 'play', directory, 'session-1'],
        ['audit', 'verify', directory, '--trust', trust],
      ]) {
        const coloured = (await run(argv, { isTerminal: true })).out;
        expect(coloured).toContain('\u001b[32m');
        expect(coloured.replaceAll(COLOUR, '')).toBe((await run(argv)).out);
      }
    }));
});
