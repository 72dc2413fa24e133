import { arrayAt, encodeResult, isJsonObject, parseJson, textAt } from '../protocol/index.js';
import type { RecordedAnswer } from './recorded-session.js';

/** The body of an answer as it was delivered; chunk URLs lead to `partsUrl`, to which a part's number is added. */
export function encodeAnswer({ head, rows }: RecordedAnswer, partsUrl: string): Buffer {
  if (rows === undefined) return Buffer.from(head);
  return encodeResult(withParts(head, partsUrl), rows.format, rows.bytes);
}

/** True where further parts belong to the answer. */
export function hasParts({ head, rows }: RecordedAnswer): boolean {
  return rows !== undefined && recordedPartsUrl(head) !== undefined;
}

/** Nothing but the URLs changes: the text around them stays as it was sent, byte for byte. */
function withParts(head: string, partsUrl: string): string {
  const recorded = recordedPartsUrl(head);
  return recorded === undefined ? head : head.replaceAll(`"url":"${recorded}`, () => `"url":"${partsUrl}`);
}

function recordedPartsUrl(head: string): string | undefined {
  const parsed = parseJson(head);
  const [chunk] = (isJsonObject(parsed) ? arrayAt(parsed, 'chunks') : undefined) ?? [];
  const url = isJsonObject(chunk) ? textAt(chunk, 'url') : undefined;
  return url?.slice(0, url.lastIndexOf('/') + 1);
}
