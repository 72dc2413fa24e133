import { createHash } from 'node:crypto';

/** Everything a yes is bound to: the text that runs, its values, and where it runs. */
export interface Binding {
  readonly connection: string;
  readonly account: string;
  readonly canonicalText: string;
  /** Bind values as JSON text; undefined when there are none. */
  readonly binds: string | undefined;
  readonly role: string | undefined;
  readonly warehouse: string | undefined;
  readonly database: string | undefined;
  readonly schema: string | undefined;
}

const FIELDS = ['connection', 'account', 'canonicalText', 'binds', 'role', 'warehouse', 'database', 'schema'] as const;

/**
 * SHA-256 (hex) over every field with its length in front, so that no two different bindings share an encoding. Absent
 * and empty differ.
 */
export function bindingHash(binding: Binding): string {
  const hash = createHash('sha256').update('piste/binding/v1\n');
  for (const field of FIELDS) {
    const value = binding[field];
    hash.update(value === undefined ? '-\n' : `${Buffer.byteLength(value)}\n${value}\n`);
  }
  return hash.digest('hex');
}
