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
  const held = [...record.bodies].map(([name, bytes]) => [name, toJsonBody(name, bytes, form)] as const);
  const missing = unreadBodies(record).map(({ name, why }) => [name, { unread: why }] as const);
  return Object.fromEntries([...held, ...missing]);
}

type JsonBody = ({ readonly text: string } | { readonly base64: string }) & { readonly withheld?: string };

function toJsonBody(name: string, recorded: Buffer, form: 'text' | 'base64'): JsonBody {
  const { bytes, isWithheld } =
    name === 'head' ? withholdCapabilities(recorded) : { bytes: recorded, isWithheld: false };
  const withheld = isWithheld ? { withheld: WITHHELD_NOTE } : {};
  if (form === 'base64') return { base64: bytes.toString('base64'), ...withheld };
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  return { ...(isText ? { text } : { base64: bytes.toString('base64') }), ...withheld };
}

const WITHHELD_NOTE =
  'paths of result chunks open them without a token; they are not shown, so the digest is of other bytes';
/** `/results/<43 characters>/<n>`: whoever knows the path may fetch the chunk as long as it lives. */
const CAPABILITY = /(\/results\/)[A-Za-z0-9_-]{43}(?=\/\d)/g;
const MARK = '/results/';

/** The bytes of a `head` without the capabilities that open result chunks. */
export function withholdCapabilities(bytes: Buffer): { readonly bytes: Buffer; readonly isWithheld: boolean } {
  if (!bytes.includes(MARK)) return { bytes, isWithheld: false };
  const text = bytes.toString('latin1');
  const clean = text.replace(CAPABILITY, '$1withheld');
  return clean === text ? { bytes, isWithheld: false } : { bytes: Buffer.from(clean, 'latin1'), isWithheld: true };
}
