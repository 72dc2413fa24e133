import type { Catalog } from './catalog.js';
import { geographyMember, zonedMembers } from './duck-values.js';

/** One kind of value: what DuckDB stores, and per row a plain and a secret value as SQL. The third row is NULL throughout. */
type Kind = {
  readonly name: string;
  readonly type: string;
  readonly plain: readonly [string, string, string];
  readonly secret: readonly [string, string, string];
};

const zoned = (moment: string, offsetMinutes: number): string =>
  `{'${zonedMembers.moment}': TIMESTAMP '${moment}', '${zonedMembers.offset}': ${offsetMinutes}}`;

const geography = (json: string): string => `{'${geographyMember}': '${json}'}`;

/** A column of texts per action that texts can undergo. */
const text = (name: string): Kind => ({
  name,
  type: 'VARCHAR',
  plain: [`'plain-${name}'`, '\'東京 🛷 "quoted" \\\\ é\'', "''"],
  secret: [`'geheim-${name}-one'`, `'geheim 🛷 äöü ${name}'`, `'geheim-${name}-' || repeat('z', 70)`],
});

/** Every type of a result, ordinary values first, then awkward ones, then extremes. No secret equals a plain value. */
const KINDS: readonly Kind[] = [
  { name: 'INT8', type: 'DECIMAL(38, 0)', plain: ['1', '-128', '127'], secret: ['57', '-43', '99'] },
  { name: 'INT16', type: 'DECIMAL(38, 0)', plain: ['300', '-32768', '32767'], secret: ['12345', '-12321', '23456'] },
  {
    name: 'INT32',
    type: 'DECIMAL(38, 0)',
    plain: ['70000', '-2147483648', '2147483647'],
    secret: ['1234567891', '-1987654321', '2012345678'],
  },
  {
    name: 'INT64',
    type: 'DECIMAL(38, 0)',
    plain: ['5000000000', '-9223372036854775808', '9223372036854775807'],
    secret: ['1234567890123456789', '-8765432109876543210', '9123456789012345678'],
  },
  {
    name: 'DECIMAL',
    type: 'DECIMAL(38, 0)',
    plain: ['10000000000000000000000', `-${'9'.repeat(38)}`, '9'.repeat(38)],
    secret: ['12345678901234567890123', `-8${'7'.repeat(37)}`, `7${'6'.repeat(37)}`],
  },
  {
    name: 'MONEY',
    type: 'DECIMAL(12, 2)',
    plain: ['12.50', '-0.01', '9999999999.99'],
    secret: ['8765432.19', '-1234567.89', '7654321098.76'],
  },
  {
    name: 'FINE',
    type: 'DECIMAL(38, 10)',
    plain: ['0.0000000001', '-1.5', `${'9'.repeat(28)}.9999999999`],
    secret: ['123456.7654321234', '-765432.1234567654', '8765432187654321.1234567898'],
  },
  {
    name: 'REAL',
    type: 'DOUBLE',
    plain: ['1.5', "'-inf'::DOUBLE", '1.7976931348623157e308'],
    secret: ['1234.56789', '-9876.54321', '13579.24681'],
  },
  text('TEXT'),
  text('NULLED'),
  text('PARTIAL'),
  text('HASHED'),
  text('FIXED_TEXT'),
  { ...text('TOKEN'), secret: ["'4929-1234-5678-9012'", "'5412-7777-3333-1111'", "'3782-8224-6310-0059'"] },
  { name: 'BOOL', type: 'BOOLEAN', plain: ['true', 'false', 'true'], secret: ['true', 'true', 'true'] },
  {
    name: 'DATE',
    type: 'DATE',
    plain: ["'2024-02-29'", "'0001-01-01'", "'9999-12-31'"],
    secret: ["'1987-06-15'", "'1901-11-30'", "'2087-09-23'"],
  },
  {
    name: 'TIME',
    type: 'TIME',
    plain: ["'00:00:00'", "'12:34:56.789'", "'23:59:59.999999'"],
    secret: ["'09:41:17'", "'17:53:21.123456'", "'22:22:33.444555'"],
  },
  {
    name: 'NTZ',
    type: 'TIMESTAMP',
    plain: ["'2024-01-15 09:30:00.123456'", "'1960-01-01 00:00:00.5'", "'2200-12-31 23:59:59.999999'"],
    secret: ["'1987-06-15 13:47:29.654321'", "'1950-03-17 04:05:06.7'", "'2101-10-11 12:13:14.151617'"],
  },
  {
    name: 'NTZ_MILLIS',
    type: 'TIMESTAMP_MS',
    plain: ["'2024-01-15 09:30:00.123'", "'1960-01-01 00:00:00.5'", "'2200-12-31 23:59:59.999'"],
    secret: ["'1988-07-16 14:48:30.654'", "'1951-04-18 05:06:07.8'", "'2102-11-12 13:14:15.161'"],
  },
  {
    name: 'LTZ',
    type: 'TIMESTAMPTZ',
    plain: ["'2024-01-15 09:30:00.123456+00'", "'1960-01-01 00:00:00.5+00'", "'2200-12-31 23:59:59.999999+00'"],
    secret: ["'1989-08-17 15:49:31.654321+00'", "'1952-05-19 06:07:08.9+00'", "'2103-12-13 14:15:16.171819+00'"],
  },
  {
    name: 'TZ',
    type: `STRUCT(${zonedMembers.moment} TIMESTAMP, ${zonedMembers.offset} INTEGER)`,
    plain: [
      zoned('2024-01-15 07:30:00.123456', 120),
      zoned('1960-01-01 00:00:00.5', -570),
      zoned('2200-12-31 20:00:00', 840),
    ],
    secret: [
      zoned('1990-09-18 16:50:32.654321', 60),
      zoned('1953-06-20 07:08:09.1', -300),
      zoned('2104-01-14 15:16:17', 330),
    ],
  },
  {
    name: 'BINARY',
    type: 'BLOB',
    plain: ["'\\xAB\\x00\\xFF'::BLOB", "''::BLOB", "'plain bytes'::BLOB"],
    secret: ["'geheim-BINARY-1'::BLOB", "'geheim-BINARY-2'::BLOB", "'geheim-BINARY-3'::BLOB"],
  },
  {
    name: 'VARIANT',
    type: 'JSON',
    plain: [`'{"a":1}'`, `'"text é"'`, "'[1,null,{}]'"],
    secret: [`'{"v":"geheim-VARIANT-1"}'`, `'"geheim-VARIANT-2"'`, `'["geheim-VARIANT-3"]'`],
  },
  {
    name: 'OBJECT',
    type: 'STRUCT(v VARCHAR)',
    plain: ["{'v': 'plain'}", "{'v': NULL}", "{'v': 'é \"'}"],
    secret: ["{'v': 'geheim-OBJECT-1'}", "{'v': 'geheim-OBJECT-2'}", "{'v': 'geheim-OBJECT-3'}"],
  },
  {
    name: 'ARRAY',
    type: 'VARCHAR[]',
    plain: ["['plain', NULL]", '[]', "['é']"],
    secret: ["['geheim-ARRAY-1']", "['geheim-ARRAY-2', NULL]", "['geheim-ARRAY-3']"],
  },
  {
    name: 'PLACE',
    type: `STRUCT(${geographyMember} VARCHAR)`,
    plain: [geography('{"coordinates":[8,53],"type":"Point"}'), geography('{}'), geography('{"type":"LineString"}')],
    secret: [
      geography('{"at":"geheim-PLACE-1"}'),
      geography('{"at":"geheim-PLACE-2"}'),
      geography('{"at":"geheim-PLACE-3"}'),
    ],
  },
];

/** Enough for several chunks at the default part size. */
const LARGE_ROWS = 600;
/** Ids of one width: Python refuses to join streams in which a column's width differs. */
const FIRST_LARGE_ID = 1001;

const database = '"CRM"."PUBLIC"';

const columns = ['"ID" DECIMAL(38, 0)', ...twins('P_'), ...twins('S_')].join(', ');

function twins(prefix: string): readonly string[] {
  return KINDS.map(({ name, type }) => `"${prefix}${name}" ${type}`);
}

function row(id: number, value: (kind: Kind, which: 'plain' | 'secret') => string): string {
  const cells = (which: 'plain' | 'secret') => KINDS.map((kind) => value(kind, which));
  return `(${[String(id), ...cells('plain'), ...cells('secret')].join(', ')})`;
}

const rows = [
  row(1, (kind, which) => kind[which][0]),
  row(2, (kind, which) => kind[which][1]),
  row(3, () => 'NULL'),
  row(4, (kind, which) => kind[which][2]),
];

/**
 * Loads CRM.PUBLIC.ALL_TYPES and ALL_TYPES_LARGE beside the demo data: every type twice, as P_… for columns that stay as they
 * are and S_… for columns that a policy protects. The large one repeats the rows of the small one and comes in chunks.
 */
export async function loadAllTypes(catalog: Catalog): Promise<void> {
  const connection = await catalog.connect();
  try {
    for (const statement of [
      `CREATE TABLE ${database}."ALL_TYPES" (${columns})`,
      ...rows.map((values) => `INSERT INTO ${database}."ALL_TYPES" VALUES ${values}`),
      `CREATE TABLE ${database}."ALL_TYPES_LARGE" AS SELECT CAST(n AS DECIMAL(38, 0)) AS "ID", a.* EXCLUDE ("ID")
        FROM range(${FIRST_LARGE_ID}, ${FIRST_LARGE_ID + LARGE_ROWS}) AS r(n) JOIN ${database}."ALL_TYPES" AS a ON a."ID" = 1 + n % 4 ORDER BY n`,
    ]) {
      await connection.run(statement);
    }
  } finally {
    connection.closeSync();
  }
  for (const name of ['ALL_TYPES', 'ALL_TYPES_LARGE']) {
    catalog.noteCreated({ database: 'CRM', schema: 'PUBLIC', name });
  }
}
