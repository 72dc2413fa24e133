import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalText } from './canonical.js';
import { readStatement } from './index.js';
import { lex } from './lexer.js';
import type { Token } from './tokens.js';

const canonical = (sql: string) => {
  const reading = readStatement(sql);
  return reading.ok ? reading.canonicalText : `${reading.kind}: ${reading.detail}`;
};

describe('canonical text', () => {
  test.each([
    ['comments and hints go', 'drop/**/database -- x\n if/* a */exists app;', 'drop database if exists app'],
    ['a line comment between tokens is one space', 'DROP TABLE//x\nt', 'DROP TABLE t'],
    ['touching tokens stay touching', 'SELECT count(*),a.b::int,x:y[0].z', 'SELECT count(*),a.b::int,x:y[0].z'],
    ['signs do not melt into a comment', 'SELECT 1 - -1, 1 - /* */ - 1', 'SELECT 1 - -1, 1 - - 1'],
    ['operators that stood apart stay apart', 'SELECT a | | b', 'SELECT a | | b'],
    ['$$ strings are re-quoted', "CALL p($$it's a \\ $$)", "CALL p('it''s a \\\\ ')"],
    ['line breaks stay only inside strings', "CALL p('a\nb',\n\n'c')", "CALL p('a\nb', 'c')"],
    ['two strings side by side stay two', 'CALL p($$a$$ $$b$$)', "CALL p('a' 'b')"],
    ['stage paths stay as they are', 'COPY INTO @~/day=1/x.csv  FROM t', 'COPY INTO @~/day=1/x.csv FROM t'],
    ['file URLs stay as they are', 'PUT   file:///tmp/a//b*.csv   @%t', 'PUT file:///tmp/a//b*.csv @%t'],
    [
      'variables, arrows, marks',
      'COPY INTO t FROM (SELECT $1:a FROM @s (FILE_FORMAT=>f))',
      'COPY INTO t FROM (SELECT $1:a FROM @s (FILE_FORMAT=>f))',
    ],
    [
      'outer join marks and lambdas',
      'INSERT INTO t SELECT f(x -> x+1) FROM a,b WHERE a.i=b.i (+)',
      'INSERT INTO t SELECT f(x -> x+1) FROM a,b WHERE a.i=b.i (+)',
    ],
    ['quoted names keep their quotes', 'DROP TABLE "a""b" . "c"', 'DROP TABLE "a""b" . "c"'],
  ])('%s', (_what, sql, expected) => expect(canonical(sql)).toBe(expected));

  const piece = fc.oneof(
    fc.constantFrom('SELECT', 'a', 'x1', 'Limit', '"q ""x"""', '1', '1.5', '.5', '$v', '$1', '?'),
    fc.constantFrom('@s/p', '@~', "'it''s'", "'\\''", "$$d'q\\$$", '$$a$$', "''", '(', ')', '[', ']', '{', '}'),
    fc.constantFrom(',', '.', ':', ';', '=', '<', '>', '+', '-', '*', '/', '%', '|', '&', '^', '~', '!'),
    fc.constantFrom('::', '->', '=>', '->>', '||', '<=', '!='),
    fc.constantFrom(' ', '\n', '\r\n', '\t', ' /* c */ ', ' -- c\n', '//c\n', '/**/'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );

  test('reads again as the same tokens, and as itself', () => {
    const isSame = (one: Token, other: Token | undefined) =>
      one.kind === 'dollar-string' ? other?.kind === 'string' : one.kind === other?.kind && one.value === other.value;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const lexed = lex(pieces.join(''));
        if (!lexed.ok) return;
        const text = canonicalText(lexed.tokens);
        const again = lex(text);
        expect(again.ok).toBe(true);
        expect(again.tokens).toHaveLength(lexed.tokens.length);
        expect(lexed.tokens.every((token, index) => isSame(token, again.tokens[index]))).toBe(true);
        expect(canonicalText(again.tokens)).toBe(text);
      }),
      { numRuns: 3_000 },
    );
  });
});
