import type { Catalog } from './catalog.js';
import type { Chunks } from './chunks.js';
import type { Faults } from './faults.js';
import type { Counters } from './history.js';
import type { Settings } from './options.js';
import type { Queries } from './queries.js';
import type { Sessions } from './sessions.js';

/** The parts behind the endpoints. */
export type Parts = {
  readonly settings: Settings;
  readonly catalog: Catalog;
  readonly sessions: Sessions;
  readonly queries: Queries;
  readonly chunks: Chunks;
  readonly faults: Faults;
  readonly clock: () => number;
  readonly counts: Record<Exclude<keyof Counters, 'chunkFetches' | 'openSessions' | 'repeatedRequests'>, number>;
};

/** One request, read. */
export type Call = {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly authorization: string | undefined;
};

/** An object's fields; anything else has none. */
export function toFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
