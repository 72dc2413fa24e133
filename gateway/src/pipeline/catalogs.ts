import { catalogVersion, tagNeedsOf } from '../policy/index.js';
import type { Connection } from '../resources/index.js';
import type { Session } from '../session/index.js';
import type { Catalog, ObjectName } from '../sql/index.js';
import type { TokenBox } from '../upstream/index.js';
import { catalogueEntry } from './catalog/catalogue-entry.js';
import { type Description, describeObjects } from './catalog/describe-objects.js';
import type { OwnStatementDeps } from './catalog/own-statements.js';

/** What a session's role can see of the account's objects, for the walk of one statement. */
export interface SessionCatalog extends Catalog {
  /**
   * Asks Snowflake about the objects, those of one database together. An object it does not answer for, or not so that its
   * answer could be relied on, is absent from then on.
   */
  load(names: readonly ObjectName[], signal: AbortSignal): Promise<void>;
  /** Forgets what this statement found without having loaded it itself. True when there was any: reading again may help. */
  forgetEarlier(): boolean;
  /** Why an object that this statement asked for counts as absent though the account has it; undefined when none does. */
  problem(): string | undefined;
  /** SHA-256 (hex) of what is known of the objects: the same descriptions, the same version. Unknown names count as such. */
  versionOf(names: readonly ObjectName[]): string;
  /** The version of all that this statement asked for; undefined when it asked for nothing. */
  version(): string | undefined;
}

/**
 * One catalogue per session: another session may see other objects under the same name (roles, temporary tables).
 * Descriptions are trusted for a while and forgotten as soon as the session runs anything but a query.
 */
export interface Catalogs {
  of(session: Session, connection: Connection, box: TokenBox): SessionCatalog;
  forget(sessionId: string): void;
}

export interface CatalogDeps extends OwnStatementDeps {
  readonly clock: { nowMs(): number };
  readonly trustSeconds: number;
}

interface Known {
  readonly description: Description;
  readonly untilMs: number;
}

/** A missing table may be created, and a missing right given, by somebody else at any moment. */
const ABSENT_SECONDS = 2;
const MAX_SESSIONS = 5_000;

export function createCatalogs(deps: CatalogDeps): Catalogs {
  const sessions = new Map<string, Map<string, Known>>();

  const knownOf = (sessionId: string): Map<string, Known> => {
    const known = sessions.get(sessionId) ?? new Map<string, Known>();
    if (!sessions.has(sessionId) && sessions.size >= MAX_SESSIONS) sessions.clear();
    sessions.set(sessionId, known);
    return known;
  };

  return {
    of: (session, connection, box) => sessionCatalog(deps, knownOf(session.id), session, connection, box),
    forget: (sessionId) => {
      sessions.delete(sessionId);
    },
  };
}

function sessionCatalog(
  deps: CatalogDeps,
  known: Map<string, Known>,
  session: Session,
  connection: Connection,
  box: TokenBox,
): SessionCatalog {
  const needs = tagNeedsOf(connection.policy);
  const keyOf = (name: ObjectName): string =>
    JSON.stringify([needs, session.context.role ?? null, name.database, name.schema, name.name]);
  const asked = new Map<string, ObjectName>();
  const loaded = new Set<string>();
  const descriptionOf = (name: ObjectName): Description | undefined => known.get(keyOf(name))?.description;

  const versionOf = (names: readonly ObjectName[]): string =>
    catalogVersion(names, (name) => descriptionOf(name)?.object);

  return {
    find(name) {
      asked.set(keyOf(name), name);
      const entry = known.get(keyOf(name));
      return entry === undefined || entry.untilMs <= deps.clock.nowMs() ? 'not-loaded' : entry.description.object;
    },

    async load(names, signal) {
      const described = await describeObjects(deps, names, needs, { session, connection, box, signal });
      await deps.recording.note(catalogueEntry(session, needs, described), connection.name);
      for (const [name, description] of described) {
        // A look-up during this walk must find what it loaded, however short the trust.
        const seconds = description.object === 'absent' ? ABSENT_SECONDS : Math.max(deps.trustSeconds, ABSENT_SECONDS);
        known.set(keyOf(name), { description, untilMs: deps.clock.nowMs() + seconds * 1000 });
        loaded.add(keyOf(name));
      }
    },

    forgetEarlier() {
      const earlier = [...asked.keys()].filter((key) => !loaded.has(key) && known.has(key));
      for (const key of earlier) known.delete(key);
      return earlier.length > 0;
    },

    problem: () =>
      [...asked.values()].map((name) => descriptionOf(name)?.problem).find((problem) => problem !== undefined),

    versionOf,

    version: () => (asked.size === 0 ? undefined : versionOf([...asked.values()])),
  };
}
