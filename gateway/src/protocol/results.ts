import { IN_PROGRESS, IN_PROGRESS_ASYNC } from './envelopes.js';
import { arrayAt, isJsonObject, type Json, type JsonObject, numberAt, objectAt, textAt } from './json.js';
import type { ResultFormat } from './result-formats.js';

export type Cell = string | null;
export type Row = readonly Cell[];

/** One column of a result as announced by Snowflake. `raw` holds the fields a driver may see, and no others. */
export interface RowtypeColumn {
  readonly name: string;
  /** Snowflake's type word, lower case. */
  readonly type: string;
  readonly raw: JsonObject;
}

/** A part of a result that lies in object storage. The URL and headers are capabilities: they never leave the gateway. */
export interface UpstreamChunk {
  readonly url: string;
  readonly rowCount: number;
  readonly uncompressedSize: number;
}

/** Rows as bytes: JSON rows separated by commas without outer brackets, or an Arrow IPC stream; empty for no rows. */
export interface RowBytes {
  readonly format: ResultFormat;
  readonly bytes: Buffer;
}

/** An answer of Snowflake with its rows cut out: see `splitAnswer`. */
export interface UpstreamBody {
  readonly json: JsonObject;
  readonly rowset: Buffer | undefined;
  readonly rowsetBase64: Buffer | undefined;
}

/** A finished statement's answer. */
export interface UpstreamResult {
  readonly queryId: string;
  readonly rowtype: readonly RowtypeColumn[];
  /** The part of the rows that came with the answer. Neither their width nor their cells have been looked at. */
  readonly inline: RowBytes;
  readonly chunks: readonly UpstreamChunk[];
  readonly chunkHeaders: Readonly<Record<string, string>>;
  readonly parameters: readonly Json[];
  /** Where the session stands afterwards; null where Snowflake says nothing. */
  readonly context: { readonly database: Cell; readonly schema: Cell; readonly warehouse: Cell; readonly role: Cell };
  /** Small fields that are copied as they are. */
  readonly copied: JsonObject;
}

export type UpstreamAnswer =
  | { readonly kind: 'in-progress'; readonly getResultUrl: string; readonly queryId: string | undefined }
  | { readonly kind: 'result'; readonly result: UpstreamResult }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly sqlState: string;
      readonly message: string;
      readonly queryId: string | undefined;
    }
  /** Success in a form the gateway does not pass on; `what` is for the caller. */
  | { readonly kind: 'unusable'; readonly what: string };

const ROWTYPE_FIELDS = [
  'name',
  'database',
  'schema',
  'table',
  'nullable',
  'type',
  'byteLength',
  'length',
  'scale',
  'precision',
  'collation',
  'extTypeName',
  'fields',
  'vectorDimension',
  'dimension',
  'outputType',
  'isAutoIncrement',
] as const;

const COPIED_FIELDS = [
  'total',
  'returned',
  'numberOfBinds',
  'arrayBindSupported',
  'statementTypeId',
  'stats',
  'metaDataOfBinds',
  'totalTruncated',
] as const;

/** Fields that hand a client storage credentials or make it move files. Their presence makes an answer unusable. */
const TRANSFER_FIELDS = [
  'command',
  'stageInfo',
  'uploadInfo',
  'src_locations',
  'presignedUrls',
  'encryptionMaterial',
] as const;

/** Reads an answer of Snowflake to a statement or a poll. Anything unexpected is `unusable`, never guessed. */
export function parseUpstreamAnswer(answer: UpstreamBody): UpstreamAnswer {
  const body = answer.json;
  const code = textAt(body, 'code');
  const data = objectAt(body, 'data') ?? {};
  if (code === IN_PROGRESS || code === IN_PROGRESS_ASYNC) {
    const getResultUrl = textAt(data, 'getResultUrl');
    return getResultUrl === undefined || !/^\/queries\/[0-9A-Za-z-]{1,64}\/result$/.test(getResultUrl)
      ? { kind: 'unusable', what: 'a pending answer without a result path' }
      : { kind: 'in-progress', getResultUrl, queryId: textAt(data, 'queryId') };
  }
  if (body['success'] !== true) {
    return {
      kind: 'error',
      code: code !== undefined && /^[0-9]{1,9}$/.test(code) ? code : '000001',
      sqlState: textAt(data, 'sqlState') ?? 'XX000',
      message: textAt(body, 'message') ?? 'Snowflake gave no message',
      queryId: textAt(data, 'queryId'),
    };
  }
  return parseResult(data, answer);
}

function parseResult(data: JsonObject, answer: UpstreamBody): UpstreamAnswer {
  const transfer = TRANSFER_FIELDS.find((field) => data[field] !== undefined && data[field] !== null);
  if (transfer !== undefined) return { kind: 'unusable', what: 'a file transfer' };
  if (textAt(data, 'resultIds')) return { kind: 'unusable', what: 'several results' };
  const queryId = textAt(data, 'queryId');
  if (queryId === undefined) return { kind: 'unusable', what: 'no query id' };
  const rowtype = (arrayAt(data, 'rowtype') ?? []).map(parseColumn);
  const inline = inlineRows(data, answer);
  const chunks = (arrayAt(data, 'chunks') ?? []).map(parseChunk);
  if (!rowtype.every(isDefined) || inline === undefined || !chunks.every(isDefined)) {
    return { kind: 'unusable', what: 'a malformed result' };
  }
  const name = (key: string): Cell => textAt(data, key) ?? null;
  return {
    kind: 'result',
    result: {
      queryId,
      rowtype,
      inline,
      chunks,
      chunkHeaders: headersOf(data),
      parameters: arrayAt(data, 'parameters') ?? [],
      context: {
        database: name('finalDatabaseName'),
        schema: name('finalSchemaName'),
        warehouse: name('finalWarehouseName'),
        role: name('finalRoleName'),
      },
      copied: { ...pick(data, COPIED_FIELDS), ...queryContextOf(data) },
    },
  };
}

/** The rows in the one form that the answer names; undefined where it says one thing and holds another. */
function inlineRows(data: JsonObject, { rowset, rowsetBase64 }: UpstreamBody): RowBytes | undefined {
  const isArrow = textAt(data, 'queryResultFormat') === 'arrow';
  // What was cut out left an empty list or text behind; anything else stands where rows should.
  if ((arrayAt(data, 'rowset') ?? []).length > 0 || (textAt(data, 'rowsetBase64') ?? '') !== '') return undefined;
  const json = rowset === undefined ? undefined : rowset.subarray(1, -1);
  const holdsJson = json !== undefined && !isBlank(json);
  const holdsArrow = rowsetBase64 !== undefined && rowsetBase64.length > 0;
  if (isArrow ? holdsJson : holdsArrow) return undefined;
  if (!isArrow) return { format: 'json', bytes: holdsJson ? json : Buffer.alloc(0) };
  const bytes = decodeBase64(rowsetBase64 ?? Buffer.alloc(0));
  return bytes === undefined ? undefined : { format: 'arrow', bytes };
}

/** Strictly: a decoder that steps over what it does not know would let two readers see two things. */
function decodeBase64(text: Buffer): Buffer | undefined {
  const plain = text.toString('latin1').replaceAll('\\/', '/');
  const padding = plain.endsWith('==') ? 2 : plain.endsWith('=') ? 1 : 0;
  const bytes = Buffer.from(plain, 'base64');
  return plain.length % 4 === 0 && bytes.length === (plain.length / 4) * 3 - padding ? bytes : undefined;
}

const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte <= 0x20);

/** The rows of a result that the gateway asked for in JSON and reads itself; undefined where they are malformed. */
export function readRows(result: UpstreamResult): readonly Row[] | undefined {
  if (result.inline.format !== 'json') return undefined;
  return parseChunkBody(result.inline.bytes.toString('utf8'), result.rowtype.length);
}

const isDefined = <T>(value: T | undefined): value is T => value !== undefined;

function pick(source: JsonObject, fields: readonly string[]): JsonObject {
  const picked: Record<string, Json> = {};
  for (const field of fields) {
    const value = source[field];
    if (value !== undefined) picked[field] = value;
  }
  return picked;
}

function parseColumn(value: Json): RowtypeColumn | undefined {
  if (!isJsonObject(value)) return undefined;
  const name = textAt(value, 'name');
  const type = textAt(value, 'type');
  if (name === undefined || type === undefined) return undefined;
  return { name, type: type.toLowerCase(), raw: pick(value, ROWTYPE_FIELDS) };
}

/** Checks that every cell is a string or null and every row has the announced width. */
function parseRows(values: readonly Json[], width: number): readonly Row[] | undefined {
  for (const row of values) {
    if (!Array.isArray(row) || row.length !== width) return undefined;
    for (const cell of row) if (cell !== null && typeof cell !== 'string') return undefined;
  }
  return values as unknown as readonly Row[];
}

function parseChunk(value: Json): UpstreamChunk | undefined {
  if (!isJsonObject(value)) return undefined;
  const url = textAt(value, 'url');
  const rowCount = numberAt(value, 'rowCount');
  const uncompressedSize = numberAt(value, 'uncompressedSize');
  if (url === undefined || !isCount(rowCount) || !isCount(uncompressedSize)) return undefined;
  return { url, rowCount, uncompressedSize };
}

const isCount = (value: number | undefined): value is number =>
  value !== undefined && Number.isSafeInteger(value) && value >= 0;

/** The headers object storage wants for this result: given ones, or the key that `qrmk` implies. */
function headersOf(data: JsonObject): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(objectAt(data, 'chunkHeaders') ?? {})) {
    if (typeof value === 'string') headers[name] = value;
  }
  const key = textAt(data, 'qrmk');
  if (Object.keys(headers).length === 0 && key !== undefined) {
    headers['x-amz-server-side-encryption-customer-algorithm'] = 'AES256';
    headers['x-amz-server-side-encryption-customer-key'] = key;
  }
  return headers;
}

function queryContextOf(data: JsonObject): JsonObject {
  const context = objectAt(data, 'queryContext');
  const entries = context === undefined ? undefined : arrayAt(context, 'entries');
  if (entries === undefined) return {};
  const fields = ['id', 'timestamp', 'priority', 'context'];
  return { queryContext: { entries: entries.filter(isJsonObject).map((entry) => pick(entry, fields)) } };
}

/** A chunk as the client will see it. */
export interface ClientChunk {
  readonly url: string;
  readonly rowCount: number;
  /** Bytes of the body the client will receive, or an upper bound: JDBC allocates this much and fails past it. */
  readonly uncompressedSize: number;
}

/** What goes to the driver for a finished statement, built from known fields only. */
export interface ClientResult {
  readonly queryId: string;
  readonly rowtype: readonly RowtypeColumn[];
  readonly chunks: readonly ClientChunk[];
  readonly parameters: readonly Json[];
  readonly context: UpstreamResult['context'];
  readonly copied: JsonObject;
  readonly format: ResultFormat;
}

/** The envelope of a result without its rows; `encodeResult` adds them. */
export function resultHead(result: ClientResult): JsonObject {
  return {
    ...result.copied,
    parameters: result.parameters,
    rowtype: result.rowtype.map((column) => column.raw),
    ...(result.chunks.length === 0
      ? {}
      : { chunks: result.chunks.map((chunk) => ({ ...chunk, compressedSize: chunk.uncompressedSize })) }),
    queryId: result.queryId,
    databaseProvider: null,
    finalDatabaseName: result.context.database,
    finalSchemaName: result.context.schema,
    finalWarehouseName: result.context.warehouse,
    finalRoleName: result.context.role,
    version: 1,
    queryResultFormat: result.format,
  };
}

/**
 * A chunk body is rows separated by commas without the outer brackets. Cells are texts or null and anything else is refused,
 * so no number is there whose digits could be lost.
 */
export function parseChunkBody(text: string, width: number): readonly Row[] | undefined {
  try {
    const value: unknown = JSON.parse(`[${text}]`);
    return Array.isArray(value) ? parseRows(value as readonly Json[], width) : undefined;
  } catch {
    return undefined;
  }
}

/** The inverse of `parseChunkBody`: raw UTF-8, no white space, no `\u` escapes beyond what JSON demands. */
export function encodeChunkBody(rows: readonly Row[]): string {
  return JSON.stringify(rows).slice(1, -1);
}
