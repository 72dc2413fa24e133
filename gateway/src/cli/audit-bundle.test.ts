import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { isSignedBy, parseTlogProof, parseVkey, verifyTlogProof } from '@piste/verifier';
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

  test('leaves other logs out when asked for a session, and says so', () =>
    withFolder(async (folder) => {
      const file = await bundle(
        folder,
        'interrupted-sealed',
        '--session',
        'session-1',
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
      ).toContain('no record is of that session or time');
    }));

  test('replaces no file, and leaves none behind when it fails', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'raw.zip');
      await writeFile(file, 'mine');
      const { code } = await run(['audit', 'bundle', recordingOf('raw'), '-o', file]);
      expect(code).toBe(1);
      expect(await readFile(file, 'utf8')).toBe('mine');
    }));

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
