import { randomUUID } from 'node:crypto';
import { bindingHash } from '../policy/binding.js';
import { permitInternal } from '../policy/index.js';
import { jsonFormats, type Row, readRows, type UpstreamResult } from '../protocol/index.js';
import type { Recording } from '../recording/index.js';
import type { Connection } from '../resources/index.js';
import type { Session } from '../session/index.js';
import {
  type Catalog,
  type CatalogColumn,
  type CatalogObject,
  type ObjectName,
  quoteIdentifier,
} from '../sql/index.js';
import type { Endpoint, Snowflake, TokenBox } from '../upstream/index.js';
import { contextFields, textBody } from './entries.js';

/** What a session's role can see of the account's objects. */
export interface SessionCatalog extends Catalog {
  /** Asks Snowflake about the objects. An object it does not answer for is absent from then on. */
  load(names: readonly ObjectName[], signal: AbortSignal): Promise<void>;
}

/**
 * One catalogue per session: another session may see other objects under the same name (roles, temporary tables).
 * Descriptions are trusted for a while and forgotten as soon as the session runs anything but a query.
 */
export interface Catalogs {
  of(session: Session, connection: Connection, box: TokenBox): SessionCatalog;
  forget(sessionId: string): void;
}

export interface CatalogDeps {
  readonly recording: Recording;
  readonly snowflake: Snowflake;
  readonly endpointOf: (connectionName: string) => Endpoint | undefined;
  readonly clock: { nowMs(): number };
  readonly trustSeconds: number;
}

type CatalogAnswer = UpstreamResult & { readonly rows: readonly Row[] };

interface Known {
  readonly object: CatalogObject | 'absent';
  readonly untilMs: number;
}

/** A missing table may be created by somebody else at any moment. */
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

  /** One statement of the gateway's own, recorded like any other before it leaves. Undefined when Snowflake refuses it. */
  const ask = async (
    text: string,
    session: Session,
    connection: Connection,
    box: TokenBox,
    signal: AbortSignal,
  ): Promise<CatalogAnswer | undefined> => {
    const endpoint = deps.endpointOf(connection.name);
    if (endpoint === undefined) return undefined;
    const binding = {
      connection: connection.name,
      account: session.account,
      canonicalText: text,
      binds: undefined,
      ...session.context,
    };
    const hash = bindingHash(binding);
    const permit = permitInternal('catalogue', binding);
    const queryId = randomUUID();
    const receipt = await deps.recording.recordRequest(permit, {
      kind: 'request',
      sessionId: session.id,
      fields: {
        op: 'query',
        qid: queryId,
        rid: queryId,
        cls: 'SHOW',
        internal: true,
        dec: { v: 'allow', pol: connection.policy.revision, rules: [], reasons: ['internal'], apr: null },
        ctx: contextFields(session.context),
        hash,
        objects: [],
      },
      bodies: [textBody('sql', text)],
    });
    const answer = await deps.snowflake.forward(
      receipt,
      endpoint,
      box,
      {
        binding,
        bindings: undefined,
        keyBindings: undefined,
        describeOnly: false,
        parameters: jsonFormats(),
        claimedPurpose: undefined,
        queryContext: undefined,
        requestId: queryId,
      },
      signal,
    );
    const code = answer.kind === 'error' ? answer.code : null;
    const rows = answer.kind === 'result' ? readRows(answer.result) : undefined;
    await deps.recording.append({
      kind: 'response',
      sessionId: session.id,
      fields: {
        qid: queryId,
        code,
        rows: rows?.length ?? 0,
        cols: 0,
        parts: 0,
        masked: [],
        internal: true,
        upq: answer.kind === 'result' ? answer.result.queryId : null,
      },
      bodies: [],
    });
    return answer.kind === 'result' && rows !== undefined ? { ...answer.result, rows } : undefined;
  };

  const describe = async (
    name: ObjectName,
    session: Session,
    connection: Connection,
    box: TokenBox,
    signal: AbortSignal,
  ): Promise<CatalogObject | 'absent'> => {
    const query = (text: string): Promise<CatalogAnswer | undefined> => ask(text, session, connection, box, signal);
    const schema = `${quoteIdentifier(name.database)}.${quoteIdentifier(name.schema)}`;
    const inSchema = `IN SCHEMA ${schema}`;
    const objects = await query(`SHOW OBJECTS LIKE ${quoteText(name.name)} ${inSchema}`);
    const found = objects === undefined ? undefined : rowsNamed(objects, name).at(0);
    if (objects === undefined || found === undefined) return 'absent';
    const isView = (cellAt(objects, found, 'kind') ?? '').toUpperCase().includes('VIEW');
    const columns = await query(`SHOW COLUMNS IN ${isView ? 'VIEW' : 'TABLE'} ${schema}.${quoteIdentifier(name.name)}`);
    const listed = columns === undefined ? undefined : columnsOf(columns);
    if (listed === undefined || listed.length === 0) return 'absent';
    if (!isView) return { kind: 'table', columns: listed };
    const views = await query(`SHOW VIEWS LIKE ${quoteText(name.name)} ${inSchema}`);
    const view = views === undefined ? undefined : rowsNamed(views, name).at(0);
    const isSecure = views === undefined || view === undefined || cellAt(views, view, 'is_secure') !== 'false';
    const text = views === undefined || view === undefined ? undefined : cellAt(views, view, 'text');
    return { kind: 'view', columns: listed, definition: isSecure || !text ? undefined : text };
  };

  return {
    of(session, connection, box) {
      const known = knownOf(session.id);
      const keyOf = (name: ObjectName): string =>
        JSON.stringify([session.context.role ?? null, name.database, name.schema, name.name]);
      return {
        find(name) {
          const entry = known.get(keyOf(name));
          return entry === undefined || entry.untilMs <= deps.clock.nowMs() ? 'not-loaded' : entry.object;
        },
        async load(names, signal) {
          for (const name of names) {
            const object = await describe(name, session, connection, box, signal);
            // A look-up during this walk must find what it loaded, however short the trust.
            const seconds = object === 'absent' ? ABSENT_SECONDS : Math.max(deps.trustSeconds, ABSENT_SECONDS);
            known.set(keyOf(name), { object, untilMs: deps.clock.nowMs() + seconds * 1000 });
          }
        },
      };
    },
    forget: (sessionId) => {
      sessions.delete(sessionId);
    },
  };
}

const quoteText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

function cellAt(result: CatalogAnswer, row: Row, column: string): string | undefined {
  const index = result.rowtype.findIndex((candidate) => candidate.name.toLowerCase() === column);
  return row[index] ?? undefined;
}

/** LIKE ignores case and knows wildcards: only exact names count. */
function rowsNamed(result: CatalogAnswer, name: ObjectName): readonly Row[] {
  return result.rows.filter(
    (row) =>
      cellAt(result, row, 'name') === name.name &&
      cellAt(result, row, 'schema_name') === name.schema &&
      cellAt(result, row, 'database_name') === name.database,
  );
}

function columnsOf(result: CatalogAnswer): readonly CatalogColumn[] | undefined {
  const columns: CatalogColumn[] = [];
  for (const row of result.rows) {
    const name = cellAt(result, row, 'column_name');
    if (name === undefined) return undefined;
    columns.push({ name, type: typeWord(cellAt(result, row, 'data_type')) });
  }
  return result.chunks.length === 0 ? columns : undefined;
}

/** SHOW COLUMNS gives the type as JSON text. */
function typeWord(dataType: string | undefined): string {
  return /"type"\s*:\s*"([A-Za-z_]+)"/.exec(dataType ?? '')?.[1]?.toLowerCase() ?? 'unknown';
}
