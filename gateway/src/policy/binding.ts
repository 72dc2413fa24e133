import { createHash } from 'node:crypto';
import { deny, GatewayError } from '../errors.js';

/** Everything a yes is bound to: the text that runs, its values, how they are read, and where it runs. */
export interface Binding {
  readonly connection: string;
  readonly account: string;
  readonly canonicalText: string;
  /** Bind values as JSON text; undefined when there are none. */
  readonly binds: string | undefined;
  /** Session parameters under which it runs, as JSON text; undefined where the caller set none. */
  readonly parameters: string | undefined;
  readonly role: string | undefined;
  readonly warehouse: string | undefined;
  readonly database: string | undefined;
  readonly schema: string | undefined;
}

/** Names the encoding, so that a later one can never give the same hash for another meaning. */
const DOMAIN = 'piste binding v1\n';

const FIELDS = [
  'canonicalText',
  'binds',
  'parameters',
  'role',
  'warehouse',
  'database',
  'schema',
  'connection',
  'account',
] as const;

/**
 * SHA-256 (hex) over DOMAIN and, for each field in the order above, one of
 *
 *     0x00                                          absent
 *     0x01  length[8, big-endian]  UTF-8 bytes      present
 *
 * so that different bindings never give the same bytes. Throws GatewayError (bad request) for text that UTF-8 cannot hold.
 */
export function bindingHash(binding: Binding): string {
  const hash = createHash('sha256').update(DOMAIN);
  for (const field of FIELDS) hash.update(encodeField(binding[field]));
  return hash.digest('hex');
}

function encodeField(text: string | undefined): Uint8Array {
  if (text === undefined) return Uint8Array.of(0);
  if (!text.isWellFormed()) {
    throw new GatewayError('a binding over ill-formed Unicode', deny.badRequest('the text is not well-formed Unicode'));
  }
  const bytes = Buffer.from(text, 'utf8');
  const head = Buffer.alloc(9);
  head.writeUInt8(1, 0);
  head.writeBigUInt64BE(BigInt(bytes.length), 1);
  return Buffer.concat([head, bytes]);
}
