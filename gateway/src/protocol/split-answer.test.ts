import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { splitAnswer } from './split-answer.js';

const split = (text: string) => splitAnswer(Buffer.from(text));

describe('the rows of an answer', () => {
  test('are cut out by their place, and the rest is JSON', () => {
    const answer = {
      data: {
        a: '"rowset":[["x"]]',
        rowset: [
          ['1', 'a"]],['],
          [null, 'é\\'],
        ],
        total: 2,
      },
      success: true,
    };
    const found = split(JSON.stringify(answer));
    expect(found.ok && JSON.parse(found.head)).toEqual({ ...answer, data: { ...answer.data, rowset: [] } });
    expect(found.ok && JSON.parse(found.rowset?.toString() ?? '')).toEqual(answer.data.rowset);
  });

  test('are found behind white space and under an escaped key', () => {
    const found = split('\n{ "d\\u0061ta" :\t{ "\\u0072owset" : [ ["1"] , [null] ] } , "success" : true }\n');
    expect(found.ok && found.rowset?.toString()).toBe('[ ["1"] , [null] ]');
  });

  test('come as base64 in the Arrow format', () => {
    const found = split('{"data":{"rowsetBase64":"QUJD","rowset":[]},"success":true}');
    expect(found.ok && found.rowsetBase64?.toString()).toBe('QUJD');
    expect(found.ok && JSON.parse(found.head)).toEqual({ data: { rowsetBase64: '', rowset: [] }, success: true });
  });

  test.each([
    ['another depth', '{"data":{"inner":{"rowset":[["x"]]}},"rowset":[["y"]]}'],
    ['no data', '{"data":null,"success":false}'],
    ['another kind', '{"data":{"rowset":null,"rowsetBase64":7}}'],
  ])('are left alone at %s', (_where, text) => {
    expect(split(text)).toEqual({ ok: true, head: text, rowset: undefined, rowsetBase64: undefined });
  });

  test.each([
    ['named twice', '{"data":{"rowset":[["1"]],"rowset":[]}}'],
    ['in a data named twice', '{"data":{"rowset":[["1"]]},"data":{}}'],
    ['without an end', '{"data":{"rowset":[["1"]'],
    ['in a string without an end', '{"data":{"rowset":[["1'],
    ['not in an object', '[1]'],
    ['after rubbish', 'x{"data":{}}'],
    ['in nothing', ''],
  ])('are not guessed when %s', (_why, text) => {
    expect(split(text)).toEqual({ ok: false });
  });

  test('put back give the same value, whatever the answer holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.array(fc.option(fc.string()))), fc.nat(2), (other, rows, space) => {
        const answer = { other, data: { other, rowset: rows, last: other } };
        const found = split(JSON.stringify(answer, undefined, space));
        if (!found.ok) throw new Error('it was not read');
        expect(JSON.parse(found.rowset?.toString() ?? '')).toEqual(rows);
        const rest = JSON.parse(JSON.stringify({ ...answer, data: { ...answer.data, rowset: [] } }));
        expect(JSON.parse(found.head)).toEqual(rest);
      }),
      { numRuns: 300 },
    );
  });
});
