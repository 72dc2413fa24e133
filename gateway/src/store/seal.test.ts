import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createSealer } from './seal.js';

const sealer = createSealer(randomBytes(32));

describe('a sealer', () => {
  test('opens what it sealed, whatever the text and the context', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (text, context) => {
        expect(sealer.open(sealer.seal(text, context), context)).toBe(text);
      }),
    );
  });

  test('never seals the same text the same way twice, nor shows it', () => {
    const sealed = Array.from({ length: 100 }, () => sealer.seal('session-token', 'session/1'));
    expect(new Set(sealed).size).toBe(100);
    expect(sealed.some((text) => Buffer.from(text.slice(3), 'base64url').includes('session-token'))).toBe(false);
  });

  test('refuses a text in which any one character was changed, added or left out', () => {
    const sealed = sealer.seal('secret', 'key');
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = sealed.charAt(at) === 'A' ? 'B' : 'A';
      expect(sealer.open(sealed.slice(0, at) + changed + sealed.slice(at + 1), 'key')).toBeUndefined();
      expect(sealer.open(sealed.slice(0, at) + sealed.slice(at + 1), 'key')).toBeUndefined();
      expect(sealer.open(`${sealed.slice(0, at)}=${sealed.slice(at)}`, 'key')).toBeUndefined();
    }
    expect(sealer.open(sealed, 'key')).toBe('secret');
  });

  test('refuses a text in another place, of another key, or of no sealer', () => {
    const sealed = sealer.seal('secret', 'session/1');
    expect(sealer.open(sealed, 'session/2')).toBeUndefined();
    expect(createSealer(randomBytes(32)).open(sealed, 'session/1')).toBeUndefined();
    for (const text of ['', 's1.', 's1.AAAA', 'secret', `s2.${sealed.slice(3)}`]) {
      expect(sealer.open(text, 'session/1')).toBeUndefined();
    }
  });

  test('takes a key of 32 bytes only, and keeps its own copy', () => {
    for (const bytes of [0, 16, 31, 33]) expect(() => createSealer(randomBytes(bytes))).toThrow(RangeError);
    const key = randomBytes(32);
    const before = Buffer.from(key);
    const sealed = createSealer(key).seal('secret', 'key');
    const own = createSealer(key);
    key.fill(0);
    expect(own.open(sealed, 'key')).toBe('secret');
    expect(createSealer(before).open(sealed, 'key')).toBe('secret');
  });

  test('refuses to seal what UTF-8 cannot hold', () => {
    expect(() => sealer.seal('\uD800', 'key')).toThrow(RangeError);
  });
});
