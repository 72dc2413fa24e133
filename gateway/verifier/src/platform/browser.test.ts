import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { platform as browser } from './browser.js';
import { Buffer as PageBuffer } from './browser-buffer.js';
import { platform as node } from './node.js';

const bytes = fc.uint8Array({ maxLength: 300 });

describe('SHA-256 of a page', () => {
  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('has the value of FIPS 180-4 for %.10s', (text, expected) => {
    expect(Buffer.from(browser.sha256([Buffer.from(text)])).toString('hex')).toBe(expected);
  });

  test('is that of Node, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), (parts) => {
        const expected = createHash('sha256').update(Buffer.concat(parts)).digest('hex');
        expect(Buffer.from(browser.sha256(parts)).toString('hex')).toBe(expected);
        expect(node.sha256(parts).toString('hex')).toBe(expected);
        const running = browser.createSha256();
        for (const part of parts) running.update(part);
        expect(Buffer.from(running.digest()).toString('hex')).toBe(expected);
      }),
    );
    for (let length = 0; length < 200; length += 1) {
      const zeros = Buffer.alloc(length);
      expect(Buffer.from(browser.sha256([zeros])).toString('hex')).toBe(node.sha256([zeros]).toString('hex'));
    }
  });
});

test('CRC-32 of a page is that of zlib', () => {
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      expect(browser.crc32(second, browser.crc32(first))).toBe(crc32(second, crc32(first)));
    }),
  );
});

test('both platforms verify signatures, and nothing else', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(12);
  const message = Buffer.from('message');
  const signature = sign(null, message, privateKey);
  for (const platform of [browser, node]) {
    const key = platform.importEd25519(raw);
    expect(await key.verify(message, signature)).toBe(true);
    expect(await key.verify(Buffer.from('messagf'), signature)).toBe(false);
    for (const bit of [0, 255, 256, 511]) {
      const changed = Buffer.from(signature);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(await key.verify(message, changed)).toBe(false);
    }
    expect(await key.verify(message, signature.subarray(1))).toBe(false);
  }
});

test('both platforms unpack exactly what was packed', async () => {
  const plain = Buffer.from('some text '.repeat(500));
  const packed = deflateRawSync(plain);
  for (const platform of [browser, node]) {
    const unpacked = await platform.inflate(packed, plain.byteLength);
    expect(unpacked === undefined ? undefined : Buffer.from(unpacked)).toEqual(plain);
    expect(await platform.inflate(packed, plain.byteLength - 1)).toBeUndefined();
    expect(await platform.inflate(packed, plain.byteLength + 1)).toBeUndefined();
    expect(await platform.inflate(packed.subarray(0, -1), plain.byteLength)).toBeUndefined();
    expect(await platform.inflate(Buffer.concat([packed, Buffer.from('x')]), plain.byteLength)).toBeUndefined();
    expect(await platform.inflate(Buffer.from('no'), 10)).toBeUndefined();
  }
});

describe('the Buffer of a page', () => {
  test('gives what that of Node gives', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), bytes, bytes, (text, one, two) => {
        expect([...PageBuffer.from(text, 'utf8')]).toEqual([...Buffer.from(text, 'utf8')]);
        const mine = PageBuffer.concat([one, two]);
        const theirs = Buffer.concat([one, two]);
        expect([...mine]).toEqual([...theirs]);
        for (const encoding of ['hex', 'base64', 'latin1', 'utf8'] as const)
          expect(mine.toString(encoding)).toBe(theirs.toString(encoding));
        expect(PageBuffer.from(mine.toString('hex'), 'hex').equals(theirs)).toBe(true);
        expect(PageBuffer.from(mine.toString('base64'), 'base64').equals(theirs)).toBe(true);
        expect(mine.indexOf(two)).toBe(theirs.indexOf(two));
        expect(mine.indexOf(two.subarray(0, 1), 1)).toBe(theirs.indexOf(two.subarray(0, 1), 1));
        expect(mine.subarray(1) instanceof PageBuffer).toBe(true);
        expect(mine.equals(one)).toBe(theirs.equals(one));
      }),
    );
  });

  test('reads and writes numbers as that of Node does', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.integer({ min: 0, max: 8 }),
        (content, offset) => {
          const mine = PageBuffer.from(content);
          const theirs = Buffer.from(content);
          expect(mine.readUInt8(offset)).toBe(theirs.readUInt8(offset));
          expect(mine.readUInt16BE(offset)).toBe(theirs.readUInt16BE(offset));
          expect(mine.readUInt32BE(offset)).toBe(theirs.readUInt32BE(offset));
          expect(mine.readUInt16LE(offset)).toBe(theirs.readUInt16LE(offset));
          expect(mine.readUInt32LE(offset)).toBe(theirs.readUInt32LE(offset));
          expect(mine.readBigUInt64BE(offset)).toBe(theirs.readBigUInt64BE(offset));
          for (const buffer of [mine, theirs]) {
            buffer.writeUInt8(0xfe, offset);
            buffer.writeUInt16BE(0xfedc, 1);
            buffer.writeUInt32BE(0xfedcba98, 3);
            buffer.writeBigUInt64BE(0xfedcba9876543210n, 7);
          }
          expect([...mine]).toEqual([...theirs]);
        },
      ),
    );
  });

  test.each(['AA==', 'AA=', 'AA', 'A', 'AB==', 'A*==', 'AA==\n', '', 'AAA=A'])(
    'lets no text that is not canonical base64 pass for one: %j',
    (text) => {
      const isCanonical = Buffer.from(text, 'base64').toString('base64') === text;
      expect(PageBuffer.from(text, 'base64').toString('base64') === text).toBe(isCanonical);
    },
  );
});
