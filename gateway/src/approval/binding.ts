import { createHash } from 'node:crypto';
import { deny, GatewayError } from '../errors.js';
import type { ApprovalSubject } from './approval.js';

/** What a yes is bound to: change any of it and the yes is about something else. */
export type BindingInput = Pick<
  ApprovalSubject,
  'canonicalText' | 'binds' | 'role' | 'warehouse' | 'database' | 'schema' | 'connection' | 'account'
>;

/** Names the encoding, so that a later one can never give the same hash for another meaning. */
const DOMAIN = 'piste approval binding v1\n';

/**
 * SHA-256 (hex) over DOMAIN and, for each field in the order below, one of
 *
 *     0x00                                          absent
 *     0x01  length[8, big-endian]  UTF-8 bytes      present
 *
 * so that different inputs never give the same bytes. Throws GatewayError (bad request) for text that UTF-8 cannot hold.
 */
export function bindingHash(input: BindingInput): string {
  const hash = createHash('sha256').update(DOMAIN);
  const fields = [
    input.canonicalText,
    input.binds,
    input.role,
    input.warehouse,
    input.database,
    input.schema,
    input.connection,
    input.account,
  ];
  for (const field of fields) hash.update(encodeField(field));
  return hash.digest('hex');
}

function encodeField(text: string | undefined): Uint8Array {
  if (text === undefined) return Uint8Array.of(0);
  if (!text.isWellFormed()) {
    throw new GatewayError(
      'approval binding over ill-formed Unicode',
      deny.badRequest('the text is not well-formed Unicode'),
    );
  }
  const bytes = Buffer.from(text, 'utf8');
  const head = Buffer.alloc(9);
  head.writeUInt8(1, 0);
  head.writeBigUInt64BE(BigInt(bytes.length), 1);
  return Buffer.concat([head, bytes]);
}
