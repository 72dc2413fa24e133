import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GatewayError } from '../errors.js';
import { type Binding, bindingHash } from './binding.js';

const input: Binding = {
  canonicalText: 'SELECT 1',
  binds: undefined,
  parameters: undefined,
  role: 'R',
  warehouse: 'W',
  database: 'D',
  schema: 'S',
  connection: 'c',
  account: 'a',
};
const optional = fc.option(fc.string({ unit: 'grapheme', maxLength: 4 }), { nil: undefined });
const text = fc.string({ unit: 'grapheme', maxLength: 4 });
const inputs: fc.Arbitrary<Binding> = fc.record({
  canonicalText: text,
  binds: optional,
  parameters: optional,
  role: optional,
  warehouse: optional,
  database: optional,
  schema: optional,
  connection: text,
  account: text,
});

describe('bindingHash', () => {
  test('is SHA-256 over the documented bytes', () => {
    const present = (value: string) =>
      `01${value.length.toString(16).padStart(16, '0')}${Buffer.from(value).toString('hex')}`;
    const fields = [present('SELECT 1'), '00', '00', ...['R', 'W', 'D', 'S', 'c', 'a'].map(present)].join('');
    const bytes = Buffer.concat([Buffer.from('piste binding v1\n'), Buffer.from(fields, 'hex')]);
    expect(bindingHash(input)).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('is the same for the same input, whatever else stands beside it', () => {
    expect(bindingHash({ ...input, queryId: 'other' } as Binding)).toBe(bindingHash({ ...input }));
  });

  test.each(Object.keys(input))('changes with %s', (field) => {
    expect(bindingHash({ ...input, [field]: 'other' })).not.toBe(bindingHash(input));
    expect(bindingHash({ ...input, [field]: '' })).not.toBe(bindingHash(input));
  });

  test('tells absent from empty, and text in one field from text in the next', () => {
    expect(bindingHash({ ...input, role: undefined })).not.toBe(bindingHash({ ...input, role: '' }));
    expect(bindingHash({ ...input, role: 'RW', warehouse: '' })).not.toBe(
      bindingHash({ ...input, role: 'R', warehouse: 'W' }),
    );
    expect(bindingHash({ ...input, role: undefined, warehouse: 'R' })).not.toBe(
      bindingHash({ ...input, role: 'R', warehouse: undefined }),
    );
  });

  test('differs whenever any two inputs differ', () => {
    fc.assert(
      fc.property(inputs, inputs, (one, two) => {
        const isSame = JSON.stringify(Object.values(one).map(spell)) === JSON.stringify(Object.values(two).map(spell));
        expect(bindingHash(one) === bindingHash(two)).toBe(isSame);
      }),
      { numRuns: 500 },
    );
  });

  test('refuses text that UTF-8 cannot hold', () => {
    expect(() => bindingHash({ ...input, canonicalText: "SELECT '\uD800'" })).toThrow(GatewayError);
  });
});

const spell = (value: string | undefined) => (value === undefined ? ['absent'] : value);
