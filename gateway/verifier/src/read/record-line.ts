import type { LogRecord } from './read-log.js';

/** Longer texts stand only in the recording. */
export const MAX_LINE_TEXT_BYTES = 256 * 1024;

/**
 * One line of a bundle's `records.jsonl`: where the record stands, its hash, its leaf as stored, and the texts of its bodies
 * that are neither encrypted nor long nor binary. The same record gives the same line everywhere.
 */
export function encodeRecordLine({ log, index, leafHash, leaf, leafBytes, bodies }: LogRecord): string {
  const sealed = new Set(leaf.parts.filter(({ seal }) => seal !== undefined).map(({ name }) => name));
  const texts = [...bodies]
    .filter(([name, bytes]) => !sealed.has(name) && bytes.byteLength <= MAX_LINE_TEXT_BYTES)
    .map(([name, bytes]) => [name, decodeText(bytes)] as const)
    .filter(([, text]) => text !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const place = `"log":${JSON.stringify(log)},"index":${index},"hash":"${leafHash}"`;
  const leafText = leafBytes.toString('utf8');
  return `{${place},"leaf":${leafText},"texts":${JSON.stringify(Object.fromEntries(texts))}}\n`;
}

/** Undefined for bytes that are no UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
