import type { Request, Response } from 'express';
import { json, Router } from 'express';
import type { Approval } from '../../approval/approval.js';
import { deny } from '../../errors.js';
import type { IdentityConnection, IdentityRefusal, Principal } from '../../identity/index.js';
import type { Access, Viewer } from './access.js';
import { accessTo, isRequestId, visibleRequests } from './access.js';
import { MAX_REASON_CHARACTERS } from './decision-page.js';
import type { ConsoleDependencies } from './dependencies.js';
import { sendProblem } from './problems.js';
import { answerReconcile } from './reconcile-api.js';
import type { RecordAccess } from './recorded.js';
import { belongsTo } from './recorded-answers.js';
import { showVoteRefusal } from './vote-refusals.js';

export interface AdminApiParts
  extends Pick<ConsoleDependencies, 'approvals' | 'connections' | 'identity' | 'reconcile'> {
  readonly record: RecordAccess;
}

const MAX_BODY = '16kb';

/** `/api/v1/requests…` for people with a bearer token of one of the connections' issuers. Errors are RFC 9457 problems. */
export function createAdminApi(parts: AdminApiParts): Router {
  const routes = Router();
  routes.get('/requests', (request, response) =>
    withCaller(request, response, parts, (caller) => sendList(response, caller, parts)),
  );
  routes.get('/requests/:id', (request, response) =>
    withRequest(request, response, parts, async (approval, access) => {
      await parts.record({ action: 'request.view', channel: 'api', actor: actorOf(access.principal), approval });
      response.json(describe(approval, access));
    }),
  );
  routes.post('/requests/:id/decision', json({ limit: MAX_BODY }), (request, response) =>
    withRequest(request, response, parts, (approval, access) => decide(request, response, { approval, access }, parts)),
  );
  const { reconcile } = parts;
  if (reconcile !== undefined) {
    routes.post('/reconcile', json({ limit: MAX_BODY }), (request, response) =>
      withCaller(request, response, parts, (caller) =>
        answerReconcile(request, response, { caller, connections: parts.connections.list() }, { ...parts, reconcile }),
      ),
    );
  }
  routes.use((_request, response) => sendProblem(response, 404, deny.unknownEndpoint()));
  return routes;
}

const actorOf = ({ issuer, subject, tokenDigest }: Principal) => ({ issuer, subject, tokenDigest });

interface Caller extends Viewer {
  /** The first connection's reading, for the record of what belongs to no single request. */
  readonly principal: Principal;
}

async function withCaller(
  request: Request,
  response: Response,
  parts: AdminApiParts,
  answer: (caller: Caller) => Promise<void>,
): Promise<void> {
  const connections = parts.connections.list();
  const presented = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(request.get('authorization') ?? '')?.[1];
  const outcome = presented === undefined ? undefined : await authenticateEverywhere(presented, connections, parts);
  if (outcome?.caller !== undefined) return answer(outcome.caller);
  const audiences = [
    ...new Set(connections.flatMap((connection) => connection.issuers.map((issuer) => issuer.audience))),
  ];
  response.set('www-authenticate', presented === undefined ? 'Bearer' : 'Bearer error="invalid_token"');
  const unavailable = outcome?.refusal?.kind === 'issuer-unavailable';
  sendProblem(response, unavailable ? 503 : 401, outcome?.refusal?.denial ?? deny.noToken(audiences.join('" or "')));
}

/** Every connection reads the token by its own trust; where none accepts it, the refusal that got furthest is told. */
async function authenticateEverywhere(
  presented: string,
  connections: readonly IdentityConnection[],
  parts: AdminApiParts,
): Promise<{ readonly caller?: Caller; readonly refusal?: IdentityRefusal }> {
  const outcomes = await Promise.all(
    connections.map(async (connection) => ({
      connection,
      outcome: await parts.identity.authenticate(presented, connection),
    })),
  );
  const principals = new Map<string, Principal>();
  const refusals: IdentityRefusal[] = [];
  for (const { connection, outcome } of outcomes) {
    if (outcome.ok) principals.set(connection.name, outcome.principal);
    else refusals.push(outcome.refusal);
  }
  const [principal] = principals.values();
  if (principal === undefined) {
    const refusal =
      refusals.find((candidate) => candidate.kind !== 'untrusted-issuer' && candidate.kind !== 'audience') ??
      refusals[0];
    return refusal === undefined ? {} : { refusal };
  }
  return { caller: { name: principal.name, principal, principalFor: (connection) => principals.get(connection.name) } };
}

function withRequest(
  request: Request,
  response: Response,
  parts: AdminApiParts,
  answer: (approval: Approval, access: Access) => Promise<void>,
): Promise<void> {
  return withCaller(request, response, parts, async (caller) => {
    const { id } = request.params;
    const approval = isRequestId(id) ? await parts.approvals.get(id) : undefined;
    const access = approval === undefined ? undefined : accessTo(approval, caller, parts.connections.list());
    if (approval === undefined || access === undefined) return sendProblem(response, 404, deny.unknownRequest());
    belongsTo(response, approval.subject.sessionId);
    return answer(approval, access);
  });
}

async function sendList(response: Response, caller: Caller, parts: AdminApiParts): Promise<void> {
  const visible = await visibleRequests(parts.approvals, caller, parts.connections.list());
  const requests = visible.map(({ approval, access }) => describe(approval, access));
  await parts.record({
    action: 'requests.list',
    channel: 'api',
    actor: actorOf(caller.principal),
    details: { shown: requests.length },
  });
  response.json({ requests });
}

/** A request as JSON. Token digests stay inside. */
function describe(approval: Approval, access: Access): object {
  const { requester, ...subject } = approval.subject;
  const { tokenDigest: _, ...who } = requester;
  return {
    id: approval.id,
    state: approval.state,
    createdAt: new Date(approval.createdAtMs).toISOString(),
    expiresAt: new Date(approval.expiresAtMs).toISOString(),
    decidedAt: approval.decidedAtMs === undefined ? null : new Date(approval.decidedAtMs).toISOString(),
    mayDecide: access.mayDecide && approval.state === 'pending',
    ...subject,
    requester: who,
    votes: approval.votes.map(({ atMs, ...vote }) => ({ ...vote, at: new Date(atMs).toISOString() })),
  };
}

interface ApiVote {
  readonly choice: 'approve' | 'deny';
  readonly reason: string | undefined;
  readonly bindingHash: string;
}

/** The vote in a body, or what is wrong with it. Members that are not known are refused. */
function parseVote(body: unknown): ApiVote | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'the body must be a JSON object';
  const unknown = Object.keys(body).filter((name) => !['choice', 'reason', 'bindingHash'].includes(name));
  if (unknown.length > 0) return 'the body has members other than choice, reason and bindingHash';
  const choice: unknown = Reflect.get(body, 'choice');
  const reason: unknown = Reflect.get(body, 'reason');
  const bindingHash: unknown = Reflect.get(body, 'bindingHash');
  if (choice !== 'approve' && choice !== 'deny') return 'choice must be "approve" or "deny"';
  if (typeof bindingHash !== 'string') return 'bindingHash must be the one of the request';
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON_CHARACTERS))
    return `reason must be a text of at most ${MAX_REASON_CHARACTERS} characters`;
  return { choice, reason: reason?.trim() || undefined, bindingHash };
}

async function decide(
  request: Request,
  response: Response,
  attempt: { approval: Approval; access: Access },
  parts: AdminApiParts,
): Promise<void> {
  const { approval, access } = attempt;
  const vote = parseVote(request.body);
  if (typeof vote === 'string') return sendProblem(response, 400, deny.badRequest(vote));
  const refuse = (refusal: Parameters<typeof showVoteRefusal>[0]) => {
    const { status, denial } = showVoteRefusal(refusal, approval, vote.bindingHash);
    sendProblem(response, status, denial, { reason: refusal });
  };
  await parts.record({
    action: 'request.decide',
    channel: 'api',
    actor: actorOf(access.principal),
    approval,
    details: { choice: vote.choice },
  });
  if (access.isRequester) return refuse('own-request');
  if (!access.mayDecide) return refuse('not-an-approver');
  const outcome = await parts.approvals.vote(approval.id, access.principal, { ...vote, channel: 'api' });
  if (!outcome.ok) return refuse(outcome.refusal);
  response.json(describe(outcome.approval, access));
}
