import { describe, expect, test } from '@jest/globals';
import { numberPlaceholders, placeholdersOf } from './placeholders.js';

describe('placeholders', () => {
  test.each([
    ['SELECT 1', { positional: 0, highest: 0 }],
    ['SELECT ? , \'?\' , "?" FROM t WHERE a = ?', { positional: 2, highest: 0 }],
    ['SELECT :1, :12, :2, a:b, c:d[0]', { positional: 0, highest: 12 }],
  ])('%s', (text, expected) => {
    expect(placeholdersOf(text)).toEqual(expected);
  });

  test('question marks become numbers in their order, and nothing else changes', () => {
    expect(numberPlaceholders('SELECT ?, \'?\', "?" FROM t WHERE a = ? LIMIT ?')).toBe(
      'SELECT :1, \'?\', "?" FROM t WHERE a = :2 LIMIT :3',
    );
    expect(numberPlaceholders('SELECT :1, a:b')).toBe('SELECT :1, a:b');
  });

  test('a text that cannot be read is a broken promise', () => {
    expect(() => numberPlaceholders("SELECT 'x")).toThrow('cannot be read');
  });
});
