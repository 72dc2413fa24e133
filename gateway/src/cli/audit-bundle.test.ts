import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { isSignedBy, parseTlogProof, parseVkey, verifyTlogProof } from '@piste/verifier';
import { OTHER_SESSION, ROAMING_SESSION, recordRoaming } from './roaming-fixture.js';
import { run } from './run-fixture.js';

const VECTORS = fileURLToPath(new URL('../../verifier/testdata/recordings/', import.meta.url));
const ULID = '01M83FTSR0SXY4HBNHSMKGJ52J';

const recordingOf = (vector: string): string => join(VECTORS, vector, 'recording');
const trustOf = (vector: string): string => join(VECTORS, vector, 'trust.json');

async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'piste-bundle-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bundle(folder: string, vector: string, ...more: readonly string[]): Promise<string> {
  const file = join(folder, `${vector}.zip`);
  const { code, err } = await run(['audit', 'bundle', recordingOf(vector), '-o', file, ...more]);
  expect({ code, err: more.includes('--trust') ? err : '' }).toEqual({ code: 0, err: '' });
  return file;
}

/** What the command says, as far as it is the same for a directory and a bundle of it. */
async function verdictOf(...argv: readonly string[]): Promise<unknown> {
  const { code, out } = await run(['audit', 'verify', ...argv, '--json']);
  const { outcome, findings, logs } = JSON.parse(out);
  return { code, outcome, findings, logs };
}

describe('piste audit bundle', () => {
  test.each([
    'raw',
    'archived-encrypted',
    'interrupted-sealed',
    'two-writers',
    'bit-in-body',
    'link-to-another-record',
  ])('keeps the verdict on %s', (vector) =>
    withFolder(async (folder) => {
      const file = await bundle(folder, vector, '--trust', trustOf(vector));
      const trust = ['--trust', trustOf(vector)];
      expect(await verdictOf(file, ...trust)).toEqual(await verdictOf(recordingOf(vector), ...trust));
      // Its own trust file proves nothing to anybody else.
      expect(await verdictOf(file)).toMatchObject({
        outcome: vector === 'bit-in-body' || vector.startsWith('link') ? 'tampered' : 'cannot-conclude',
        findings: expect.arrayContaining([expect.objectContaining({ code: 'own-trust' })]),
      });
    }),
  );

  test('leaves other logs out when asked for the whole logs of a session, and says so', () =>
    withFolder(async (folder) => {
      const file = await bundle(
        folder,
        'interrupted-sealed',
        '--session',
        'session-1',
        '--whole-logs',
        '--trust',
        trustOf('interrupted-sealed'),
      );
      const { code, out } = await run(['audit', 'verify', file, '--trust', trustOf('interrupted-sealed')]);
      expect(out).toContain('this is a part of a recording: 1 logs, chosen by whoever made it [partial]');
      expect(out).not.toContain('missing-log');
      // The log that says how this one ended is not in it.
      expect(code).toBe(2);
      expect(
        (await run(['audit', 'bundle', recordingOf('raw'), '--session', 'x', '-o', join(folder, 'x.zip')])).err,
      ).toContain('no record of session x is here');
    }));

  test('replaces no file, and leaves none behind when it fails', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'raw.zip');
      await writeFile(file, 'mine');
      const { code, err } = await run(['audit', 'bundle', recordingOf('raw'), '-o', file]);
      expect({ code, err }).toEqual({
        code: 1,
        err: `piste: ${file} is there already, and a bundle replaces nothing\n`,
      });
      expect(await readFile(file, 'utf8')).toBe('mine');
    }));

  test.each([[], ['--session', 'session-1']])('is gone when somebody stops the making of it, with %j', (...more) =>
    withFolder(async (folder) => {
      const file = join(folder, 'raw.zip');
      const { code, err } = await run(['audit', 'bundle', recordingOf('raw'), '-o', file, ...more], {
        stopped: () => Promise.resolve(),
      });
      expect({ code, err }).toEqual({ code: 1, err: 'piste: stopped; nothing of the bundle is left\n' });
      expect(await readdir(folder)).toEqual([]);
    }),
  );

  test('says how far it is while it takes long', () =>
    withFolder(async (folder) => {
      let nowMs = 0;
      const { err } = await run(['audit', 'bundle', recordingOf('raw'), '-o', join(folder, 'raw.zip')], {
        nowMs: () => (nowMs += 2000),
      });
      expect(err).toMatch(/^… 0 MiB read, 0 MiB of the bundle written\n/);
    }));

  test.each([
    [['--whole-logs'], '--whole-logs says that'],
    [['--keys'], '--keys is for a bundle of one session'],
    [['--session', 'session-1', '--since', '1d'], 'leave --since out'],
    [['--session', 'session-1', '--whole-logs', '--keys'], '--keys is for a bundle of one session'],
  ])('takes no %j', (more, complaint) =>
    withFolder(async (folder) => {
      const { code, err } = await run(['audit', 'bundle', recordingOf('raw'), '-o', join(folder, 'x.zip'), ...more]);
      expect({ code, says: err.includes(complaint) }).toEqual({ code: 3, says: true });
    }),
  );

  test('is refused by the verifier with any byte of its files changed', () =>
    withFolder(async (folder) => {
      const file = await bundle(folder, 'raw', '--trust', trustOf('raw'));
      const bytes = await readFile(file);
      const start = bytes.indexOf('PK\u0003\u0004', 4 + bytes.indexOf('verify.html'));
      const missed: number[] = [];
      for (let at = start; at < bytes.byteLength; at += process.env['PISTE_TORTURE'] === '1' ? 1 : 701) {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at);
        await writeFile(file, changed);
        if ((await run(['audit', 'verify', file, '--trust', trustOf('raw')])).code === 0) missed.push(at);
      }
      // Only times, version numbers and attributes of the archive mean nothing.
      const free = missed.filter((at) => !isFree(bytes, at));
      expect(free).toEqual([]);
    }));
});

describe('piste audit bundle --session', () => {
  test('holds one session, which it proves', () =>
    withFolder(async (folder) => {
      const trust = ['--trust', trustOf('two-writers')];
      const file = await bundle(folder, 'two-writers', '--session', 'session-1', ...trust);
      const { code, out } = await run(['audit', 'verify', file, ...trust]);
      expect(code).toBe(0);
      expect(out).toContain(
        'audit verify: OK\none session: session-1\nEvery record of the session is as it was written',
      );
      expect(await verdictOf(file)).toMatchObject({
        code: 2,
        findings: [expect.objectContaining({ code: 'own-trust' })],
      });
    }));

  test('holds nothing of another session, and says what stands in the way of a verdict', () =>
    withFolder(async (folder) => {
      const { directory, trust } = await recordRoaming(folder);
      const file = join(folder, 'one.zip');
      const made = await run([
        'audit',
        'bundle',
        directory,
        '--session',
        ROAMING_SESSION,
        '--trust',
        trust,
        '-o',
        file,
      ]);
      expect(made.out).toMatch(
        /one\.zip: session roam-7f3a, \d+ records in 2 logs, .*, nothing of other sessions, \d+ bytes/,
      );
      expect(made.err).toMatch(/^note: verified, the bundle gives cannot-conclude: nothing says that record \d+/);
      const bytes = await readFile(file);
      expect(bytes.includes('devin_id:42')).toBe(true);
      for (const mark of [OTHER_SESSION, '"people"', 'SHOW TABLES', 'ef'.repeat(32)])
        expect({ mark, isIn: bytes.includes(mark) }).toEqual({ mark, isIn: false });
      const { code, out } = await run(['audit', 'verify', file, '--trust', trust, '--deep']);
      expect(code).toBe(2);
      expect(out.match(/^(tampered|cannot-conclude): .*/gm)).toEqual([expect.stringContaining('[strand-end; log')]);
    }));

  test('holds its keys only when asked, and opens with them', () =>
    withFolder(async (folder) => {
      const trust = ['--session', 'session-1', '--trust', trustOf('encrypted')];
      const [without, withKeys] = [join(folder, 'without.zip'), join(folder, 'with.zip')];
      const recording = recordingOf('encrypted');
      const first = await run(['audit', 'bundle', recording, ...trust, '-o', without]);
      expect(first.err).toContain('--keys puts them in');
      const second = await run(['audit', 'bundle', recording, ...trust, '--keys', '-o', withKeys]);
      expect(second.err).toContain('can read its texts');
      expect((await readFile(without)).includes('keys/0.age')).toBe(false);
      expect((await readFile(withKeys)).includes('keys/0.age')).toBe(true);
    }));

  test('is refused by the verifier with any byte of its files changed', () =>
    withFolder(async (folder) => {
      const trust = ['--trust', trustOf('two-writers')];
      const file = await bundle(folder, 'two-writers', '--session', 'session-1', ...trust);
      const bytes = await readFile(file);
      const missed: number[] = [];
      const step = process.env['PISTE_TORTURE'] === '1' ? 1 : 211;
      for (let at = bytes.indexOf('PK\u0003\u0004', bytes.indexOf('"session":')); at < bytes.byteLength; at += step) {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at);
        await writeFile(file, changed);
        if ((await run(['audit', 'verify', file, ...trust])).code === 0) missed.push(at);
      }
      expect(missed.filter((at) => !isFree(bytes, at))).toEqual([]);
    }));

  test('is no recording to anything that wants whole logs', () =>
    withFolder(async (folder) => {
      const file = await bundle(folder, 'two-writers', '--session', 'session-1', '--trust', trustOf('two-writers'));
      for (const [argv, complaint] of [
        [['verify', file, '--session', 'session-1'], 'want whole logs'],
        [['verify', file, recordingOf('raw')], 'is verified by itself'],
        [['bundle', file, '-o', join(folder, 'x.zip')], 'holds no logs to make a bundle of'],
      ] as const) {
        const { code, err } = await run(['audit', ...argv]);
        expect({ code, says: err.includes(complaint) }).toEqual({ code: 3, says: true });
      }
    }));
});

/** True within the version, time and attribute fields of an archive's headers. */
function isFree(bytes: Buffer, at: number): boolean {
  const central = bytes.lastIndexOf('PK\u0001\u0002', at);
  const local = bytes.lastIndexOf('PK\u0003\u0004', at);
  const isIn = (from: number, ranges: readonly (readonly [number, number])[]): boolean =>
    from >= 0 && ranges.some(([start, end]) => at >= from + start && at < from + end);
  return (
    isIn(central, [
      [4, 8],
      [12, 16],
      [38, 42],
    ]) ||
    isIn(local, [
      [4, 6],
      [10, 14],
    ])
  );
}

test('piste audit verify --session proves each record to somebody who has neither the log nor the verifier', () =>
  withFolder(async (folder) => {
    const { code, out } = await run(
      ['audit', 'verify', recordingOf('two-writers'), '--trust', trustOf('two-writers')].concat([
        '--session',
        'session-1',
        '--proofs',
        folder,
        '--json',
      ]),
    );
    expect(code).toBe(0);
    const { proofs, logs } = JSON.parse(out);
    expect(proofs).toHaveLength(4);
    expect((await readdir(folder)).length).toBe(4);
    for (const { log, index, leafHash } of proofs) {
      const { vkey, origin } = logs.find(({ ulid }: { ulid: string }) => ulid === log);
      const proof = parseTlogProof(await readFile(join(folder, `${log}-${index}.tlog-proof`), 'utf8'));
      const verifier = parseVkey(vkey);
      if (proof === undefined || verifier === undefined) throw new Error('a proof and a key are expected');
      const claim = {
        leafHash: Buffer.from(leafHash, 'hex'),
        origin,
        accept: (note: Parameters<typeof isSignedBy>[0]) => isSignedBy(note, verifier),
      };
      expect(await verifyTlogProof(proof, claim)).toBe(true);
      expect(await verifyTlogProof(proof, { ...claim, leafHash: Buffer.alloc(32) })).toBe(false);
    }
    expect(proofs.some(({ log }: { log: string }) => log === ULID)).toBe(true);
  }));
