import { describe, expect, test } from '@jest/globals';
import type { CatalogColumn, MaskableQuery, SourceSite } from './facts.js';
import { type MaskOf, maskSources } from './mask-sources.js';

const columns = (...names: readonly string[]): readonly CatalogColumn[] =>
  names.map((name) => ({ name, type: 'text' }));

function site(text: string, table: string, names: readonly string[], more: Partial<SourceSite> = {}): SourceSite {
  const written = `"APP"."PUBLIC"."${table}"`;
  const start = text.indexOf(written);
  return {
    object: { database: 'APP', schema: 'PUBLIC', name: table },
    start,
    end: start + written.length,
    columns: columns(...names),
    view: undefined,
    unmaskable: undefined,
    ...more,
  };
}

/** E-mail addresses are replaced, in tables and views alike. */
const maskEmail: MaskOf = (object, column) =>
  object.name === 'CUSTOMERS' && column.name === 'EMAIL' ? "'***'" : undefined;

const one = (text: string, ...sources: readonly SourceSite[]): MaskableQuery => ({ text, sources });

describe('masking at the source', () => {
  const plain = 'SELECT email FROM "APP"."PUBLIC"."CUSTOMERS" AS "CUSTOMERS" WHERE email = \'x\'';

  test('a table with a protected column becomes a query that masks it and names every other column', () => {
    expect(maskSources(one(plain, site(plain, 'CUSTOMERS', ['ID', 'EMAIL', 'odd "name"'])), maskEmail)).toEqual({
      ok: true,
      text:
        'SELECT email FROM (SELECT "ID", \'***\' AS "EMAIL", "odd ""name""" FROM "APP"."PUBLIC"."CUSTOMERS") ' +
        'AS "CUSTOMERS" WHERE email = \'x\'',
    });
  });

  test('a query without protected columns stays the very text', () => {
    expect(maskSources(one(plain, site(plain, 'CUSTOMERS', ['ID', 'EMAIL'])), () => undefined)).toEqual({
      ok: true,
      text: plain,
    });
  });

  test('each mention of a table is replaced, whatever order the sites come in', () => {
    const text = 'SELECT 1 FROM "APP"."PUBLIC"."CUSTOMERS" AS "A" JOIN "APP"."PUBLIC"."CUSTOMERS" AS "B" ON TRUE';
    const first = site(text, 'CUSTOMERS', ['EMAIL']);
    const start = text.lastIndexOf('"APP"');
    const second = { ...first, start, end: start + (first.end - first.start) };
    const masked = '(SELECT \'***\' AS "EMAIL" FROM "APP"."PUBLIC"."CUSTOMERS")';
    expect(maskSources(one(text, second, first), maskEmail)).toEqual({
      ok: true,
      text: `SELECT 1 FROM ${masked} AS "A" JOIN ${masked} AS "B" ON TRUE`,
    });
  });

  test('a view over a protected table is written out, and a view over others stays', () => {
    const text = 'SELECT * FROM "APP"."PUBLIC"."V" AS "V"';
    const inner = 'SELECT id, email AS contact FROM "APP"."PUBLIC"."CUSTOMERS" AS "CUSTOMERS"';
    const view = one(inner, site(inner, 'CUSTOMERS', ['ID', 'EMAIL']));
    const query = one(text, site(text, 'V', ['ID', 'CONTACT'], { view }));
    expect(maskSources(query, maskEmail)).toEqual({
      ok: true,
      text:
        'SELECT * FROM (WITH "PISTE_VIEW" ("ID", "CONTACT") AS (SELECT id, email AS contact FROM (SELECT "ID", ' +
        '\'***\' AS "EMAIL" FROM "APP"."PUBLIC"."CUSTOMERS") AS "CUSTOMERS") SELECT "ID", "CONTACT" FROM "PISTE_VIEW") ' +
        'AS "V"',
    });
    expect(maskSources(query, () => undefined)).toEqual({ ok: true, text });
  });

  test("a mask on a view's own column needs no look behind the view", () => {
    const text = 'SELECT * FROM "APP"."PUBLIC"."V" AS "V"';
    const view = one('SELECT 1 AS a');
    const masked = maskSources(one(text, site(text, 'V', ['A'], { view })), (object) =>
      object.name === 'V' ? 'NULL' : undefined,
    );
    expect(masked).toEqual({ ok: true, text: 'SELECT * FROM (SELECT NULL AS "A" FROM "APP"."PUBLIC"."V") AS "V"' });
  });

  test('a source that cannot be replaced is refused only where it would have to be', () => {
    const sampled = one(plain, site(plain, 'CUSTOMERS', ['EMAIL'], { unmaskable: 'SAMPLE with a seed' }));
    expect(maskSources(sampled, maskEmail)).toEqual({
      ok: false,
      detail: 'SAMPLE with a seed on APP.PUBLIC.CUSTOMERS, which holds protected columns',
    });
    expect(maskSources(sampled, () => undefined)).toEqual({ ok: true, text: plain });
  });

  test('views that double the text level by level end in a refusal, not in memory', () => {
    const leaf = 'SELECT email FROM "APP"."PUBLIC"."CUSTOMERS" AS "CUSTOMERS"';
    let view = one(leaf, site(leaf, 'CUSTOMERS', ['EMAIL']));
    for (let level = 0; level < 60; level += 1) {
      const text = 'SELECT A.email FROM "APP"."PUBLIC"."V" AS "A" JOIN "APP"."PUBLIC"."V" AS "B" ON TRUE';
      const first = site(text, 'V', ['EMAIL'], { view });
      const start = text.lastIndexOf('"APP"');
      view = one(text, first, { ...first, start, end: start + (first.end - first.start) });
    }
    expect(maskSources(view, maskEmail)).toEqual({ ok: false, detail: 'a statement that is too long with its masks' });
  });
});
