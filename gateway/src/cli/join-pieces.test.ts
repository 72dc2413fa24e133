import { expect, test } from '@jest/globals';
import type { EntryValue, LogRecord } from '../recording/index.js';
import { createPieceJoiner } from './join-pieces.js';
import { rowBytes } from './session-digest.js';

type Fields = Readonly<Record<string, EntryValue>>;

function record(kind: LogRecord['leaf']['kind'], fields: Fields, rows?: string): LogRecord {
  const bytes = rows === undefined ? undefined : Buffer.from(rows);
  const part = { name: 'rows', part: 0, digest: '', length: bytes?.length ?? 9, seal: undefined };
  return {
    log: 'L',
    index: 0,
    leaf: { kind, fields, parts: [part] },
    bodies: new Map(bytes === undefined ? [] : [['rows', bytes]]),
    unread: new Map(bytes === undefined ? [['rows', 'encrypted']] : []),
  } as unknown as LogRecord;
}

const piece = (p: number, rows?: string, id = 'a', n = 0): LogRecord =>
  record('chunk.piece', { qid: 'q', n, id, p }, rows);
const chunk = (rows: string, count = 2, id = 'a'): LogRecord =>
  record('chunk', { qid: 'q', n: 0, pieces: { id, count }, out: { len: 15, sha: '' } }, rows);

/** The rows of the last record, after those before it were seen. */
function rowsOf(...records: readonly LogRecord[]): string | undefined {
  const join = createPieceJoiner();
  return records.map(join).at(-1)?.bodies.get('rows')?.toString();
}

test('a part gets the rows of its pieces, also with others between them', () => {
  expect(rowsOf(piece(0, '["1"],'), piece(0, 'x', 'b'), piece(1, '["2"],'), chunk('["3"]'))).toBe('["1"],["2"],["3"]');
  expect(rowsOf(record('chunk', { qid: 'q', n: 0 }, '["3"]'))).toBe('["3"]');
});

test('a part of which a piece is missing or cannot be read has no rows, and says so', () => {
  const join = createPieceJoiner();
  expect(rowsOf(piece(0, '["1"],'), chunk('["3"]'))).toBeUndefined();
  expect(rowsOf(piece(0, '["1"],'), piece(1), chunk('["3"]'))).toBeUndefined();
  expect([...join(chunk('["3"]')).unread]).toEqual([['rows', 'missing']]);
  expect(rowsOf(piece(0, 'x'), record('response.withheld', { qid: 'q', n: 0 }, ''), chunk('y', 1))).toBeUndefined();
});

test('its rows count once', () => {
  expect([piece(0, '["1"],'), piece(1, '["2"],'), chunk('["3"]')].map(rowBytes)).toEqual([0, 0, 15]);
});
