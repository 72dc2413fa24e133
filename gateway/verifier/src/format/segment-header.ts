import { encodeCanonical, parseCanonicalObject } from './canonical-json.js';
import { decodeCanonicalBase64 } from './signed-note.js';

const NAME_DIGITS = 8;
const SEGMENT_NAME = /^(\d{8})\.(seg|sfr|sfb)$/;
const KEY_NAME = /^keys\/(0|[1-9]\d{0,14})\.age$/;

/** First frame of a segment. Every member is determined by the log before it, so a reader compares bytes. */
export interface SegmentHeader {
  readonly origin: string;
  /** Dense from 1. */
  readonly segment: number;
  /** Index of the first record that follows. */
  readonly first: number;
  /** SHA-256 of the last commit's payload in the segment before; zeros in the first. */
  readonly previous: Buffer;
}

/** The header's payload: canonical JSON. */
export function encodeSegmentHeader({ origin, segment, first, previous }: SegmentHeader): Buffer {
  const header = { format: 'piste-recording', v: 1, origin, seg: segment, first, prev: previous.toString('base64') };
  return Buffer.from(encodeCanonical(header), 'utf8');
}

/** The origin a header claims; undefined when it is no header of this format. */
export function originOfSegmentHeader(payload: Uint8Array): string | undefined {
  const origin = parseHeader(payload)?.['origin'];
  return typeof origin === 'string' ? origin : undefined;
}

/** The commit a header claims to follow; undefined when it is no header of this format. */
export function previousOfSegmentHeader(payload: Uint8Array): Buffer | undefined {
  const previous = parseHeader(payload)?.['prev'];
  return typeof previous === 'string' ? decodeCanonicalBase64(previous) : undefined;
}

function parseHeader(payload: Uint8Array): ReturnType<typeof parseCanonicalObject> {
  const header = parseCanonicalObject(payload);
  return header?.['format'] === 'piste-recording' && header['v'] === 1 ? header : undefined;
}

/** The three files a segment may lie in: whole, or archived as its records and its bodies. */
export type SegmentForm = 'seg' | 'sfr' | 'sfb';

/** File name of a segment. */
export function segmentName(segment: number, form: SegmentForm = 'seg'): string {
  return `${String(segment).padStart(NAME_DIGITS, '0')}.${form}`;
}

/** The number and form in a segment's file name; undefined for other names. */
export function parseSegmentFileName(
  name: string,
): { readonly segment: number; readonly form: SegmentForm } | undefined {
  const [, digits, form] = SEGMENT_NAME.exec(name) ?? [];
  const segment = digits === undefined ? 0 : Number(digits);
  return segment >= 1 && (form === 'seg' || form === 'sfr' || form === 'sfb') ? { segment, form } : undefined;
}

/** The number in the file name of a whole segment; undefined for other names. */
export function parseSegmentName(name: string): number | undefined {
  const parsed = parseSegmentFileName(name);
  return parsed?.form === 'seg' ? parsed.segment : undefined;
}

/** Path of a writer's session key below its folder. */
export function keyName(key: number): string {
  return `keys/${key}.age`;
}

/** The number in a session key's path; undefined for other paths. */
export function parseKeyName(path: string): number | undefined {
  const digits = KEY_NAME.exec(path)?.[1];
  const key = digits === undefined ? Number.NaN : Number(digits);
  return Number.isSafeInteger(key) ? key : undefined;
}
