import { appendFile, cp, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Trust } from '@piste/verifier';
import { encodeFrame, verifyDirectories, verifyDirectory } from '@piste/verifier';
import { codesOf, framesOf, makeSmallLog, readSegment, segmentOf } from './log-fixture.js';
import {
  createFakeClock,
  createFakeRandom,
  entry,
  keyOnly,
  openTestRecording,
  trustIn,
  withDirectory,
} from './recording-fixture.js';

describe('verifying a chain of logs', () => {
  /** A log left open with half a record behind it, and the closed log of the next start. */
  async function crashAndRestart(
    directory: string,
    tear: boolean,
  ): Promise<{ readonly trust: Trust; readonly crashed: string }> {
    const random = createFakeRandom();
    const clock = createFakeClock();
    const first = await openTestRecording(directory, { random, clock });
    await first.append(entry('control', { op: 'x' }));
    const crashed = await segmentOf(directory);
    if (tear)
      await writeFile(crashed, Buffer.concat([await readSegment(crashed), encodeFrame('body', Buffer.from('half'))]));
    clock.advance(1000);
    const second = await openTestRecording(directory, { random, clock });
    await second.close();
    return { trust: merge(await trustIn(first), await trustIn(second)), crashed };
  }

  function merge(...trusts: readonly Trust[]): Trust {
    return {
      writers: trusts.flatMap(({ writers }) => writers),
      checkpoints: trusts.flatMap(({ checkpoints }) => checkpoints),
    };
  }

  test('accepts a torn tail that the next start found the same', () =>
    withDirectory(async (directory) => {
      const { trust, crashed } = await crashAndRestart(directory, true);
      const verdict = await verifyDirectory(directory, trust);
      expect(verdict.outcome).toBe('sound');
      expect(verdict.logs).toMatchObject([{ state: 'torn', records: 2, proven: 2 }, { state: 'closed' }]);
      await appendFile(crashed, 'more');
      expect(await verifyDirectory(directory, trust)).toMatchObject({ outcome: 'tampered' });
    }));

  test('proves a cut made after the restart without any kept checkpoint', () =>
    withDirectory(async (directory) => {
      const { trust, crashed } = await crashAndRestart(directory, false);
      const [, commit] = framesOf(await readSegment(crashed)).filter(({ type }) => type === 'commit');
      expect(commit).toBeDefined();
      const bytes = await readSegment(crashed);
      const firstCommitEnd = bytes.indexOf(commit?.bytes ?? '') - (framesOf(bytes).at(-2)?.bytes.byteLength ?? 0);
      await truncate(crashed, firstCommitEnd);
      const verdict = await verifyDirectory(directory, keyOnly(trust));
      expect(verdict.outcome).toBe('tampered');
      expect(codesOf(verdict)).toContain('truncated');
    }));

  test('misses a log that a later one found', () =>
    withDirectory(async (directory) => {
      const { trust, crashed } = await crashAndRestart(directory, false);
      await rm(join(crashed, '..'), { recursive: true });
      const verdict = await verifyDirectory(directory, { writers: trust.writers.slice(1), checkpoints: [] });
      expect(codesOf(verdict)).toEqual(['missing-log']);
      expect(verdict.outcome).toBe('tampered');
    }));

  test('explains a log whose writer stopped before its first commit', () =>
    withDirectory(async (directory) => {
      const empty = join(directory, '01M80000000000000000000000');
      await mkdir(empty);
      expect((await verifyDirectory(directory)).outcome).toBe('cannot-conclude');
      const next = await openTestRecording(directory);
      await next.close();
      const verdict = await verifyDirectory(directory, await trustIn(next));
      expect(verdict.findings).toMatchObject([{ severity: 'note', code: 'empty-log' }]);
      expect(verdict.outcome).toBe('sound');
    }));

  test('says so when a log is given twice or none is', () =>
    withDirectory(async (directory) => {
      const { anchored } = await makeSmallLog(join(directory, 'a'), true);
      await cp(join(directory, 'a'), join(directory, 'b'), { recursive: true });
      const twice = await verifyDirectories([join(directory, 'a'), join(directory, 'b')], anchored);
      expect(twice).toMatchObject({ outcome: 'cannot-conclude', findings: [{ code: 'duplicate-log' }] });
      await mkdir(join(directory, 'c'));
      expect(await verifyDirectory(join(directory, 'c'))).toMatchObject({
        outcome: 'cannot-conclude',
        findings: [{ code: 'no-logs' }],
      });
    }));
});
