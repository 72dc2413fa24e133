import type { ObjectVersion } from './object-store.js';

/** What stores call the version of an object that was written while they kept none. */
export const NO_VERSION = 'null';

/** How to ask for a listed version: stores that keep no versions need not know the name of none. */
export function askable({ version, latest }: Pick<ObjectVersion, 'version' | 'latest'>): string | undefined {
  return version === NO_VERSION && latest ? undefined : version;
}
