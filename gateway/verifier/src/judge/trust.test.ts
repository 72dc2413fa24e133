import { describe, expect, test } from '@jest/globals';
import { FIRST_ULID } from '../fixture/corpus.js';
import { createLogBuilder } from '../fixture/log-builder.js';
import { checkTrust, parseTrust } from './trust.js';

const log = createLogBuilder(FIRST_ULID);
log.close();
const { origin, size, root } = log.anchor();
const kept = { origin, size, root };

describe('a trust file', () => {
  test.each<readonly [string, object, boolean]>([
    ['with a checkpoint', { checkpoints: [kept] }, true],
    ['without any', {}, true],
    ['with a member nobody knows', { checkpoints: [kept], witness: 'x' }, false],
    ['whose checkpoint has a member nobody knows', { checkpoints: [{ ...kept, nove: 'x' }] }, false],
    ['whose checkpoint has a note that signs nothing', { checkpoints: [{ ...kept, note: 'x' }] }, false],
  ])('%s', async (_, members, isOne) => {
    const text = JSON.stringify({ v: 1, writers: [log.vkey], ...members });
    expect(parseTrust(text).ok).toBe(isOne);
    expect((await checkTrust(text)).ok).toBe(isOne);
  });
});
