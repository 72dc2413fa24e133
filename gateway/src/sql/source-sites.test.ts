import { describe, expect, test } from '@jest/globals';
import {
  analyze,
  type Catalog,
  type MaskableQuery,
  type QueryFacts,
  quoteIdentifier,
  type SourceSite,
} from './index.js';
import { catalogOf, type LineageCase, lineageCases, sessionOf } from './testing/corpus.js';

type Case = Pick<LineageCase, 'session'>;

function query(sql: string, test: Case = {}, from: Catalog = catalogOf(test)): QueryFacts {
  const analysis = analyze(sql, sessionOf(test), from);
  if (!analysis.read || analysis.query === undefined) throw new Error(analysis.read ? 'no query' : analysis.detail);
  return analysis.query;
}

const textOf = (site: SourceSite, { text }: MaskableQuery) => text.slice(site.start, site.end);

/** The text with a query in brackets at each of the sites. */
function spliced(query: MaskableQuery, sites: readonly SourceSite[], inner: (site: SourceSite) => string): string {
  let text = query.text;
  for (const site of sites.toReversed()) text = `${text.slice(0, site.start)}(${inner(site)})${text.slice(site.end)}`;
  return text;
}

const columnList = (site: SourceSite) => site.columns.map((column) => quoteIdentifier(column.name)).join(', ');
const copy = (query: MaskableQuery) => (site: SourceSite) => `SELECT ${columnList(site)} FROM ${textOf(site, query)}`;

const lineage = ({ outputs, predicate, reads }: QueryFacts) => ({ outputs, predicate, reads });

/** The same, views replaced by what stands behind them. */
function inlined(query: MaskableQuery): string {
  return spliced(
    query,
    query.sources.filter((site) => site.view !== undefined),
    (site) => (site.view === undefined ? '' : `SELECT * FROM (${inlined(site.view)}) AS "v"(${columnList(site)})`),
  );
}

describe('places where tables stand', () => {
  const queries = lineageCases.filter((one) => analyze(one.sql, sessionOf(one), catalogOf(one)).read);
  const withQuery = queries.filter((one) => one.class === 'SELECT');

  test.each(withQuery.map((one) => [one.id, one] as const))(
    '%s reads the same through queries in brackets',
    (_id, one) => {
      const facts = query(one.sql, one);
      expect(facts.sources.map((site) => site.object).length).toBeGreaterThanOrEqual(facts.reads.length > 0 ? 1 : 0);
      const maskable = facts.sources.filter((site) => site.unmaskable === undefined);
      for (const site of maskable) {
        expect(lineage(query(spliced(facts, [site], copy(facts)), one))).toEqual(lineage(facts));
      }
      expect(lineage(query(spliced(facts, maskable, copy(facts)), one))).toEqual(lineage(facts));
    },
  );

  test('every place is told, in order, with what stands in it', () => {
    const facts = query(
      'SELECT 1 FROM customers a JOIN hr.customers b ON a.id = b.id WHERE EXISTS (SELECT 1 FROM customers)',
    );
    expect(facts.sources.map((site) => [textOf(site, facts), site.object.schema, site.columns.length])).toEqual([
      ['"APP"."PUBLIC"."CUSTOMERS"', 'PUBLIC', 9],
      ['"APP"."HR"."CUSTOMERS"', 'HR', 3],
      ['"APP"."PUBLIC"."CUSTOMERS"', 'PUBLIC', 9],
    ]);
    expect(facts.sources.map((site) => site.view)).toEqual([undefined, undefined, undefined]);
  });

  test('names of common table expressions are none', () => {
    const facts = query('WITH orders AS (SELECT id FROM customers) SELECT o.id FROM orders o, public.orders');
    expect(facts.sources.map((site) => site.object.name)).toEqual(['CUSTOMERS', 'ORDERS']);
  });

  test('a view carries its own query with full names, and so on down to tables', () => {
    const facts = query('SELECT n FROM v_nested');
    const [nested] = facts.sources;
    expect(nested?.view?.text).toBe(
      `SELECT SPLIT_PART(contact,'@',2), COUNT(*) FROM "APP"."PUBLIC"."V_CUST" AS "V_CUST" GROUP BY 1`,
    );
    expect(nested?.view?.sources[0]?.view?.text).toBe(
      'SELECT id, email AS contact, city FROM "APP"."PUBLIC"."CUSTOMERS" AS "CUSTOMERS"',
    );
    const through = query(inlined(facts));
    expect(through.sources.map((site) => site.object.name)).toEqual(['CUSTOMERS']);
    const base = (columns: QueryFacts['predicate']) => columns.filter((column) => column.object.name === 'CUSTOMERS');
    expect(base(through.outputs[0]?.sources ?? [])).toEqual(base(facts.outputs[0]?.sources ?? []));
    expect(base(through.predicate)).toEqual(base(facts.predicate));
  });

  test('names in a view mean what stands beside the view', () => {
    const catalog: Catalog = {
      find: (name) => {
        if (name.name === 'V') {
          const definition = 'CREATE VIEW hr.v (i, e) AS SELECT hr.customers.id x, email FROM customers';
          return {
            kind: 'view',
            columns: [
              { name: 'I', type: 'text' },
              { name: 'E', type: 'text' },
            ],
            definition,
          };
        }
        return catalogOf().find(name);
      },
    };
    const facts = query('SELECT e FROM hr.v', {}, catalog);
    expect(facts.sources[0]?.view?.text).toBe(
      'SELECT "CUSTOMERS".id AS x, email FROM "APP"."HR"."CUSTOMERS" AS "CUSTOMERS"',
    );
    expect(facts.outputs[0]?.direct?.object.schema).toBe('HR');
  });
});

describe('traits of columns', () => {
  test('come from the catalogue', () => {
    const email = {
      name: 'EMAIL',
      type: 'text',
      length: 20,
      tags: [{ name: 'A.B.PII', value: 'email' }],
      category: 'EMAIL',
    };
    const facts = query('SELECT UPPER(email) FROM t', {}, { find: () => ({ kind: 'table', columns: [email] }) });
    expect(facts.outputs[0]?.sources.map((column) => column.traits)).toEqual([email]);
  });
});
