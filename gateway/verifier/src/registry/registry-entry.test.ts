import { expect, test } from '@jest/globals';
import { createTestSigner } from '../fixture/log-builder.js';
import { encodeCanonical } from '../format/canonical-json.js';
import { parseRegistryEntry } from './registry-entry.js';

const { vkey } = createTestSigner('test/w/one');

test.each([
  ['test/w/one', true],
  ['test/w/two', false],
])('an entry names a writer %s with a key of test/w/one: %s', (origin, isOne) => {
  const bytes = Buffer.from(encodeCanonical({ f: { origin, vkey }, k: 'writer.open', t: 1, v: 1 }));
  expect(parseRegistryEntry(bytes) !== undefined).toBe(isOne);
});
