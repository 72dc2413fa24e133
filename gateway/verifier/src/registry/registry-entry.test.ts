import { expect, test } from '@jest/globals';
import { createTestSigner } from '../fixture/log-builder.js';
import { encodeCanonical } from '../format/canonical-json.js';
import type { EntryValue } from '../format/entry.js';
import { parseRegistryEntry } from './registry-entry.js';

const { vkey } = createTestSigner('test/w/one');

const READ = { id: 'x', command: 'sessions show', by: { user: 'ann', host: 'desk' }, logs: 1 };

test.each<readonly [string, object, boolean]>([
  ['of everything', READ, true],
  ['of a session', { ...READ, sessions: ['s'] }, true],
  ['that says more', { ...READ, why: 'ticket 42' }, true],
  ['without a command', { ...READ, command: '' }, false],
  ['without an id', { ...READ, id: undefined }, false],
  ['by nobody', { ...READ, by: 'ann' }, false],
  ['of no number of logs', { ...READ, logs: -1 }, false],
  ['of a session that is no list', { ...READ, sessions: 's' }, false],
])('a reading %s is an entry: %s', (_, fields, isOne) => {
  const text = encodeCanonical({
    f: JSON.parse(JSON.stringify(fields)) as object as EntryValue,
    k: 'read',
    t: 1,
    v: 1,
  });
  expect(parseRegistryEntry(Buffer.from(text)) !== undefined).toBe(isOne);
});

test.each([
  ['test/w/one', true],
  ['test/w/two', false],
])('an entry names a writer %s with a key of test/w/one: %s', (origin, isOne) => {
  const bytes = Buffer.from(encodeCanonical({ f: { origin, vkey }, k: 'writer.open', t: 1, v: 1 }));
  expect(parseRegistryEntry(bytes) !== undefined).toBe(isOne);
});
