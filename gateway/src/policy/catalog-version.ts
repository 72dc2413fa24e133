import { createHash } from 'node:crypto';
import type { CatalogObject, ObjectName } from '../sql/facts.js';

/**
 * SHA-256 (hex) of what is known of objects: the same descriptions, the same version. Names that nothing is known of count as
 * such.
 */
export function catalogVersion(
  names: Iterable<ObjectName>,
  find: (name: ObjectName) => CatalogObject | 'absent' | undefined,
): string {
  const told = Array.from(names, (name) =>
    JSON.stringify([name.database, name.schema, name.name, find(name) ?? 'not-loaded']),
  );
  return createHash('sha256')
    .update(JSON.stringify([...new Set(told)].toSorted()))
    .digest('hex');
}
