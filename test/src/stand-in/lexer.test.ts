import { describe, expect, test } from '@jest/globals';
import { lex, render, splitStatements } from './lexer.js';
import { nameColumns } from './naming.js';

describe('lexer', () => {
  test.each([
    ['select Id, "Mixed" from t', 'SELECT ID, "Mixed" FROM T'],
    ["select 'it''s', 'a\\'b', $$x'y$$", "SELECT 'it''s', 'a''b', 'x''y'"],
    ['select v:Key.sub[0]::string from t', 'SELECT V:Key.sub[0]::STRING FROM T'],
    ['select 1 -- one\n, 2 /* two */ // three', 'SELECT 1 , 2'],
    ['select * from t where id=:1 and b = ?', 'SELECT * FROM T WHERE ID=:1 AND B = ?'],
    ['list @"My Stage"/a.csv', 'LIST @"My Stage"/a.csv'],
  ])('%s', (sqlText, expected) => {
    expect(render(lex(sqlText))).toBe(expected);
  });

  test('tells binds, path keys and session variables apart', () => {
    const kinds = lex('select :1, a:b, $x, $1 from t where c = :name').filter((token) =>
      ['bind', 'variable'].includes(token.kind),
    );
    expect(kinds.map((token) => token.text)).toEqual([':1', '$x', '$1', ':name']);
  });

  test('splits at semicolons outside strings and drops empty statements', () => {
    expect(splitStatements(lex("select ';'; ; select 2;")).map(render)).toEqual(["SELECT ';'", 'SELECT 2']);
  });

  test.each(["select 'a", 'select "a', 'select /* a', 'select $$a'])('refuses the unclosed %s', (sqlText) => {
    expect(() => lex(sqlText)).toThrow(/parse error/);
  });
});

describe('column names', () => {
  test.each([
    ['select count(*), a+b, x from t', 'SELECT COUNT(*) AS "COUNT(*)", A+B AS "A+B", X FROM T'],
    ['select a b, c as d, t.e, t.* from t', 'SELECT A B, C AS D, T.E, T.* FROM T'],
    [
      "select 1, 'x', null, case when a then b end from t",
      `SELECT 1 AS "1", 'x' AS "'X'", NULL AS "NULL", CASE WHEN A THEN B END AS "CASE WHEN A THEN B END" FROM T`,
    ],
    [
      'with c as (select max(i) from t) select max(j) from c',
      'WITH C AS (SELECT MAX(I) FROM T) SELECT MAX(J) AS "MAX(J)" FROM C',
    ],
    [
      'select distinct a || b x, (select 1) from t union select 2',
      'SELECT DISTINCT A || B X, (SELECT 1) AS "(SELECT 1)" FROM T UNION SELECT 2',
    ],
  ])('%s', (sqlText, expected) => {
    expect(render(nameColumns(lex(sqlText)))).toBe(expected);
  });
});
