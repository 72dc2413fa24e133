import { gzipSync } from 'node:zlib';
import { createRandom } from './statistics.js';

/**
 * One canned table: what the catalogue says of it and what a query of it answers. Masks in a query are not obeyed, so that the gateway
 * has every value to mask once more.
 */
export interface CannedTable {
  readonly name: string;
  /** What the query selects; there is an ID besides. */
  readonly columns: readonly string[];
  /** The query of the benchmark; `$N` stands for a number that differs from statement to statement. */
  readonly sqlText: string;
  readonly rows: readonly (readonly string[])[];
  readonly hasChunk: boolean;
}

/** Stands in every value of a column that must be masked, and nowhere else. */
export const PROTECTED_MARK = 'clear-text';

const WIDE_COLUMNS = Array.from({ length: 19 }, (_, index) => `C${index + 1}`);
const CHUNK_ROWS = 38_000;
/** The table whose queries take as long as a warehouse needs, with a result of about 250 KB. */
const SLOW_TABLE = 'SHIPMENTS';
const SLOW_MILLISECONDS = 100;
const SLOW_ROWS = 4_000;

const people = Array.from({ length: 6 }, (_, index) => [
  `${PROTECTED_MARK} person ${index}`,
  `${PROTECTED_MARK}.${index}@shop.example`,
  `${PROTECTED_MARK}-00-${1000 + index}`,
]);
const places = people.map((_, index) => [
  `quarter ${index} by the river`,
  `street number ${index} of many`,
  `code ${10_000 + index}`,
]);

const shipments = Array.from({ length: SLOW_ROWS }, (_, index) => [
  `parcel ${index} of many`,
  `route ${index} over the hills`,
  `depot ${10_000 + index}`,
]);

const selectOf = (columns: readonly string[], table: string): string =>
  `SELECT ${columns.join(', ').toLowerCase()} FROM ${table.toLowerCase()} WHERE id = $N`;

function tableOf(name: string, columns: readonly string[], rows: CannedTable['rows'], hasChunk = false): CannedTable {
  return { name, columns, rows, hasChunk, sqlText: selectOf(columns, name) };
}

/**
 * Three masked columns and three that are not, in answers of about 1 KB; one of twenty masked, and none, in a large chunk; one
 * that is slow.
 */
export const TABLES = {
  masked: tableOf('CUSTOMERS', ['NAME', 'EMAIL', 'SSN'], people),
  unmasked: tableOf('PLACES', ['QUARTER', 'STREET', 'CODE'], places),
  maskedWide: tableOf('PROFILES', [...WIDE_COLUMNS, 'EMAIL'], [], true),
  slow: tableOf(SLOW_TABLE, ['PARCEL', 'ROUTE', 'DEPOT'], shipments),
  unmaskedWide: tableOf('READINGS', [...WIDE_COLUMNS, 'C20'], [], true),
} as const;

/** One large result part: rows separated by commas, as object storage holds it. About 16 MB, 20 columns. */
export function createChunk(): { readonly plain: Buffer; readonly gzip: Buffer; readonly rows: number } {
  const random = createRandom(42);
  const word = (): string => Math.floor(random() * 2 ** 32).toString(36);
  const rows: string[] = [];
  for (let row = 0; row < CHUNK_ROWS; row += 1) {
    const cells = WIDE_COLUMNS.map((_, column) =>
      column % 3 === 0 ? String(row * (column + 1)) : `${word()} ${word()} städt`,
    );
    rows.push(JSON.stringify([...cells, `${PROTECTED_MARK}.${word()}@shop.example`]));
  }
  const plain = Buffer.from(rows.join(','));
  return { plain, gzip: gzipSync(plain, { level: 6 }), rows: CHUNK_ROWS };
}

const envelope = (data: object): string => JSON.stringify({ data, code: null, message: null, success: true });

function resultOf(columns: readonly string[], rows: readonly (readonly string[])[], more: object = {}): string {
  return envelope({
    parameters: [
      { name: 'TIMEZONE', value: 'UTC' },
      { name: 'BINARY_OUTPUT_FORMAT', value: 'HEX' },
    ],
    rowtype: columns.map((name) => ({
      name,
      nullable: true,
      type: 'text',
      length: 256,
      byteLength: 1024,
      scale: null,
      precision: null,
    })),
    rowset: rows,
    total: rows.length,
    returned: rows.length,
    queryId: '01b2c3d4-0000-4000-8000-000000000001',
    finalDatabaseName: 'CRM',
    finalSchemaName: 'PUBLIC',
    finalWarehouseName: 'AGENT_WH',
    finalRoleName: 'ANALYST',
    statementTypeId: 4096,
    version: 1,
    queryResultFormat: 'json',
    ...more,
  });
}

function largeResult(
  columns: readonly string[],
  chunkUrl: string,
  chunk: { plain: Buffer; gzip: Buffer; rows: number },
): string {
  const part = {
    url: chunkUrl,
    rowCount: chunk.rows,
    uncompressedSize: chunk.plain.length,
    compressedSize: chunk.gzip.length,
  };
  return resultOf(columns, [], { chunks: [part], total: chunk.rows, returned: chunk.rows });
}

const LOGIN = envelope({
  token: 'canned-session',
  masterToken: 'canned-master',
  sessionId: 4711,
  validityInSeconds: 3600,
  masterValidityInSeconds: 14_400,
  serverVersion: '9.0.0',
  parameters: [],
  sessionInfo: { databaseName: 'CRM', schemaName: 'PUBLIC', warehouseName: 'AGENT_WH', roleName: 'ANALYST' },
});

const OK = envelope({});

const tableAnswer = ({ name }: CannedTable): string =>
  resultOf(['TABLE_SCHEMA', 'TABLE_NAME', 'TABLE_TYPE'], [['PUBLIC', name, 'BASE TABLE']]);

const columnsAnswer = ({ name, columns }: CannedTable): string =>
  resultOf(
    ['TABLE_SCHEMA', 'TABLE_NAME', 'COLUMN_NAME', 'DATA_TYPE', 'CHARACTER_MAXIMUM_LENGTH'],
    ['ID', ...columns].map((column) => ['PUBLIC', name, column, 'TEXT', '256']),
  );

/** How long a query of this body takes. */
export function delayOf(body: Buffer): number {
  const sqlText = body.toString('latin1').toUpperCase();
  return sqlText.includes(SLOW_TABLE) && !sqlText.includes('INFORMATION_SCHEMA') ? SLOW_MILLISECONDS : 0;
}

/** Answers by path and body, all encoded beforehand: looking one up is the upstream's whole work. */
export function createAnswers(
  origin: () => string,
  chunk: ReturnType<typeof createChunk>,
): (path: string, body: Buffer) => Buffer {
  const responses = new Map<string, Buffer>();
  const prepared = (key: string, text: () => string): Buffer => {
    const known = responses.get(key);
    if (known !== undefined) return known;
    const made = responseOf(Buffer.from(text()), 'application/json');
    responses.set(key, made);
    return made;
  };
  const plainChunk = responseOf(chunk.plain, 'application/octet-stream');
  const gzipChunk = responseOf(chunk.gzip, 'application/octet-stream', 'content-encoding: gzip\r\n');
  return (path, body) => {
    if (path.startsWith('/chunk/gzip')) return gzipChunk;
    if (path.startsWith('/chunk/plain')) return plainChunk;
    if (path.startsWith('/session/v1/login-request')) return prepared('login', () => LOGIN);
    if (!path.startsWith('/queries/v1/query-request')) return prepared('ok', () => OK);
    const sqlText = body.toString('latin1').toUpperCase();
    const table = Object.values(TABLES).find(({ name }) => sqlText.includes(name));
    if (table === undefined) return prepared('none', () => resultOf([], []));
    if (sqlText.includes('INFORMATION_SCHEMA')) {
      return sqlText.includes('TABLE_TYPE')
        ? prepared(`tables ${table.name}`, () => tableAnswer(table))
        : prepared(`columns ${table.name}`, () => columnsAnswer(table));
    }
    return prepared(`rows ${table.name}`, () =>
      table.hasChunk
        ? largeResult(table.columns, `${origin()}/chunk/gzip`, chunk)
        : resultOf(table.columns, table.rows),
    );
  };
}

function responseOf(body: Buffer, type: string, more = ''): Buffer {
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n${more}\r\n`),
    body,
  ]);
}
