import { randomUUID } from 'node:crypto';
import { bindingHash } from '../../policy/binding.js';
import { type InternalPurpose, permitInternal } from '../../policy/index.js';
import {
  encodeParameters,
  jsonFormats,
  numberAt,
  parseChunkBody,
  type Row,
  readRows,
  type UpstreamResult,
} from '../../protocol/index.js';
import type { Entry, Recording } from '../../recording/index.js';
import type { Connection } from '../../resources/index.js';
import type { Session } from '../../session/index.js';
import type { ChunkSource, Endpoint, Snowflake, TokenBox } from '../../upstream/index.js';
import { contextFields, parameterBodies, textBody } from '../entries.js';
import { sessionParameters } from '../session-parameters.js';

/** What the gateway's own statements need. */
export interface OwnStatementDeps {
  readonly recording: Recording;
  readonly snowflake: Snowflake;
  readonly endpointOf: (connectionName: string) => Endpoint | undefined;
  readonly fetchChunk: (source: ChunkSource) => Promise<Buffer>;
}

/** Whose upstream session a statement runs in. */
export interface Asker {
  readonly session: Session;
  readonly connection: Connection;
  readonly box: TokenBox;
  readonly signal: AbortSignal;
}

/** Why the gateway asks, and the class of the statement. */
export interface OwnStatementKind {
  readonly purpose: InternalPurpose;
  readonly statementClass: 'SELECT' | 'SHOW' | 'DESCRIBE';
}

const READ_CATALOGUE: OwnStatementKind = { purpose: 'catalogue', statementClass: 'SELECT' };

/** The rows of an answer, by the column names of the text that asked. */
export type Rows = readonly ReadonlyMap<string, string>[];

/**
 * Runs one statement of the gateway's own, recorded like any other before it leaves. Undefined when Snowflake refuses it, or
 * when its answer is not whole.
 */
export async function askSnowflake(
  deps: OwnStatementDeps,
  text: string,
  asker: Asker,
  { purpose, statementClass }: OwnStatementKind = READ_CATALOGUE,
): Promise<Rows | undefined> {
  const { session, connection, box, signal } = asker;
  const endpoint = deps.endpointOf(connection.name);
  if (endpoint === undefined) return undefined;
  const parameters = { session: sessionParameters(session), statement: jsonFormats() };
  const binding = {
    connection: connection.name,
    account: session.account,
    canonicalText: text,
    binds: undefined,
    parameters: encodeParameters(parameters),
    ...session.context,
  };
  const queryId = randomUUID();
  const receipt = await deps.recording.recordRequest(permitInternal(purpose, binding), {
    kind: 'request',
    sessionId: session.id,
    fields: {
      op: 'query',
      qid: queryId,
      rid: queryId,
      cls: statementClass,
      internal: true,
      dec: { v: 'allow', pol: connection.policy.revision, rules: [], reasons: ['internal'], apr: null },
      ctx: contextFields(session.context),
      hash: bindingHash(binding),
      objects: [],
    },
    bodies: [textBody('sql', text), ...parameterBodies(binding.parameters)],
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
      parameters,
      claimedPurpose: undefined,
      queryContext: undefined,
      requestId: queryId,
    },
    signal,
  );
  const rows = answer.kind === 'result' ? await wholeRows(deps, answer.result) : undefined;
  const response: Entry = {
    kind: 'response',
    sessionId: session.id,
    fields: {
      qid: queryId,
      code: answer.kind === 'error' ? answer.code : null,
      rows: rows?.length ?? 0,
      cols: 0,
      parts: 0,
      masked: [],
      internal: true,
      upq: upstreamIdOf(answer),
    },
    bodies: [],
  };
  await deps.recording.note(response, connection.name);
  return answer.kind === 'result' && rows !== undefined ? byName(answer.result, rows) : undefined;
}

function upstreamIdOf(answer: Awaited<ReturnType<Snowflake['forward']>>): string | null {
  if (answer.kind === 'result') return answer.result.queryId;
  return answer.kind === 'error' ? (answer.queryId ?? null) : null;
}

/** Rows of the answer and of its parts in object storage; undefined when some are missing. */
async function wholeRows(deps: OwnStatementDeps, result: UpstreamResult): Promise<readonly Row[] | undefined> {
  const inline = readRows(result);
  if (inline === undefined) return undefined;
  const rows = [...inline];
  for (const chunk of result.chunks) {
    const bytes = await deps.fetchChunk({ url: chunk.url, headers: result.chunkHeaders });
    const part = parseChunkBody(bytes.toString('utf8'), result.rowtype.length);
    if (part === undefined || part.length !== chunk.rowCount) return undefined;
    rows.push(...part);
  }
  // A row limit of the session cuts answers silently: half a table description would hide columns.
  const total = numberAt(result.copied, 'total');
  return total === undefined || total === rows.length ? rows : undefined;
}

function byName(result: UpstreamResult, rows: readonly Row[]): Rows {
  return rows.map((row) => {
    const cells = new Map<string, string>();
    result.rowtype.forEach(({ name }, index) => {
      const cell = row[index];
      if (cell !== null && cell !== undefined) cells.set(name, cell);
    });
    return cells;
  });
}
