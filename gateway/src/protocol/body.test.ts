import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { decodeBody, inflate } from './body.js';

const LIMIT = 10_000;

describe('a request body', () => {
  test('is read plain and gzipped alike, whatever the headers say', async () => {
    const text = '{"sqlText":"select 1"}';
    const plain = await decodeBody(Buffer.from(text), LIMIT);
    const packed = await decodeBody(gzipSync(text), LIMIT);
    expect(plain).toEqual({ ok: true, value: { sqlText: 'select 1' } });
    expect(packed).toEqual(plain);
  });

  test('that is empty is an empty object', async () => {
    expect(await decodeBody(Buffer.alloc(0), LIMIT)).toEqual({ ok: true, value: {} });
  });

  test.each([
    ['too long as it is', Buffer.alloc(LIMIT + 1, 0x20), 'too-large'],
    ['a gzip bomb', gzipSync(Buffer.alloc(1_000_000)), 'too-large'],
    ['gzip by its first bytes only', Buffer.from([0x1f, 0x8b, 1, 2, 3]), 'not-gzip'],
    ['cut gzip', gzipSync('{"a":1}').subarray(0, 12), 'not-gzip'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not-utf8'],
    ['broken JSON', Buffer.from('{"a":'), 'not-json'],
    ['a JSON array', Buffer.from('[1]'), 'not-an-object'],
    ['a JSON number', Buffer.from('1'), 'not-an-object'],
    ['JSON of thousands of levels', Buffer.from(`{"a":${'['.repeat(4000)}${']'.repeat(4000)}}`), 'too-deep'],
    ['null', Buffer.from('null'), 'not-an-object'],
  ])('that is %s is refused', async (_what, bytes, why) => {
    expect(await decodeBody(bytes, LIMIT)).toEqual({ ok: false, why });
  });

  test('never inflates past the bound', async () => {
    expect(await inflate(gzipSync(Buffer.alloc(50_000_000)), 1_000_000)).toBe('too-large');
  });
});
