import { createHash } from 'node:crypto';

// Derived from docs/recording-format.md section 6, apart from the code that made the recorded hashes.

/** `st`: SHA-256 (hex) of a text and its binds. */
export function hashStatement(text: Uint8Array, binds: Uint8Array | undefined): string {
  const hash = createHash('sha256').update(`${text.byteLength}\n`).update(text);
  return (binds === undefined ? hash.update('-') : hash.update('+').update(binds)).digest('hex');
}

/** What a statement was bound to, in the order it is hashed; undefined for what was absent. */
export interface BoundValues {
  readonly text: Uint8Array;
  readonly binds: Uint8Array | undefined;
  readonly role: string | undefined;
  readonly warehouse: string | undefined;
  readonly database: string | undefined;
  readonly schema: string | undefined;
  readonly connection: string;
  readonly account: string;
}

/** `hash`: SHA-256 (hex) of text and binds and where they run. */
export function bindingHash(bound: BoundValues): string {
  const { text, binds, role, warehouse, database, schema, connection, account } = bound;
  const hash = createHash('sha256').update('piste binding v1\n');
  for (const value of [text, binds, role, warehouse, database, schema, connection, account]) {
    if (value === undefined) {
      hash.update(Uint8Array.of(0));
      continue;
    }
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    const head = Buffer.alloc(9);
    head.writeUInt8(1, 0);
    head.writeBigUInt64BE(BigInt(bytes.byteLength), 1);
    hash.update(head).update(bytes);
  }
  return hash.digest('hex');
}
