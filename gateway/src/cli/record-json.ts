import type { LogRecord } from '../recording/index.js';
import { unreadBodies } from './read-records.js';

/** How bodies stand in JSON: not at all, as text where they are text, or always as base64. */
export const BODY_FORMS = ['none', 'text', 'base64'] as const;
export type BodyForm = (typeof BODY_FORMS)[number];

/**
 * A record as JSON: everything its leaf says, under readable names and without loss, the leaf's hash and place, and its bodies.
 * Of a body that cannot be read it says why.
 */
export function toJsonRecord(record: LogRecord, form: BodyForm): Readonly<Record<string, unknown>> {
  const { log, index, leafHash, leaf } = record;
  const { kind, timeMs, monotonicMicros, strand, statementHash, parts, fields } = leaf;
  const place = { log, index, leafHash, kind, timeMs, monotonicMicros };
  const rest = { strand, statementHash, fields, parts };
  if (form === 'none') return { ...place, ...rest };
  return { ...place, ...rest, bodies: toJsonBodies(record, form) };
}

/** The bodies of a record by name. */
export function toJsonBodies(record: LogRecord, form: 'text' | 'base64'): Readonly<Record<string, unknown>> {
  const held = [...record.bodies].map(([name, bytes]) => [name, toJsonBody(bytes, form)] as const);
  const missing = unreadBodies(record).map(({ name, why }) => [name, { unread: why }] as const);
  return Object.fromEntries([...held, ...missing]);
}

function toJsonBody(bytes: Buffer, form: 'text' | 'base64'): { readonly text: string } | { readonly base64: string } {
  if (form === 'base64') return { base64: bytes.toString('base64') };
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? { text } : { base64: bytes.toString('base64') };
}
