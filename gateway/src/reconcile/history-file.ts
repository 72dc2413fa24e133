import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { errorMessage } from '../errors.js';
import { NEEDED_COLUMNS, parseHistoryRow, type RowResult } from './history-row.js';

/** A history file is not what its name says; the message says where. */
export class HistoryFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HistoryFileError';
  }
}

type Columns = Readonly<Record<string, unknown>>;

/**
 * Streams the rows of an exported query history: `.jsonl` or `.ndjson` (an object per line), `.json` (objects one
 * after another, or one array of them) or `.csv` (with a header line). A row that cannot be read is a complaint with its place. Throws `HistoryFileError`
 * for a file of another shape, and like `open` when it cannot be read.
 */
export async function* readHistoryFile(path: string): AsyncGenerator<RowResult> {
  const kind = extname(path).toLowerCase();
  if (!['.json', '.jsonl', '.ndjson', '.csv'].includes(kind))
    throw new HistoryFileError(`${path}: a history file is .json, .jsonl or .csv`);
  const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 1024 * 1024 });
  let place = 0;
  for await (const batch of kind === '.csv' ? readCsv(path, stream) : readJson(path, kind, stream)) {
    for (const columns of batch) {
      place += 1;
      const result = parseHistoryRow(columns);
      yield result.ok ? result : { ok: false, complaint: `row ${place}: ${result.complaint}` };
    }
  }
}

/** Some rows at once: each step of a generator waits for a turn. */
type Batches = AsyncGenerator<Iterable<Columns>>;

async function* readCsv(path: string, stream: Readable): Batches {
  let hasHeader = false;
  const columns = (header: string[]): string[] => {
    hasHeader = true;
    checkHeader(path, header);
    return header;
  };
  const records = stream.pipe(parse({ columns, bom: true, skip_empty_lines: true }));
  stream.on('error', (error) => records.destroy(error));
  try {
    for await (const record of records) yield [record as Columns];
    if (!hasHeader) throw new HistoryFileError(`${path} is empty: a table has a header line`);
  } catch (error) {
    if (error instanceof HistoryFileError || (error instanceof Error && 'syscall' in error)) throw error;
    throw new HistoryFileError(`${path}: ${errorMessage(error)}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

/** A column that is not there looks like one that is empty in every row, which would be an alarm for each. */
function checkHeader(path: string, header: readonly string[]): void {
  const names = new Set(header.map((name) => name.toUpperCase()));
  const missing = NEEDED_COLUMNS.filter((name) => !names.has(name));
  if (missing.length > 0)
    throw new HistoryFileError(
      `${path}: the header line lacks ${missing.join(', ')}; columns are separated by commas, docs/reconciliation.md says which to export`,
    );
}

async function* readJson(path: string, kind: string, stream: Readable): Batches {
  let place = 0;
  function* toObjects(texts: Iterable<string>): Generator<Columns> {
    for (const text of texts) {
      place += 1;
      yield toObject(text, path, place);
    }
  }
  if (kind === '.json') for await (const text of splitObjects(stream)) yield toObjects([text]);
  else for await (const lines of splitLines(stream)) yield toObjects(lines);
}

/** Lines end at `\n` only: Node's line reader also ends them at U+2028, which stands in JSON texts as it is. */
async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let held = '';
  for await (const chunk of chunks) {
    const lines = (held + chunk).split('\n');
    held = lines.pop() ?? '';
    if (held.length > MAX_OBJECT_CHARACTERS) throw new HistoryFileError('a line is longer than any row');
    yield lines.filter((line) => line.trim() !== '');
  }
  if (held.trim() !== '') yield [held];
}

function toObject(text: string, path: string, count: number): Columns {
  const place = `${path}: object ${count}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HistoryFileError(`${place}: ${errorMessage(error)}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HistoryFileError(`${place} is not an object`);
  return value as Columns;
}

/** The longest object taken for a row: a text of 100 000 characters, escaped, and everything beside it. */
const MAX_OBJECT_CHARACTERS = 4_000_000;
const JSON_SIGNS = /[{}"\\]/g;

/**
 * Cuts objects out of a text that holds an array of them, or one after another, without holding more than one. Throws
 * `HistoryFileError` for a text of another shape.
 */
export async function* splitObjects(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let held = '';
  let depth = 0;
  let inString = false;
  let escaped = false;
  for await (const chunk of chunks) {
    let from = 0;
    JSON_SIGNS.lastIndex = 0;
    if (escaped) {
      JSON_SIGNS.lastIndex = 1;
      escaped = false;
    }
    for (let match = JSON_SIGNS.exec(chunk); match !== null; match = JSON_SIGNS.exec(chunk)) {
      const { index } = match;
      const sign = match[0];
      if (sign === '\\') {
        if (!inString) continue;
        escaped = index + 1 === chunk.length;
        JSON_SIGNS.lastIndex = index + 2;
      } else if (sign === '"') inString = depth > 0 && !inString;
      else if (inString) continue;
      else if (sign === '{') {
        if (depth === 0) {
          checkBetween(chunk.slice(from, index));
          from = index;
        }
        depth += 1;
      } else {
        if (depth === 0) throw new HistoryFileError('an object ends that never began');
        depth -= 1;
        if (depth !== 0) continue;
        yield held + chunk.slice(from, index + 1);
        held = '';
        from = index + 1;
      }
    }
    if (depth > 0) held += chunk.slice(from);
    else checkBetween(chunk.slice(from));
    if (held.length > MAX_OBJECT_CHARACTERS) throw new HistoryFileError('an object is larger than any row');
  }
  if (depth !== 0) throw new HistoryFileError('the last object is not complete: the file was cut');
}

/** Between rows stand the brackets and commas of an array, or nothing. */
function checkBetween(text: string): void {
  if (!/^[\s,[\]\ufeff]*$/.test(text))
    throw new HistoryFileError('between two objects stands something that is no JSON');
}
