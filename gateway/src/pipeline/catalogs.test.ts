import { describe, expect, test } from '@jest/globals';
import type { ConnectionPolicy } from '../policy/index.js';
import type { Json, UpstreamAnswer } from '../protocol/index.js';
import type { Connection } from '../resources/index.js';
import type { Session } from '../session/index.js';
import type { ObjectName } from '../sql/index.js';
import type { TokenBox } from '../upstream/index.js';
import { type CatalogDeps, createCatalogs, type SessionCatalog } from './catalogs.js';

const CUSTOMERS: ObjectName = { database: 'CRM', schema: 'PUBLIC', name: 'CUSTOMERS' };
const CONTACTS: ObjectName = { database: 'CRM', schema: 'PUBLIC', name: 'CONTACTS' };
const STAFF: ObjectName = { database: 'HR', schema: 'S', name: 'STAFF' };

type Table = readonly (readonly (string | null)[])[];

/** Answers of an account: rows whose first line names the columns; undefined = Snowflake refuses the statement. */
interface Account {
  tables: Table;
  columns: Table;
  views: Table;
  tags: Table | undefined;
  /** Splits every answer behind its first row into a part in object storage. */
  inParts: boolean;
  total: number | undefined;
}

const tablesHead = ['TABLE_SCHEMA', 'TABLE_NAME', 'TABLE_TYPE'];
const columnsHead = ['TABLE_SCHEMA', 'TABLE_NAME', 'COLUMN_NAME', 'DATA_TYPE', 'NUMERIC_PRECISION', 'NUMERIC_SCALE'];
const viewsHead = ['TABLE_SCHEMA', 'TABLE_NAME', 'VIEW_DEFINITION', 'IS_SECURE'];
const tagsHead = ['OBJECT', 'COLUMN_NAME', 'TAG_DATABASE', 'TAG_SCHEMA', 'TAG_NAME', 'TAG_VALUE'];

const crm = (): Account => ({
  tables: [
    tablesHead,
    ['PUBLIC', 'CUSTOMERS', 'BASE TABLE'],
    ['PUBLIC', 'CONTACTS', 'VIEW'],
    ['S', 'STAFF', 'BASE TABLE'],
  ],
  columns: [
    columnsHead,
    ['PUBLIC', 'CUSTOMERS', 'ID', 'NUMBER', '38', '0'],
    ['PUBLIC', 'CUSTOMERS', 'EMAIL', 'TEXT', null, null],
    ['PUBLIC', 'CONTACTS', 'MAIL', 'TEXT', null, null],
    ['S', 'STAFF', 'PAY', 'NUMBER', '12', '2'],
  ],
  views: [viewsHead, ['PUBLIC', 'CONTACTS', 'CREATE VIEW CONTACTS AS SELECT EMAIL MAIL FROM CUSTOMERS', 'NO']],
  tags: [tagsHead],
  inParts: false,
  total: undefined,
});

function setUp(rules: readonly object[] = []) {
  const account = crm();
  const asked: string[] = [];
  const recorded: string[] = [];
  let nowMs = 0;
  const answerTo = (text: string): UpstreamAnswer => {
    const table = text.includes('TAG_REFERENCES')
      ? account.tags
      : text.includes('."COLUMNS"')
        ? account.columns
        : text.includes('."VIEWS"')
          ? account.views
          : account.tables;
    if (table === undefined)
      return { kind: 'error', code: '003001', sqlState: '42501', message: 'no right', queryId: 'u' };
    const [head = [], ...rows] = table;
    const inline = account.inParts ? rows.slice(0, 1) : rows;
    const parts = rows.slice(inline.length);
    return {
      kind: 'result',
      result: {
        queryId: 'u',
        rowtype: head.map((name) => ({ name: String(name), type: 'text', raw: {} })),
        inline: { format: 'json', bytes: Buffer.from(JSON.stringify(inline).slice(1, -1)) },
        chunks: parts.map((row) => ({ url: JSON.stringify(row), rowCount: 1, uncompressedSize: 1 })),
        chunkHeaders: {},
        parameters: [],
        context: { database: null, schema: null, warehouse: null, role: null },
        copied: account.total === undefined ? {} : { total: account.total as unknown as Json },
      },
    } as unknown as UpstreamAnswer;
  };
  const deps = {
    recording: {
      recordRequest: async (permit: unknown, entry: { fields: { op: string; internal: boolean } }) => {
        recorded.push(`${entry.fields.op} ${entry.fields.internal}`);
        return { permit };
      },
      note: async (entry: { kind: string; fields: { rows: number } }) => {
        recorded.push(`${entry.kind} ${entry.fields.rows}`);
      },
    },
    snowflake: {
      forward: async (
        _receipt: unknown,
        _endpoint: unknown,
        _box: unknown,
        sent: { binding: { canonicalText: string } },
      ) => {
        asked.push(sent.binding.canonicalText);
        return answerTo(sent.binding.canonicalText);
      },
    },
    endpointOf: () => ({ connection: 'crm', account: 'ACME', origin: 'https://acme' }),
    fetchChunk: async ({ url }: { url: string }) => Buffer.from(url),
    clock: { nowMs: () => nowMs },
    trustSeconds: 60,
  } as unknown as CatalogDeps;
  const catalogs = createCatalogs(deps);
  const policy = { maskingPolicies: [{ rules }], revision: 'r' } as unknown as ConnectionPolicy;
  const session = { id: 's', account: 'ACME', parameters: '{}', context: { role: 'R' } } as unknown as Session;
  const connection = { name: 'crm', policy } as unknown as Connection;
  const open = (): SessionCatalog => catalogs.of(session, connection, {} as TokenBox);
  const load = async (...names: ObjectName[]): Promise<SessionCatalog> => {
    const catalog = open();
    await catalog.load(names, new AbortController().signal);
    return catalog;
  };
  const sleep = (milliseconds: number): void => {
    nowMs += milliseconds;
  };
  return { account, asked, recorded, catalogs, open, load, sleep };
}

describe('the catalogue of a session', () => {
  test('asks for all objects of a database together, and records each question', async () => {
    const { asked, recorded, load } = setUp();
    const catalog = await load(CUSTOMERS, CONTACTS);
    expect(catalog.find(CUSTOMERS)).toEqual({
      kind: 'table',
      columns: [
        { name: 'ID', type: 'fixed', precision: 38, scale: 0 },
        { name: 'EMAIL', type: 'text' },
      ],
    });
    expect(catalog.find(CONTACTS)).toMatchObject({ kind: 'view', definition: expect.stringContaining('SELECT EMAIL') });
    expect(asked).toEqual([
      `SELECT "TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE" FROM "CRM"."INFORMATION_SCHEMA"."TABLES" WHERE ("TABLE_SCHEMA" = 'PUBLIC' AND "TABLE_NAME" IN ('CUSTOMERS', 'CONTACTS'))`,
      expect.stringMatching(/"COLUMNS" WHERE .* ORDER BY "TABLE_SCHEMA", "TABLE_NAME", "ORDINAL_POSITION"$/),
      expect.stringContaining(`"VIEWS" WHERE ("TABLE_SCHEMA" = 'PUBLIC' AND "TABLE_NAME" IN ('CONTACTS'))`),
    ]);
    expect(recorded.filter((line) => line === 'query true')).toHaveLength(3);
  });

  test('asks each database apart, and escapes every name', async () => {
    const { asked, load } = setUp();
    const odd = { database: 'A"B', schema: `it's`, name: 'back\\slash' };
    await load(STAFF, odd);
    expect(asked.filter((text) => text.includes('"HR"'))).toHaveLength(2);
    // Nobody answers for it, so its columns are not asked for.
    expect(asked.at(-1)).toContain(`FROM "A""B"."INFORMATION_SCHEMA"."TABLES"`);
    expect(asked.at(-1)).toContain(`"TABLE_SCHEMA" = 'it''s' AND "TABLE_NAME" IN ('back\\\\slash')`);
  });

  test('reads answers that come in parts', async () => {
    const { account, load } = setUp();
    account.inParts = true;
    expect((await load(CUSTOMERS)).find(CUSTOMERS)).toMatchObject({ columns: [{ name: 'ID' }, { name: 'EMAIL' }] });
  });

  const faults: readonly (readonly [string, Partial<Account>])[] = [
    ['the role may not see it', { tables: [tablesHead] }],
    ['its columns are not told', { columns: [columnsHead] }],
    ['a limit cut the answer', { total: 9 }],
    ['two objects share its name', { tables: [...crm().tables, ['PUBLIC', 'CUSTOMERS', 'TEMPORARY TABLE']] }],
    ['a column comes twice', { columns: [...crm().columns, ['PUBLIC', 'CUSTOMERS', 'ID', 'TEXT']] }],
    ['its kind is unknown', { tables: [tablesHead, ['PUBLIC', 'CUSTOMERS', 'LAKE']] }],
    ['only its case differs', { tables: [tablesHead, ['PUBLIC', 'customers', 'BASE TABLE']] }],
  ];
  test.each(faults)('has no object when %s', async (_why, spoiled) => {
    const { account, load } = setUp();
    Object.assign(account, spoiled);
    expect((await load(CUSTOMERS)).find(CUSTOMERS)).toBe('absent');
  });

  test.each([
    ['YES', 'CREATE VIEW …'],
    [null, 'CREATE VIEW …'],
    ['NO', null],
    ['NO', ''],
  ])('has no text of a view with IS_SECURE %s and text %j', async (isSecure, text) => {
    const { account, load } = setUp();
    account.views = [viewsHead, ['PUBLIC', 'CONTACTS', text, isSecure]];
    expect((await load(CONTACTS)).find(CONTACTS)).toMatchObject({ kind: 'view', definition: undefined });
  });

  test('has no text of a materialized view, which VIEWS does not list', async () => {
    const { account, load } = setUp();
    account.tables = [tablesHead, ['PUBLIC', 'CONTACTS', 'MATERIALIZED VIEW']];
    account.views = [viewsHead];
    expect((await load(CONTACTS)).find(CONTACTS)).toMatchObject({ kind: 'view', definition: undefined });
  });

  test('trusts what it knows for a while, and forgets it after DDL', async () => {
    const { catalogs, load, open, sleep } = setUp();
    await load(CUSTOMERS);
    sleep(59_000);
    expect(open().find(CUSTOMERS)).toMatchObject({ kind: 'table' });
    sleep(1_000);
    expect(open().find(CUSTOMERS)).toBe('not-loaded');
    await load(CUSTOMERS);
    catalogs.forget('s');
    expect(open().find(CUSTOMERS)).toBe('not-loaded');
  });

  test('forgets what an earlier statement loaded, not what this one did', async () => {
    const { load, open } = setUp();
    await load(CUSTOMERS);
    const later = open();
    expect(later.forgetEarlier()).toBe(false);
    later.find(CUSTOMERS);
    expect(later.forgetEarlier()).toBe(true);
    expect(later.find(CUSTOMERS)).toBe('not-loaded');
    await later.load([CUSTOMERS], new AbortController().signal);
    expect(later.forgetEarlier()).toBe(false);
  });

  test('has the same version for the same descriptions, whatever the order, and another after any change', async () => {
    const one = setUp();
    const first = (await one.load(CUSTOMERS, CONTACTS)).versionOf([CUSTOMERS, CONTACTS]);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    const two = setUp();
    const catalog = await two.load(CONTACTS, CUSTOMERS);
    expect(catalog.version()).toBeUndefined();
    catalog.find(CONTACTS);
    catalog.find(CUSTOMERS);
    expect(catalog.version()).toBe(first);
    two.account.columns = two.account.columns.map((row) => row.map((cell) => (cell === '38' ? '37' : cell)));
    expect((await two.load(CUSTOMERS)).versionOf([CUSTOMERS, CONTACTS])).not.toBe(first);
  });
});

describe('tags', () => {
  const byTag = [{ tags: [{ name: 'GOV.TAGS.PII', value: undefined }] }];
  const byCategory = [{ categories: ['EMAIL'] }];

  test('are not asked for when no rule selects by them', async () => {
    const { asked, load } = setUp([{ columns: [] }]);
    await load(CUSTOMERS);
    expect(asked.join()).not.toContain('TAG_REFERENCES');
  });

  test('stand on their columns, with the category of classification', async () => {
    const { account, asked, load } = setUp(byCategory);
    account.tags = [
      tagsHead,
      ['0', 'EMAIL', 'SNOWFLAKE', 'CORE', 'SEMANTIC_CATEGORY', 'email'],
      ['0', null, 'GOV', 'TAGS', 'OWNER', 'sales'],
      ['1', 'MAIL', 'GOV', 'TAGS', 'PII', 'yes'],
    ];
    const catalog = await load(CUSTOMERS, CONTACTS);
    const owner = { name: 'GOV.TAGS.OWNER', value: 'sales' };
    expect(catalog.find(CUSTOMERS)).toMatchObject({
      columns: [
        { name: 'ID', tags: [owner] },
        {
          name: 'EMAIL',
          category: 'EMAIL',
          tags: [owner, { name: 'SNOWFLAKE.CORE.SEMANTIC_CATEGORY', value: 'email' }],
        },
      ],
    });
    expect(catalog.find(CONTACTS)).toMatchObject({ columns: [{ tags: [{ name: 'GOV.TAGS.PII', value: 'yes' }] }] });
    const questions = asked.filter((text) => text.includes('TAG_REFERENCES'));
    expect(questions).toEqual([
      expect.stringContaining(`TAG_REFERENCES_ALL_COLUMNS('"CRM"."PUBLIC"."CONTACTS"', 'table')`),
    ]);
    expect(questions[0]).toContain('"SNOWFLAKE"."ACCOUNT_USAGE"."TAG_REFERENCES" WHERE FALSE');
  });

  test('of one’s own need no right to system tags', async () => {
    const { asked, load } = setUp(byTag);
    expect((await load(CUSTOMERS)).find(CUSTOMERS)).toMatchObject({ columns: [{ tags: [] }, { tags: [] }] });
    expect(asked.join()).not.toContain('ACCOUNT_USAGE');
  });

  test.each([
    ['cannot be read', undefined],
    ['speak of a column that is not there', [tagsHead, ['0', 'GHOST', 'GOV', 'TAGS', 'PII', 'yes']]],
    ['have no name', [tagsHead, ['0', 'EMAIL', 'GOV', 'TAGS', null, 'yes']]],
  ])('that %s make the object unreadable, not untagged', async (_what, tags) => {
    const { account, load } = setUp(byTag);
    account.tags = tags;
    const catalog = await load(CUSTOMERS);
    expect(catalog.problem()).toBeUndefined();
    expect(catalog.find(CUSTOMERS)).toBe('absent');
    expect(catalog.problem()).toContain('tags of an object cannot be read');
  });
});
