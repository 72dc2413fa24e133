import { describe, expect, test } from '@jest/globals';
import type { Config } from './config.js';
import { digestOf } from './digest.js';

const config = (changes: object): Config => ({ deployment: 'piste', redisUrl: undefined, ...changes }) as Config;

describe('the digest of a configuration', () => {
  test('changes with what the gateway is told', () => {
    expect(digestOf(config({}))).toMatch(/^[0-9a-f]{64}$/);
    expect(digestOf(config({ deployment: 'other' }))).not.toBe(digestOf(config({})));
    expect(digestOf(config({ redisUrl: 'redis://a/0' }))).not.toBe(digestOf(config({ redisUrl: 'redis://b/0' })));
  });

  test.each([
    ['a state key', { stateKey: Uint8Array.of(1) }, { stateKey: Uint8Array.of(2) }],
    ['a client secret', { consoleLogin: { clientSecret: 'a' } }, { consoleLogin: { clientSecret: 'b' } }],
    ['a password in a URL', { redisUrl: 'redis://:a@store/0' }, { redisUrl: 'redis://:b@store/0' }],
  ])('says nothing of %s', (_, one, other) => {
    expect(digestOf(config(one))).toBe(digestOf(config(other)));
  });
});
