import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createJsonRowStream, maskJsonRows } from './json-rows.js';
import { createMaskPlan } from './mask-plan.js';
import { rowGrowthBytes } from './masked-rowtype.js';
import { createMasker } from './masker.js';
import { type AnyResult, anyResult, KEYS, obligationOn } from './masking-contract.js';
import { MaskingFailed } from './masking-failed.js';

const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const bodyOf = (rows: AnyResult['rows']): Buffer => Buffer.from(JSON.stringify(rows).slice(1, -1));
const planOf = ({ rowtype, obligations }: AnyResult) => createMaskPlan(rowtype, obligations, KEYS);
const TEXTS = [
  { name: 'A', type: 'text' },
  { name: 'B', type: 'text' },
];
const REDACT_B = createMaskPlan(TEXTS, [obligationOn(1, { type: 'Redact' })], KEYS);

describe('rows as bytes', () => {
  test('are masked exactly as the readable reference masks them', () => {
    const masker = createMasker({ keys: KEYS });
    fc.assert(
      fc.property(anyResult, (result) => {
        const expected = masker.maskRows(result.rowtype, result.rows, result.obligations);
        const masked = maskJsonRows(bodyOf(result.rows), planOf(result));
        expect(JSON.parse(`[${utf8(masked.bytes)}]`)).toEqual(JSON.parse(JSON.stringify(expected.rows)));
        expect(masked.rows).toBe(result.rows.length);
        if (result.obligations.length > 0) expect(masked.counts).toEqual(expected.counts);
      }),
      { numRuns: 250 },
    );
  });

  test('grow by no more than announced', () => {
    fc.assert(
      fc.property(anyResult, (result) => {
        const body = bodyOf(result.rows);
        const bound = body.length + result.rows.length * rowGrowthBytes(result.obligations);
        expect(maskJsonRows(body, planOf(result)).bytes.length).toBeLessThanOrEqual(bound);
      }),
      { numRuns: 120 },
    );
  });

  test('are the same in pieces of any size', () => {
    fc.assert(
      fc.property(anyResult, fc.constantFrom(1, 7, 4099), (result, size) => {
        const body = bodyOf(result.rows);
        const stream = createJsonRowStream(planOf(result), 1 << 20);
        const pieces: Uint8Array[] = [];
        for (let at = 0; at < body.length; at += size) pieces.push(stream.push(body.subarray(at, at + size)));
        const end = stream.end();
        const whole = maskJsonRows(body, planOf(result));
        expect(Buffer.concat(pieces).equals(whole.bytes)).toBe(true);
        expect(end).toEqual({ rows: whole.rows, counts: whole.counts });
      }),
      { numRuns: 150 },
    );
  });

  test('cut off anywhere are refused, unless the cut falls between rows', () => {
    const body = Buffer.from('["1","jané"],["\\u00e9\\"",null] ,\n[ "3" , "x" ]');
    const complete = [0, body.indexOf(']') + 1, body.lastIndexOf('] ') + 1, body.lastIndexOf('] ') + 2, body.length];
    for (let length = 0; length <= body.length; length += 1) {
      const masked = (): unknown => maskJsonRows(body.subarray(0, length), REDACT_B).rows;
      if (complete.includes(length)) expect(masked()).toBeGreaterThanOrEqual(0);
      else expect(masked).toThrow(MaskingFailed);
      const stream = (): unknown => {
        const rows = createJsonRowStream(REDACT_B, 1000);
        rows.push(body.subarray(0, length));
        return rows.end();
      };
      if (!complete.includes(length)) expect(stream).toThrow(MaskingFailed);
    }
  });

  test('with any byte changed are refused, or still what JSON says and masked', () => {
    const body = Buffer.from('["1","secret-é"],["\\n","secret-\\u0041"]');
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = Buffer.from(body);
        changed[at] = byte;
        let masked: Uint8Array;
        try {
          masked = maskJsonRows(changed, REDACT_B).bytes;
        } catch (error) {
          expect(error).toBeInstanceOf(MaskingFailed);
          return;
        }
        const rows = JSON.parse(`[${utf8(changed)}]`) as string[][];
        expect(JSON.parse(`[${utf8(masked)}]`)).toEqual(rows.map(([a, b]) => [a, b === null ? null : '***']));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['a number', '["1",2]'],
    ['a truth value', '["1",true]'],
    ['an object', '["1",{}]'],
    ['an array', '["1",["x"]]'],
    ['a row too short', '["1"]'],
    ['a row too long', '["1","2","3"]'],
    ['an empty row', '[]'],
    ['rows without a comma', '["1","2"]["1","2"]'],
    ['two commas', '["1","2"],,["1","2"]'],
    ['a comma at the end', '["1","2"],'],
    ['a comma at the beginning', ',["1","2"]'],
    ['the outer bracket', '[["1","2"]]'],
    ['a control character in a text', '["1","a\tb"]'],
    ['an unknown escape', '["1","\\x"]'],
    ['a short escape', '["1","\\u12"]'],
    ['no JSON at all', 'secret'],
  ])('%s is refused', (_what, body) => {
    expect(() => maskJsonRows(Buffer.from(body), REDACT_B)).toThrow(MaskingFailed);
  });

  test('bytes that are not UTF-8 are refused', () => {
    expect(() => maskJsonRows(Buffer.from([...Buffer.from('["'), 0xff, ...Buffer.from('","x"]')]), REDACT_B)).toThrow(
      MaskingFailed,
    );
  });

  test('a row that never ends is refused when it outgrows the limit', () => {
    const stream = createJsonRowStream(REDACT_B, 100);
    stream.push(Buffer.from('["1","2"],["'));
    expect(() => {
      for (let pieces = 0; pieces < 10; pieces += 1) stream.push(Buffer.alloc(20, 'x'));
    }).toThrow('a row longer than the gateway takes');
  });

  test('of no masked column are the very same bytes', () => {
    const body = Buffer.from('["1","\\u0041"] , ["2",null]');
    expect(utf8(maskJsonRows(body, createMaskPlan(TEXTS, [], KEYS)).bytes)).toBe(utf8(body));
  });

  test('never hold a masked text anywhere', () => {
    const secret = fc.stringMatching(/^[a-zA-Zé"\\\n🙂]{8,60}$/u).map((text) => `${text}§secret`);
    const result = fc.array(fc.tuple(fc.constant('x'), secret), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(result, fc.constantFrom<'Redact' | 'Null' | 'Hash'>('Redact', 'Null', 'Hash'), (rows, type) => {
        const action = type === 'Hash' ? ({ type, key: 'k/k' } as const) : ({ type } as const);
        const plan = createMaskPlan(TEXTS, [obligationOn(1, action)], KEYS);
        const masked = maskJsonRows(bodyOf(rows), plan).bytes;
        // The whole allocation, not only the part that leaves.
        expect(Buffer.from(masked.buffer).includes('secret')).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
