import { describe, expect, test } from '@jest/globals';
import type { Schema } from './schema.js';
import { checkStructure, type Fault } from './structure.js';

const check = (value: unknown, schema: Schema) => {
  const faults: Fault[] = [];
  const result = checkStructure(value, schema, 'f', faults);
  return { result, faults: faults.map((fault) => `${fault.field}: ${fault.message}; ${fault.fix}`) };
};

const text: Schema = { type: 'string', minLength: 1, maxLength: 3, pattern: '^[a-z😀]+$', form: 'lower-case letters' };
const colour: Schema = { type: 'string', enum: ['Amber', 'Green', 'Null'] };
const port: Schema = { type: 'integer', minimum: 1, maximum: 9 };
const list: Schema = { type: 'array', minItems: 1, maxItems: 2, items: text, 'x-kubernetes-list-type': 'set' };
const object: Schema = {
  type: 'object',
  required: ['a'],
  properties: {
    a: text,
    b: { ...port, default: 5 },
    c: { type: 'object', default: {}, properties: { d: { ...port, default: 7 } } },
  },
};
const map: Schema = { type: 'object', maxProperties: 1, additionalProperties: text };
const keyed: Schema = {
  type: 'array',
  maxItems: 3,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['k', 'n'],
  items: { type: 'object', properties: { k: text, n: { ...text, default: 'x' } } },
};

describe('checkStructure', () => {
  test.each([
    ['a text', 'abc', text, 'abc'],
    ['a text counted in characters', '😀😀😀', text, '😀😀😀'],
    ['a known word', 'Null', colour, 'Null'],
    ['a whole number', 9, port, 9],
    ['a whole number written with a fraction of zero', 9.0, port, 9],
    ['true', true, { type: 'boolean' } as const, true],
    ['defaults, also inside defaulted objects', { a: 'x' }, object, { a: 'x', b: 5, c: { d: 7 } }],
    ['given values over defaults', { a: 'x', b: 1, c: {} }, object, { a: 'x', b: 1, c: { d: 7 } }],
    ['a map', { any: 'x' }, map, { any: 'x' }],
    [
      'entries that differ in one key',
      [{ k: 'a' }, { k: 'a', n: 'y' }],
      keyed,
      [
        { k: 'a', n: 'x' },
        { k: 'a', n: 'y' },
      ],
    ],
  ])('accepts %s', (_title, value, schema: Schema, expected) => {
    expect(check(value, schema)).toEqual({ result: expected, faults: [] });
  });

  test.each([
    ['an empty text', '', text, ['f: the text is empty; write at least 1 character']],
    ['a long text, without trying the pattern', 'ABCD', text, ['f: the text has 4 characters; write at most 3']],
    ['a text of another form', 'A', text, ['f: the text does not have the right form; write lower-case letters']],
    [
      'a number for a text',
      1,
      text,
      ['f: expected a text, found a number; write a text; numbers, true and false need quotes'],
    ],
    ['a word in another case', 'amber', colour, ['f: "amber" is not known here; did you mean Amber?']],
    ['a word with a slip', 'Grean', colour, ['f: "Grean" is not known here; did you mean Green?']],
    ['an unknown word', 'Red', colour, ['f: "Red" is not known here; use one of Amber, Green, Null']],
    ['null where Null is a word', null, colour, ['f: no value is given; write "Null" in quotes']],
    ['null', null, port, ['f: no value is given; give a value or remove the field']],
    ['a small number', 0, port, ['f: 0 is too small; write at least 1']],
    ['a large number', 10, port, ['f: 10 is too large; write at most 9']],
    [
      'a fraction',
      1.5,
      port,
      ['f: 1.5 is not a whole number that can be kept exactly; write a whole number from 1 to 9'],
    ],
    [
      'a number that is none',
      Number.NaN,
      port,
      ['f: NaN is not a whole number that can be kept exactly; write a whole number from 1 to 9'],
    ],
    [
      'a text for a number',
      '1',
      port,
      ['f: expected a whole number, found a text; write a whole number without quotes'],
    ],
    [
      'a text for a boolean',
      'true',
      { type: 'boolean' } as const,
      ['f: expected true or false, found a text; write true or false without quotes'],
    ],
    ['a single value for a list', 'abc', list, ['f: expected a list, found a text; write a list, even of one entry']],
    ['an empty list', [], list, ['f: has 0 entries; give at least 1']],
    ['a long list, without looking at its entries', [1, 2, 3], list, ['f: has 3 entries; keep at most 2']],
    ['an entry twice', ['a', 'a'], list, ['f[1]: this entry stands in the list twice; remove one']],
    [
      'equal keys, defaults included',
      [{ k: 'a' }, { k: 'a', n: 'x' }],
      keyed,
      ['f[1]: another entry has the same k and n; give every entry its own k and n'],
    ],
    ['a list for an object', [], object, ['f: expected a mapping, found a list; write fields, each with a name']],
    [
      'a missing and an unknown field',
      { z: 1 },
      object,
      ['f.z: this field does not exist; use one of a, b, c', 'f.a: this field is missing; add a'],
    ],
    ['a crowded map', { a: 'x', b: 'y' }, map, ['f: has 2 entries; keep at most 1']],
    [
      'an odd name in a map',
      { 'a.b': 1 },
      map,
      ['f["a.b"]: expected a text, found a number; write a text; numbers, true and false need quotes'],
    ],
  ])('refuses %s', (_title, value, schema: Schema, faults) => {
    expect(check(value, schema).faults).toEqual(faults);
  });

  test('stops at a hundred faults', () => {
    const value = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, 1]));
    expect(check(value, object).faults).toHaveLength(100);
  });
});
