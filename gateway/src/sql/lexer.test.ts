import { describe, expect, test } from '@jest/globals';
import { analyze } from './index.js';
import { lex, MAX_BRACKET_DEPTH, MAX_TEXT_CHARACTERS } from './lexer.js';
import { catalogOf, sessionOf } from './testing/corpus.js';

const values = (text: string) => {
  const lexed = lex(text);
  return lexed.ok ? lexed.tokens.map((token) => token.raw) : `${lexed.kind}: ${lexed.detail}`;
};

describe('texts other lexers read differently', () => {
  test.each([
    ['a comment inside a comment', 'SELECT 1 /* a /* b */ , email FROM customers -- */ FROM t'],
    ['a comment closed by the end of an inner opening', 'SELECT 1 /* a /*/ , 2'],
    ['an unterminated block comment', 'SELECT 1 FROM t /* , email'],
    ['an unterminated string', "SELECT 'a"],
    ['a string whose quote is escaped away', "SELECT 'a\\'"],
    ['an unterminated quoted name', 'SELECT "a'],
    ['an unterminated $$ string', 'SELECT $$a'],
    ['a bare carriage return', 'SELECT id\r, email'],
    ['a bare carriage return in a comment', 'SELECT id -- x\r, email'],
    ['a vertical tab in a comment', 'SELECT id -- x\v, email'],
    ['a form feed', 'SELECT\fid'],
    ['NEL in a comment', 'SELECT id -- x\u0085, email'],
    ['a line separator in a comment', 'SELECT id -- x\u2028, email'],
    ['a paragraph separator in a comment', 'SELECT id // x\u2029, email'],
    ['a zero-width space', 'SELECT\u200bid'],
    ['a no-break space', 'SELECT\u00a0id'],
    ['full-width letters', 'SELECT \uff49\uff44'],
    ['a byte order mark', '\ufeffSELECT 1'],
    ['a letter outside ASCII in a name', 'SELECT caf\u00e9'],
    ['backticks', 'SELECT `email`'],
    ['a number sign', 'SELECT id # , email'],
    ['a backslash outside strings', 'SELECT \\ id'],
    ['an E string', "SELECT E'a\\'b'"],
    ['an r string', "SELECT r'a'"],
    ['a b string', "SELECT b'a'"],
    ['a Unicode name', 'SELECT U&"a"'],
    ['a number joined to a word', 'SELECT 1a'],
    ['a fraction joined to a name', 'SELECT a.5'],
    ['a number with two dots', 'SELECT 1..2'],
    ['a tagged dollar string', 'SELECT $tag$ a $tag$'],
    ['three dollars', 'SELECT $$a$$$'],
    ['a lone dollar', 'SELECT $ 1'],
    ['an empty quoted name', 'SELECT ""'],
    ['NUL in a string', "SELECT 'a\0b'"],
    ['half a surrogate pair in a string', "SELECT '\ud800'"],
    ['a control character in a quoted name', 'SELECT "a\nb"'],
    ['a comment mark in a stage path', 'LIST @s/a--b'],
    ['a block comment mark in a stage path', 'LIST @s/*.csv'],
    ['a bracket that is not closed', 'SELECT (1'],
    ['brackets that cross', 'SELECT ([1)]'],
  ])('%s is refused', (_what, text) => {
    expect(lex(text)).toMatchObject({ ok: false, kind: 'lexical' });
    expect(analyze(text, sessionOf(), catalogOf())).toMatchObject({ read: false, kind: 'lexical' });
  });

  test.each([
    ['a backslash before the closing quote of a name', '"a\\" , email', ['"a\\"', ',', 'email']],
    ['a doubled quote in a name', '"a""b"', ['"a""b"']],
    ['a doubled quote in a string', "'it''s' , x", ["'it''s'", ',', 'x']],
    ['an escaped quote in a string', "'a\\'b' , x", ["'a\\'b'", ',', 'x']],
    ['comment marks in a string', "'/*' -- x\n, '*/'", ["'/*'", ',', "'*/'"]],
    ['comment marks in a name', '"--" x', ['"--"', 'x']],
    ['a slash comment', '1 // 2\n, 3', ['1', ',', '3']],
    ['a comment with CRLF', '1 -- 2\r\n, 3', ['1', ',', '3']],
    ['quotes in a $$ string', '$$it\'s "x"$$', ['$$it\'s "x"$$']],
    ['letters outside ASCII in strings and names', '\'\u00e9\' "\u00e9"', ["'\u00e9'", '"\u00e9"']],
    ['a path', 'a:b.c::string', ['a', ':', 'b', '.', 'c', '::', 'string']],
    ['a flow operator', '1->>2', ['1', '->>', '2']],
    ['arrows', 'x->1, a=>2', ['x', '->', '1', ',', 'a', '=>', '2']],
    ['numbers', '1 1.5 .5 1e5 1.5E-3', ['1', '1.5', '.5', '1e5', '1.5E-3']],
    ['variables', '$1:a $v', ['$1', ':', 'a', '$v']],
    ['a dollar inside a name', 'metadata$filename', ['metadata$filename']],
    ['stages', '@~/a @%t/b @"x y"/c (@s)', ['@~/a', '@%t/b', '@"x y"/c', '(', '@s', ')']],
    ['file URLs of PUT', 'PUT file:///tmp/a*.csv @~', ['PUT', 'file:///tmp/a*.csv', '@~']],
  ])('%s is read', (_what, text, expected) => expect(values(text)).toEqual(expected));

  test('a file URL outside PUT and GET is a comment after a colon', () => {
    expect(values('SELECT file://x')).toEqual(['SELECT', 'file', ':']);
  });
});

describe('limits', () => {
  const quickly = (text: string) => {
    const started = performance.now();
    const analysis = analyze(text, sessionOf(), catalogOf());
    expect(performance.now() - started).toBeLessThan(30_000);
    return analysis;
  };
  const orders = (count: number, text: (index: number) => string, joiner: string) =>
    Array.from({ length: count }, (_, index) => text(index)).join(joiner);

  test.each([
    ['100,000 brackets', `SELECT ${'('.repeat(100_000)}1${')'.repeat(100_000)}`],
    [
      'brackets one deeper than the limit',
      `SELECT ${'('.repeat(MAX_BRACKET_DEPTH + 1)}1${')'.repeat(MAX_BRACKET_DEPTH + 1)}`,
    ],
    ['10 MB of text', `SELECT '${'a'.repeat(10_000_000)}'`],
    ['more tokens than the limit', `SELECT ${'+'.repeat(100_001)}1`],
    [
      '50,000 items of six digits',
      `SELECT id FROM orders WHERE id IN (${orders(50_000, (i) => `${100_000 + i}`, ',')})`,
    ],
    ['CASE in CASE, 5,000 deep', `SELECT ${'CASE WHEN 1=1 THEN '.repeat(5_000)}1${' END'.repeat(5_000)}`],
  ])('%s is too large', (_what, text) => {
    const analysis = quickly(text);
    expect(analysis.read).toBe(false);
    expect(analysis.read ? '' : analysis.kind).toMatch(/too-large|lexical/);
  });

  test.each([
    ['brackets up to the limit', `SELECT ${'('.repeat(MAX_BRACKET_DEPTH)}1${')'.repeat(MAX_BRACKET_DEPTH)}`],
    ['a text up to the limit', `SELECT '${'a'.repeat(MAX_TEXT_CHARACTERS - 9)}'`],
    ['30,000 items', `SELECT id FROM orders WHERE id IN (${orders(30_000, (i) => `${i}`, ',')})`],
    ['10,000 ORs', `SELECT id FROM orders WHERE ${orders(10_000, () => 'id = 1', ' OR ')}`],
    ['10,000 casts', `SELECT 1${'::int'.repeat(10_000)}`],
    ['10,000 NOTs', `SELECT ${'NOT '.repeat(10_000)}TRUE`],
    ['2,000 arms of a UNION', orders(2_000, () => 'SELECT id FROM orders', ' UNION ALL ')],
    [
      '500 common table expressions in a row',
      `WITH c0 AS (SELECT id FROM orders), ${orders(500, (i) => `c${i + 1} AS (SELECT id FROM c${i})`, ', ')} SELECT id FROM c500`,
    ],
    ['100 queries inside each other', `${'SELECT id FROM ('.repeat(100)}SELECT id FROM orders${')'.repeat(100)}`],
    ['CASE in CASE, 600 deep', `SELECT ${'CASE WHEN 1=1 THEN '.repeat(600)}1${' END'.repeat(600)}`],
    [
      'queries that are mentioned twice on each of 60 levels',
      `${'SELECT ('.repeat(60)}SELECT 1${') AS a WHERE a = 1'.repeat(60)}`,
    ],
  ])('%s is read', (_what, text) => {
    const analysis = quickly(text);
    expect(analysis.read ? 'read' : `${analysis.kind}: ${analysis.detail}`).toBe('read');
  });

  test.each([
    ['9,000 sources', `SELECT 1 FROM ${orders(9_000, (i) => `customers t${i}`, ',')}`],
    [
      '40,000 stars over 100 sources',
      `SELECT ${orders(40_000, () => '*', ',')} FROM ${orders(100, (i) => `customers t${i}`, ',')}`,
    ],
    [
      'stars as arguments, over and over',
      `SELECT ${orders(2_000, (i) => `(SELECT HASH(*, ${i}) FROM customers a, customers b, wide c, orders d)`, ' || ')}`,
    ],
    [
      'a star without 20,000 columns',
      `SELECT * EXCLUDE (${orders(20_000, () => 'id', ',')}) FROM ${orders(100, (i) => `customers t${i}`, ',')}`,
    ],
  ])('%s end in time', (_what, text) => {
    const analysis = quickly(text);
    expect(analysis.class).toBe('SELECT');
  });

  test('a long chain of aliases is refused', () => {
    const chain = orders(5_000, (i) => `a${i + 1} + 1 AS a${i}`, ', ');
    expect(quickly(`SELECT ${chain}, id AS a5000 FROM orders`)).toMatchObject({ read: false });
  });
});
