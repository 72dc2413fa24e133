import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isJsonObject, type JsonObject, parseJson } from './json.js';
import { encodeChunkBody, parseChunkBody, parseUpstreamAnswer, resultHead } from './results.js';

const result = (data: JsonObject): JsonObject => ({
  success: true,
  code: null,
  message: null,
  data: { queryId: 'q', rowtype: [{ name: 'A', type: 'TEXT' }], rowset: [['x']], ...data },
});

describe('an answer of Snowflake', () => {
  test('is a result with allow-listed fields only', () => {
    const answer = parseUpstreamAnswer(
      result({
        rowtype: [{ name: 'A', type: 'TEXT', secretField: 's' }],
        total: 1,
        statementTypeId: 4096,
        idToken: 'secret',
        masterToken: 'secret',
      }),
    );
    if (answer.kind !== 'result') throw new Error(answer.kind);
    expect(answer.result.rows).toEqual([['x']]);
    const client = { ...answer.result, chunks: [], queryId: 'mine' };
    const text = JSON.stringify(resultHead(client));
    expect(text).not.toContain('secret');
    expect(JSON.parse(text)).toMatchObject({
      queryId: 'mine',
      total: 1,
      statementTypeId: 4096,
      version: 1,
      finalRoleName: null,
    });
  });

  test.each<[string, JsonObject, string]>([
    ['an upload', { command: 'UPLOAD', stageInfo: { creds: {} } }, 'a file transfer'],
    ['stage credentials alone', { stageInfo: {} }, 'a file transfer'],
    ['several results', { resultIds: 'a,b' }, 'several results'],
    ['Arrow', { rowsetBase64: '' }, 'an Arrow result'],
    ['Arrow by name', { queryResultFormat: 'arrow' }, 'an Arrow result'],
    ['no query id', { queryId: null }, 'no query id'],
    ['a number as a cell', { rowset: [[1]] }, 'a malformed result'],
    ['a row that is too wide', { rowset: [['x', 'y']] }, 'a malformed result'],
    ['a column without type', { rowtype: [{ name: 'A' }] }, 'a malformed result'],
    ['a chunk without size', { chunks: [{ url: 'https://x', rowCount: 1 }] }, 'a malformed result'],
    [
      'a chunk with a negative count',
      { chunks: [{ url: 'https://x', rowCount: -1, uncompressedSize: 1 }] },
      'a malformed result',
    ],
  ])('with %s is not passed on', (_name, data, what) => {
    expect(parseUpstreamAnswer(result(data))).toEqual({ kind: 'unusable', what });
  });

  test('is pending only with a path of the known shape', () => {
    const pending = (getResultUrl: string) =>
      parseUpstreamAnswer({ success: true, code: '333333', data: { getResultUrl, queryId: 'q' } });
    expect(pending('/queries/01b2-a/result')).toMatchObject({ kind: 'in-progress' });
    expect(pending('https://evil/queries/1/result')).toMatchObject({ kind: 'unusable' });
    expect(pending('/queries/../session')).toMatchObject({ kind: 'unusable' });
  });

  test('is an error with a digits-only code whatever came', () => {
    expect(parseUpstreamAnswer({ success: false, code: 'E1', message: 'm', data: null })).toMatchObject({
      kind: 'error',
      code: '000001',
      sqlState: 'XX000',
    });
    expect(
      parseUpstreamAnswer({ success: false, code: '002003', message: 'm', data: { sqlState: '02000' } }),
    ).toMatchObject({ code: '002003', sqlState: '02000' });
  });

  test('gives the headers that the key of a result implies', () => {
    const answer = parseUpstreamAnswer(
      result({ qrmk: 'a2V5', chunks: [{ url: 'https://x', rowCount: 1, uncompressedSize: 5 }] }),
    );
    if (answer.kind !== 'result') throw new Error(answer.kind);
    expect(answer.result.chunkHeaders).toEqual({
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-server-side-encryption-customer-key': 'a2V5',
    });
  });
});

describe('a chunk body', () => {
  const cells = fc.array(fc.array(fc.option(fc.string({ unit: 'grapheme' })), { minLength: 2, maxLength: 2 }), {
    maxLength: 5,
  });

  test('comes back as it went', () => {
    fc.assert(
      fc.property(cells, (rows) => {
        expect(parseChunkBody(encodeChunkBody(rows), 2)).toEqual(rows);
      }),
    );
  });

  test.each(['["a"],["b"', '[1]', '["a","b"]', '"a"', '["a"]]'])('%s is refused', (text) => {
    expect(parseChunkBody(text, 1)).toBeUndefined();
  });

  test('writes non-ASCII letters raw: one driver cuts escapes to a byte', () => {
    expect(encodeChunkBody([['é漢']])).toBe('["é漢"]');
    expect(isJsonObject(parseJson('{}'))).toBe(true);
  });
});
