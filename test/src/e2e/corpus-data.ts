import { createHash } from 'node:crypto';

/** Rows of every table of the corpus' catalogue. */
const ROWS = 7;
/** Letters that no hexadecimal number and no other word of an answer is made of. */
const LETTERS = 'ghjkmnpqrstvwxyz';
/** Shortest part of a protected text that may not come out. */
export const TELLING_LENGTH = 6;

/** A word that belongs to one cell alone: any six letters of it are found nowhere else. */
function word(cell: string, length: number): string {
  const bytes = createHash('sha256').update(cell).digest();
  return Array.from({ length }, (_, at) => LETTERS[(bytes[at] ?? 0) % LETTERS.length]).join('');
}

type Cell = {
  /** SQL that puts the value there. */
  readonly sql: string;
  /** What of it tells the value, in every form an answer may give it. */
  readonly telling: readonly string[];
};
type Maker = (cell: string, row: number) => Cell;
type Column = { readonly name: string; readonly type: string; readonly make: Maker; readonly isProtected: boolean };

const text =
  (shape: (make: (part: string, length: number) => string) => string): Maker =>
  (cell) => {
    const words: string[] = [];
    const value = shape((part, length) => {
      const made = word(`${cell}/${part}`, length);
      words.push(made);
      return made;
    });
    return { sql: `'${value}'`, telling: words };
  };
const plainText = text((make) => make('', 14));
const mail = text((make) => `${make('local', 10)}@${make('domain', 9)}`);
const json =
  (value: (make: (part: string) => string) => unknown): Maker =>
  (cell) => {
    const { sql, telling } = text((make) => JSON.stringify(value((part) => make(part, 12))))(cell, 0);
    return { sql: `PARSE_JSON(${sql})`, telling };
  };
const profile = json((make) => ({
  contact: { email: make('email') },
  ssn: make('ssn'),
  a: { b: make('b'), list: [make('first'), make('second')] },
}));
const numberFrom =
  (first: number): Maker =>
  (_, row) => ({ sql: String(first + row), telling: [String(first + row)] });
const day: Maker = (_, row) => {
  const date = `7391-05-1${row}`;
  return { sql: `'${date}'::date`, telling: [date.slice(0, 7), String(Date.parse(date) / 86_400_000)] };
};
const timeOfDay: Maker = (_, row) => ({ sql: `'19:53:4${row}'::time`, telling: [`19:53:4${row}`, `7162${row}.`] });
const fixed =
  (values: (row: number) => string): Maker =>
  (_, row) => ({ sql: values(row), telling: [] });
const serial = fixed(String);

const open = (name: string, type: string, make: Maker): Column => ({ name, type, make, isProtected: false });
const secret = (name: string, type: string, make: Maker): Column => ({ name, type, make, isProtected: true });
const id = open('ID', 'NUMBER', serial);
const moment = (name: string): Column =>
  open(
    name,
    'TIMESTAMP_NTZ',
    fixed((row) => `'2026-03-0${row} 08:00:00'::timestamp_ntz`),
  );
const openText = (name: string): Column => open(name, 'VARCHAR', plainText);

/** Tables of the corpus' catalogue. DuckDB keeps one of the three columns of "Mixed" that differ in case alone. */
const TABLES: Readonly<Record<string, readonly Column[]>> = {
  'PUBLIC.CUSTOMERS': [
    id,
    openText('NAME'),
    secret('EMAIL', 'VARCHAR', mail),
    secret('SSN', 'VARCHAR', plainText),
    openText('CITY'),
    open(
      'REGION',
      'VARCHAR',
      fixed((row) => (row % 2 === 0 ? "'EU'" : "'US'")),
    ),
    moment('CREATED_AT'),
    secret('PROFILE', 'VARIANT', profile),
    open(
      'TAGS',
      'ARRAY',
      fixed((row) => `PARSE_JSON('["tag${row}","free"]')`),
    ),
  ],
  'PUBLIC.ORDERS': [
    id,
    open(
      'CUSTOMER_ID',
      'NUMBER',
      fixed((row) => String(1 + (row % ROWS))),
    ),
    open(
      'AMOUNT',
      'NUMBER(12,2)',
      fixed((row) => `${row}.25`),
    ),
    openText('STATUS'),
    openText('NOTE'),
    open('ITEMS', 'VARIANT', profile),
    moment('CREATED_AT'),
  ],
  'PUBLIC.EMPLOYEES': [
    id,
    openText('NAME'),
    open(
      'MANAGER_ID',
      'NUMBER',
      fixed((row) => (row === 1 ? 'NULL' : String(row - 1))),
    ),
    secret('SALARY', 'NUMBER', numberFrom(918_273_640)),
    open(
      'DEPT',
      'VARCHAR',
      fixed((row) => `'dept${row % 2}'`),
    ),
  ],
  'PUBLIC.EVENTS': [
    moment('TS'),
    open('USER_ID', 'NUMBER', serial),
    openText('KIND'),
    secret('PAYLOAD', 'VARIANT', profile),
    open('PRICE', 'NUMBER', serial),
  ],
  'PUBLIC.Mixed': [id, secret('Email', 'VARCHAR', mail), secret('odd "name"', 'VARCHAR', plainText)],
  'PUBLIC.WIDE': [
    id,
    openText('DEPT'),
    open('JAN', 'NUMBER', serial),
    open('FEB', 'NUMBER', serial),
    secret('MAR', 'NUMBER', numberFrom(716_253_440)),
  ],
  'PUBLIC.METRICS': [
    id,
    open(
      'K',
      'VARCHAR',
      fixed((row) => (row % 2 === 0 ? "'a'" : "'b'")),
    ),
    secret('V', 'NUMBER', numberFrom(615_243_340)),
  ],
  'PUBLIC.LABELS': [id, secret('LABEL', 'VARCHAR', plainText), open('V', 'NUMBER', serial)],
  'PUBLIC.PUBLIC_INFO': [id, openText('TITLE'), openText('BODY')],
  'PUBLIC.ACCOUNTS': [
    id,
    open('CUSTOMER_ID', 'NUMBER', serial),
    secret('IBAN', 'VARCHAR', plainText),
    moment('OPENED'),
  ],
  'PUBLIC.CARDS': [
    id,
    secret('LIMIT', 'NUMBER', numberFrom(514_233_240)),
    secret('DATE', 'DATE', day),
    secret('FIRST', 'VARCHAR', plainText),
    secret('BOTH', 'VARCHAR', plainText),
    open('VALUE', 'NUMBER', serial),
    secret('TIME', 'TIME', timeOfDay),
  ],
  'HR.CUSTOMERS': [id, openText('EMAIL'), openText('NOTE')],
};

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

type Made = {
  readonly table: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
};

const made: readonly Made[] = Object.entries(TABLES).map(([table, columns]) => ({
  table,
  columns,
  rows: Array.from({ length: ROWS }, (_, index) =>
    columns.map(({ name, make }) => make(`${table}.${name}.${index + 1}`, index + 1)),
  ),
}));

/** Makes database APP with everything the corpus' catalogue names. Each is one statement. */
export const corpusStatements: readonly string[] = [
  'CREATE OR REPLACE DATABASE app',
  'CREATE SCHEMA app.hr',
  'USE SCHEMA app.public',
  ...made.flatMap(({ table, columns, rows }) => {
    const name = `APP.${table.split('.').map(quoted).join('.')}`;
    return [
      `CREATE TABLE ${name} (${columns.map((column) => `${quoted(column.name)} ${column.type}`).join(', ')})`,
      `INSERT INTO ${name} ${rows.map((cells) => `SELECT ${cells.map(({ sql }) => sql).join(', ')}`).join(' UNION ALL ')}`,
    ];
  }),
  'CREATE VIEW v_cust (id, contact, city) AS SELECT id, email AS contact, city FROM app.public.customers',
  'CREATE VIEW v_safe AS SELECT id, title FROM app.public.public_info',
  `CREATE VIEW v_nested (contact_domain, n) AS SELECT SPLIT_PART(contact,'@',2), COUNT(*) FROM app.public.v_cust GROUP BY 1`,
  'CREATE SECURE VIEW v_secure (id, x) AS SELECT id, email FROM app.public.customers',
  'CREATE STAGE raw',
  'CREATE STAGE out',
];

/** Every telling part of every protected value, in small letters. */
export const protectedParts: readonly string[] = made.flatMap(({ columns, rows }) =>
  rows.flatMap((cells) => cells.flatMap(({ telling }, at) => (columns[at]?.isProtected === true ? telling : []))),
);

/** All parts of six letters of the protected texts, and the protected numbers and moments whole. */
const needles: ReadonlySet<string> = new Set(
  protectedParts.flatMap((part) =>
    /^[a-z]+$/.test(part)
      ? Array.from({ length: part.length - TELLING_LENGTH + 1 }, (_, at) => part.slice(at, at + TELLING_LENGTH))
      : [],
  ),
);
const wholes = protectedParts.filter((part) => !/^[a-z]+$/.test(part));

/** What of the protected values stands in a text that somebody received. */
export function protectedIn(received: string): readonly string[] {
  const low = received.toLowerCase();
  const found = new Set(wholes.filter((part) => low.includes(part)));
  for (const [run] of low.matchAll(/[a-z]{6,}/g)) {
    for (let at = 0; at + TELLING_LENGTH <= run.length; at += 1) {
      const part = run.slice(at, at + TELLING_LENGTH);
      if (needles.has(part)) found.add(part);
    }
  }
  return [...found];
}

/** All columns, as `SCHEMA.TABLE.COLUMN`. */
export const corpusColumns: readonly string[] = made.flatMap(({ table, columns }) =>
  columns.map(({ name }) => `${table}.${name}`),
);

/** The protected columns, as `SCHEMA.TABLE.COLUMN`. */
export const protectedColumns: readonly string[] = made.flatMap(({ table, columns }) =>
  columns.filter(({ isProtected }) => isProtected).map(({ name }) => `${table}.${name}`),
);
