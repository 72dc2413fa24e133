import { sha256 } from '../format/merkle.js';

// Derived from docs/recording-format.md section 6, apart from the code that made the recorded hashes.

/** `st`: SHA-256 (hex) of a text and its binds. */
export function hashStatement(text: Uint8Array, binds: Uint8Array | undefined): string {
  const tail = binds === undefined ? [toBytes('-')] : [toBytes('+'), binds];
  return sha256(toBytes(`${text.byteLength}\n`), text, ...tail).toString('hex');
}

/** What a statement was bound to, in the order it is hashed; undefined for what was absent. */
export interface BoundValues {
  readonly text: Uint8Array;
  readonly binds: Uint8Array | undefined;
  readonly parameters: Uint8Array | undefined;
  readonly role: string | undefined;
  readonly warehouse: string | undefined;
  readonly database: string | undefined;
  readonly schema: string | undefined;
  readonly connection: string;
  readonly account: string;
}

/** `hash`: SHA-256 (hex) of text, binds and parameters and where they run. */
export function bindingHash(bound: BoundValues): string {
  const { text, binds, parameters, role, warehouse, database, schema, connection, account } = bound;
  const values = [text, binds, parameters, role, warehouse, database, schema, connection, account];
  const parts = values.flatMap((value) => {
    if (value === undefined) return [Uint8Array.of(0)];
    const bytes = typeof value === 'string' ? toBytes(value) : value;
    const head = new Uint8Array(9);
    head[0] = 1;
    new DataView(head.buffer).setBigUint64(1, BigInt(bytes.byteLength));
    return [head, bytes];
  });
  return sha256(toBytes('piste binding v1\n'), ...parts).toString('hex');
}

function toBytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
