import type { Request, Response } from 'express';
import { deny } from '../../errors.js';
import type { Principal } from '../../identity/index.js';
import type { Viewer } from './access.js';
import type { ConsoleConnection, ConsoleReconcile } from './dependencies.js';
import { sendProblem } from './problems.js';
import type { RecordAccess } from './recorded.js';

interface Asker {
  readonly caller: Viewer;
  readonly connections: readonly ConsoleConnection[];
}

interface Parts {
  readonly reconcile: ConsoleReconcile;
  readonly record: RecordAccess;
}

interface Order {
  readonly connection: string;
  readonly sinceMs: number | undefined;
}

/**
 * `POST /api/v1/reconcile` `{connection, since?}`: compares the query history now and answers with the report. For people of
 * the auditors' groups, on connections that trust their issuer; never for agents.
 */
export async function answerReconcile(
  request: Request,
  response: Response,
  { caller, connections }: Asker,
  { reconcile, record }: Parts,
): Promise<void> {
  const order = parseOrder(request.body);
  if (typeof order === 'string') return sendProblem(response, 400, deny.badRequest(order));
  const { connection, sinceMs } = order;
  const known = connections.find(({ name }) => name === connection);
  const principal = known === undefined ? undefined : caller.principalFor(known);
  if (principal === undefined || !isAuditor(principal, reconcile.auditorGroups)) {
    return sendProblem(response, 403, deny.notAuditor());
  }
  const { issuer, subject, tokenDigest } = principal;
  await record({
    action: 'reconcile.run',
    channel: 'api',
    actor: { issuer, subject, tokenDigest },
    details: { connection },
  });
  const answer = await reconcile.run(connection, { issuer, subject }, sinceMs).catch(() => undefined);
  if (answer === undefined) sendProblem(response, 503, deny.notReconciled());
  else response.json(answer);
}

const isAuditor = ({ agent, groups }: Principal, auditors: readonly string[]): boolean =>
  agent === undefined && groups.some((group) => auditors.includes(group));

/** The order in a body, or what is wrong with it. Members that are not known are refused. */
function parseOrder(body: unknown): Order | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'the body must be a JSON object';
  const unknown = Object.keys(body).filter((name) => name !== 'connection' && name !== 'since');
  if (unknown.length > 0) return 'the body has members other than connection and since';
  const connection: unknown = Reflect.get(body, 'connection');
  const since: unknown = Reflect.get(body, 'since');
  if (typeof connection !== 'string') return 'connection must be the name of a SnowflakeConnection';
  if (since === undefined) return { connection, sinceMs: undefined };
  const sinceMs = typeof since === 'string' ? Date.parse(since) : Number.NaN;
  return Number.isNaN(sinceMs) ? 'since must be a time as in 2026-11-23T06:00:00Z' : { connection, sinceMs };
}
