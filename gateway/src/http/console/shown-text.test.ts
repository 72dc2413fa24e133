import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { html } from './html.js';
import { countComments, inspectText, showText } from './shown-text.js';

describe('markup', () => {
  test('escapes every part that is not markup already', () => {
    const hostile = `<script>alert("x")</script>&'`;
    expect(html`<b title="${hostile}">${hostile}</b>`.toString()).toBe(
      '<b title="&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;">&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;</b>',
    );
    expect(html`${[html`<i>1</i>`, '<', 2, undefined]}`.toString()).toBe('<i>1</i>&lt;2');
  });

  test('never lets a text open a tag or leave an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html`${text}`.toString()).not.toMatch(/[<>"']/);
        expect(
          showText(text)
            .toString()
            .replaceAll(/<\/?mark( class="(hidden|foreign)")?>/g, ''),
        ).not.toMatch(/[<>"']/);
      }),
    );
  });
});

describe('a shown text', () => {
  const hidden: ReadonlyArray<readonly [string, string, string]> = [
    ['a right-to-left override', 'a\u202eb', 'U+202E'],
    ['a zero-width space', 'a\u200bb', 'U+200B'],
    ['a no-break space', 'a\u00a0b', 'U+00A0'],
    ['a carriage return', 'a\rb', 'U+000D'],
    ['a NUL', 'a\0b', 'U+0000'],
    ['DEL', 'a\u007fb', 'U+007F'],
    ['a tag character', 'a\u{e0041}b', 'U+E0041'],
    ['a combining mark', 'a\u0301b', 'U+0301'],
    ['a variation selector', 'a\ufe0fb', 'U+FE0F'],
    ['a Hangul filler', 'a\u3164b', 'U+3164'],
    ['a lone surrogate', 'a\ud800b', 'U+D800'],
    ['a line separator', 'a\u2028b', 'U+2028'],
  ];
  test.each(hidden)('shows %s by its number', (_what, text, number) => {
    expect(showText(text).toString()).toBe(`a<mark class="hidden">${number}</mark>b`);
    expect(inspectText(text).hidden).toEqual([number]);
  });

  test('marks letters that look like others, and numbers them in the exact view', () => {
    expect(showText('s\u0435lect').toString()).toBe('s<mark class="foreign">\u0435</mark>lect');
    expect(showText('s\u0435l\nx', true).toString()).toBe(
      's<mark class="hidden">U+0435</mark>l<span class="line-end">↵</span>\nx',
    );
    expect(inspectText('s\u0435lect')).toEqual({ hidden: [], foreign: ['U+0435'] });
  });

  test('leaves plain SQL as it is', () => {
    const sql = "SELECT a,\n\tb FROM t WHERE x = 'y'";
    expect(showText(sql).toString()).toBe(sql.replaceAll("'", '&#39;'));
    expect(inspectText(sql)).toEqual({ hidden: [], foreign: [] });
  });
});

test.each([
  ['select 1', 0],
  ['select 1 -- one\n/* two */ // three', 3],
  ['select \'-- no\', "/* no */", $$ // no $$', 0],
  ["select 'it''s -- no' -- yes", 1],
  ["select '\\' -- no' /* yes", 1],
  ['/* a -- b */', 1],
])('counts the comments of %s: %d', (text, count) => {
  expect(countComments(text)).toBe(count);
});
