import type { Connection } from './compile.js';

/**
 * The connection a driver means by its account name: the connection's own name, or its account identifier. Letter case does
 * not count, `_` and `-` are the same, and what follows the first dot (region, cloud) is left out. Undefined when none fits
 * or when the identifier belongs to several connections: then only their names tell them apart.
 */
export function findConnection(
  snapshot: { readonly connections: ReadonlyMap<string, Connection> },
  accountName: string,
): Connection | undefined {
  const wanted = plainAccount(accountName);
  if (wanted === '') return undefined;
  const connections = [...snapshot.connections.values()];
  const named = connections.filter((connection) => plainAccount(connection.name) === wanted);
  if (named.length > 0) return named.length === 1 ? named[0] : undefined;
  const identified = connections.filter(
    (connection) => plainAccount(connection.resource.spec.account.identifier) === wanted,
  );
  return identified.length === 1 ? identified[0] : undefined;
}

function plainAccount(name: string): string {
  const [first = ''] = name.trim().toLowerCase().split('.');
  return first.replaceAll('_', '-');
}
