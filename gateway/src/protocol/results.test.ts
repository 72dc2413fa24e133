import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isJsonObject, type JsonObject, parseJson, stringifyJson } from './json.js';
import {
  encodeChunkBody,
  parseChunkBody,
  parseUpstreamAnswer,
  readRows,
  resultHead,
  type UpstreamAnswer,
} from './results.js';
import { splitAnswer } from './split-answer.js';

const result = (data: JsonObject): JsonObject => ({
  success: true,
  code: null,
  message: null,
  data: { queryId: 'q', rowtype: [{ name: 'A', type: 'TEXT' }], rowset: [['x']], ...data },
});

/** As it comes from the wire. */
function read(answer: JsonObject): UpstreamAnswer {
  const split = splitAnswer(Buffer.from(stringifyJson(answer)));
  const json = split.ok ? parseJson(split.head) : undefined;
  if (!split.ok || !isJsonObject(json)) throw new Error('no answer');
  return parseUpstreamAnswer({ json, rowset: split.rowset, rowsetBase64: split.rowsetBase64 });
}

describe('an answer of Snowflake', () => {
  test('is a result with allow-listed fields only', () => {
    const answer = read(
      result({
        rowtype: [{ name: 'A', type: 'TEXT', secretField: 's' }],
        total: 1,
        statementTypeId: 4096,
        idToken: 'secret',
        masterToken: 'secret',
      }),
    );
    if (answer.kind !== 'result') throw new Error(answer.kind);
    expect(readRows(answer.result)).toEqual([['x']]);
    const client = { ...answer.result, format: 'json' as const, chunks: [], queryId: 'mine' };
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
    ['Arrow under the name of JSON', { rowset: [], rowsetBase64: 'QUJD' }, 'a malformed result'],
    ['JSON under the name of Arrow', { queryResultFormat: 'arrow' }, 'a malformed result'],
    ['Arrow that is no base64', { queryResultFormat: 'arrow', rowset: [], rowsetBase64: '!!' }, 'a malformed result'],
    ['no query id', { queryId: null }, 'no query id'],
    ['a column without type', { rowtype: [{ name: 'A' }] }, 'a malformed result'],
    ['a chunk without size', { chunks: [{ url: 'https://x', rowCount: 1 }] }, 'a malformed result'],
    [
      'a chunk with a negative count',
      { chunks: [{ url: 'https://x', rowCount: -1, uncompressedSize: 1 }] },
      'a malformed result',
    ],
  ])('with %s is not passed on', (_name, data, what) => {
    expect(read(result(data))).toEqual({ kind: 'unusable', what });
  });

  test('keeps its rows as they came, in either format', () => {
    const json = read(result({ rowset: [['1'], [null]] }));
    expect(json.kind === 'result' && json.result.inline).toEqual({
      format: 'json',
      bytes: Buffer.from('["1"],[null]'),
    });
    const arrow = read(result({ rowset: [], rowsetBase64: 'QUJD', queryResultFormat: 'arrow' }));
    expect(arrow.kind === 'result' && arrow.result.inline).toEqual({ format: 'arrow', bytes: Buffer.from('ABC') });
    expect(arrow.kind === 'result' && readRows(arrow.result)).toBeUndefined();
  });

  test.each(['AQI', 'AQ*=', 'A===', 'AQ I=', 'AQI=AAAA'])('Arrow is decoded strictly: %s', (rowsetBase64) => {
    expect(read(result({ rowset: [], rowsetBase64, queryResultFormat: 'arrow' }))).toMatchObject({ kind: 'unusable' });
  });

  test.each([
    ['a number as a cell', [[1]]],
    ['a row that is too wide', [['x', 'y']]],
  ])('with %s has no rows the gateway would read', (_name, rowset) => {
    const answer = read(result({ rowset }));
    expect(answer.kind === 'result' && readRows(answer.result)).toBeUndefined();
  });

  test('is pending only with a path of the known shape', () => {
    const pending = (getResultUrl: string) =>
      read({ success: true, code: '333333', data: { getResultUrl, queryId: 'q' } });
    expect(pending('/queries/01b2-a/result')).toMatchObject({ kind: 'in-progress' });
    expect(pending('https://evil/queries/1/result')).toMatchObject({ kind: 'unusable' });
    expect(pending('/queries/../session')).toMatchObject({ kind: 'unusable' });
  });

  test('is an error with a digits-only code whatever came', () => {
    expect(read({ success: false, code: 'E1', message: 'm', data: null })).toMatchObject({
      kind: 'error',
      code: '000001',
      sqlState: 'XX000',
    });
    expect(read({ success: false, code: '002003', message: 'm', data: { sqlState: '02000' } })).toMatchObject({
      code: '002003',
      sqlState: '02000',
    });
  });

  test('gives the headers that the key of a result implies', () => {
    const answer = read(result({ qrmk: 'a2V5', chunks: [{ url: 'https://x', rowCount: 1, uncompressedSize: 5 }] }));
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
