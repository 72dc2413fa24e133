import { describe, expect, test } from '@jest/globals';
import { encodeQueryTag, parseQueryTag, tagText } from './query-tag.js';

const TAG = { writer: 'piste/w/01', index: 7, leafHash: 'a'.repeat(64), signature: 'x'.repeat(86), claimed: 'reports' };

describe('the tag of a statement', () => {
  test('comes back as it was', () => {
    expect(parseQueryTag(encodeQueryTag(TAG))).toEqual(TAG);
    expect(JSON.parse(encodeQueryTag(TAG))).toEqual({
      piste: 1,
      w: TAG.writer,
      i: 7,
      r: TAG.leafHash,
      s: TAG.signature,
      u: 'reports',
    });
  });

  test("leaves out an agent's own tag that does not fit, and nothing else", () => {
    const room = 2_000 - encodeQueryTag({ ...TAG, claimed: '' }).length;
    expect(encodeQueryTag({ ...TAG, claimed: 'u'.repeat(room) })).toHaveLength(2_000);
    expect(parseQueryTag(encodeQueryTag({ ...TAG, claimed: 'u'.repeat(room + 1) }))).toEqual({
      ...TAG,
      claimed: undefined,
    });
  });

  test('signs the place and the hash', () => {
    expect(tagText('piste/w/01', 7, 'ab')).toBe('piste tag v1\npiste/w/01\n7\nab\n');
  });

  test.each([
    ['', 'nightly report', '{', '[]', 'null', '{"piste":1}'],
    [
      JSON.stringify({ piste: 2, w: 'w', i: 1, r: TAG.leafHash }),
      JSON.stringify({ piste: 1, w: 'w', i: -1, r: TAG.leafHash }),
      JSON.stringify({ piste: 1, w: 'w', i: 1.5, r: TAG.leafHash }),
      JSON.stringify({ piste: 1, w: 'w', i: 1, r: TAG.leafHash.slice(1) }),
      JSON.stringify({ piste: 1, w: 1, i: 1, r: TAG.leafHash }),
    ],
  ])('is not any other text', (...texts) => {
    for (const text of texts) expect(parseQueryTag(text)).toBeUndefined();
  });
});
