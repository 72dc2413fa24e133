import type { ResultFormat } from './result-formats.js';

const TAIL = '},"code":null,"message":null,"success":true}';

/**
 * The body of a successful answer: `{"data":` head without its last brace, then `,"rowset":` rows, or for Arrow
 * `,"rowsetBase64":"` rows in base64 `"`, and the tail. `rows` is a JSON list of rows, or an Arrow IPC stream.
 */
export function encodeResult(head: string, format: ResultFormat, rows: Buffer): Buffer {
  const start = `{"data":${head.slice(0, -1)}`;
  if (format === 'arrow') return Buffer.from(`${start},"rowsetBase64":"${rows.toString('base64')}"${TAIL}`);
  return Buffer.concat([Buffer.from(`${start},"rowset":`), rows, Buffer.from(TAIL)]);
}
