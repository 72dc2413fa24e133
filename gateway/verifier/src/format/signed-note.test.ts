import { describe, expect, test } from '@jest/globals';
import { createNoteSigner } from './note-signer.js';
import { decodeCanonicalBase64, openNote, parseVkey } from './signed-note.js';

/** The example of Go's golang.org/x/mod/sumdb/note, which the C2SP specification describes. */
const GO_VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_NOTE = `${GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

function open(note: string, vkey: string): string | undefined {
  const verifier = parseVkey(vkey);
  if (verifier === undefined) throw new Error('vkey expected to parse');
  return openNote(Buffer.from(note, 'utf8'), verifier);
}

describe('signed note', () => {
  test('opens a note signed by another implementation', () => {
    expect(open(GO_NOTE, GO_VKEY)).toBe(GO_TEXT);
  });

  test('opens what it signs, and only with the right key', () => {
    const signer = createNoteSigner('log.test/w/1');
    const other = createNoteSigner('log.test/w/1');
    const note = signer.signNote('origin\n1\n');
    expect(open(note, signer.vkey)).toBe('origin\n1\n');
    expect(open(note, other.vkey)).toBeUndefined();
  });

  test.each([
    ['a second signature', (note: string) => `${note}— PeterNeumann AAAA\n`],
    ['a missing last newline', (note: string) => note.slice(0, -1)],
    ['changed text', (note: string) => note.replace('answer', 'Answer')],
    ['base64 with other padding bits', (note: string) => note.replace('nAM=', 'nAN=')],
    ['base64 with a space', (note: string) => note.replace('x08go', 'x08g o')],
    ['another name', (note: string) => note.replace('— PeterNeumann', '— Someone')],
  ])('refuses %s', (_, change) => {
    expect(change(GO_NOTE)).not.toBe(GO_NOTE);
    expect(open(change(GO_NOTE), GO_VKEY)).toBeUndefined();
  });

  test('refuses a key whose id is not its own', () => {
    expect(parseVkey(GO_VKEY.replace('c74f20a3', 'c74f20a4'))).toBeUndefined();
    expect(parseVkey(GO_VKEY.replace('Peter', 'Paul'))).toBeUndefined();
    expect(parseVkey('no key')).toBeUndefined();
  });

  test('decodes base64 only in its one canonical spelling', () => {
    expect(decodeCanonicalBase64('AAE=')?.toString('hex')).toBe('0001');
    for (const text of ['AAF=', 'AAE', 'AA E=', 'AAE=\n', 'AA-_']) expect(decodeCanonicalBase64(text)).toBeUndefined();
  });
});
