import type { Request, Response } from 'express';
import { Router } from 'express';
import type { Approval } from '../../approval/approval.js';
import { principalOfLogin } from '../../identity/index.js';
import type { Access, Viewer } from './access.js';
import { accessTo, isRequestId, visibleRequests } from './access.js';
import type { AuthParts } from './auth-routes.js';
import { findSession } from './auth-routes.js';
import { isShownWhole, MAX_REASON_CHARACTERS, renderDecisionPage } from './decision-page.js';
import type { ConsoleDependencies } from './dependencies.js';
import { formField, isOwnForm } from './form-guard.js';
import { html } from './html.js';
import { renderInboxPage } from './inbox-page.js';
import { renderMessagePage } from './layout.js';
import type { LoginSession } from './login-sessions.js';
import { renderReceiptPage } from './receipt-page.js';
import { belongsTo } from './recorded-answers.js';
import { showVoteRefusal } from './vote-refusals.js';

export interface PageParts extends Omit<AuthParts, 'login'> {
  readonly approvals: ConsoleDependencies['approvals'];
  readonly connections: ConsoleDependencies['connections'];
  readonly clock: () => number;
}

/** Somebody signed in, as a viewer of requests and of pages. */
interface SignedIn {
  readonly viewer: Viewer;
  readonly page: { readonly name: string; readonly csrfToken: string };
  readonly actor: { readonly issuer: string; readonly subject: string; readonly tokenDigest: string };
}

/** Inbox, decision page, receipt and the forms' target. */
export function createPageRoutes(parts: PageParts): Router {
  const routes = Router();
  routes.get('/', (_request, response) => response.redirect(303, '/requests'));
  routes.get('/requests', (request, response) =>
    withPerson(request, response, parts, (person) => showInbox(response, person, parts)),
  );
  routes.get('/requests/:id', (request, response) =>
    withRequest(request, response, parts, async (person, approval, access) => {
      const { page, shownDigest } = renderDecisionPage(approval, access, person.page, parts.clock());
      await parts.record({
        action: 'request.view',
        channel: 'page',
        actor: actorOf(access),
        approval,
        details: { shownDigest },
      });
      response.send(page);
    }),
  );
  routes.get('/requests/:id/receipt', (request, response) =>
    withRequest(request, response, parts, async (person, approval, access) => {
      await parts.record({ action: 'receipt.view', channel: 'page', actor: actorOf(access), approval });
      response.send(renderReceiptPage(approval, access, person.page));
    }),
  );
  routes.post('/requests/:id/decision', (request, response) =>
    withRequest(request, response, parts, (person, approval, access) =>
      decide(request, response, { person, approval, access }, parts),
    ),
  );
  return routes;
}

function toSignedIn(session: LoginSession): SignedIn {
  const { login } = session;
  const claim = (name: string) => (typeof login.claims[name] === 'string' ? login.claims[name] : undefined);
  const subject = claim('sub') ?? '';
  const name = claim('name') ?? claim('email') ?? subject;
  return {
    viewer: { name, principalFor: (connection) => principalOfLogin(login, connection) },
    page: { name, csrfToken: session.csrfToken },
    actor: { issuer: login.issuerUrl, subject, tokenDigest: login.tokenDigest },
  };
}

const actorOf = ({ principal }: Access) => ({
  issuer: principal.issuer,
  subject: principal.subject,
  tokenDigest: principal.tokenDigest,
});

/** Sends people who are not signed in to the login; a form they sent is lost, never carried through it. */
async function withPerson(
  request: Request,
  response: Response,
  parts: PageParts,
  answer: (person: SignedIn) => Promise<void>,
): Promise<void> {
  const session = await findSession(request, parts);
  if (session !== undefined) return answer(toSignedIn(session));
  const wanted = request.method === 'GET' ? request.path : `/requests/${String(request.params['id'] ?? '')}`;
  response.redirect(303, `/auth/login?returnTo=${encodeURIComponent(wanted.replace(/\/receipt$/, ''))}`);
}

/** Gives the request to those who may see it; for all others it does not exist. */
function withRequest(
  request: Request,
  response: Response,
  parts: PageParts,
  answer: (person: SignedIn, approval: Approval, access: Access) => Promise<void>,
): Promise<void> {
  return withPerson(request, response, parts, async (person) => {
    const { id } = request.params;
    const approval = isRequestId(id) ? await parts.approvals.get(id) : undefined;
    const access = approval === undefined ? undefined : accessTo(approval, person.viewer, parts.connections.list());
    if (approval !== undefined && access !== undefined) {
      belongsTo(response, approval.subject.sessionId);
      return answer(person, approval, access);
    }
    const sentences = [
      'There is no such request, or you are neither its requester nor one of its approvers.',
      'Old requests are forgotten after a while; the record keeps them.',
    ];
    response.status(404).send(renderMessagePage('No such request', sentences, person.page));
  });
}

async function showInbox(response: Response, person: SignedIn, parts: PageParts): Promise<void> {
  const items = await visibleRequests(parts.approvals, person.viewer, parts.connections.list());
  await parts.record({
    action: 'requests.list',
    channel: 'page',
    actor: person.actor,
    details: { shown: items.length },
  });
  response.send(renderInboxPage(items, person.page));
}

interface DecisionAttempt {
  readonly person: SignedIn;
  readonly approval: Approval;
  readonly access: Access;
}

async function decide(request: Request, response: Response, attempt: DecisionAttempt, parts: PageParts): Promise<void> {
  const { person, approval, access } = attempt;
  const back = html`<p><a href="/requests/${encodeURIComponent(approval.id)}">Back to the request</a></p>`;
  const refuse = (status: number, why: string) => {
    response
      .status(status)
      .send(
        renderMessagePage(
          'Your vote was not counted',
          [`It was not counted: ${why}.`, 'The request is unchanged.'],
          person.page,
          back,
        ),
      );
  };
  if (!isOwnForm(request, parts.publicOrigin, person.page.csrfToken))
    return refuse(403, 'the form did not come from a page of this console');
  const choice = formField(request, 'choice');
  const bindingHash = formField(request, 'bindingHash');
  const reason = formField(request, 'reason')?.trim() || undefined;
  if ((choice !== 'approve' && choice !== 'deny') || bindingHash === undefined)
    return refuse(400, 'the form is not complete');
  if (reason !== undefined && reason.length > MAX_REASON_CHARACTERS)
    return refuse(400, `the reason is longer than ${MAX_REASON_CHARACTERS} characters`);
  if (choice === 'approve' && !isShownWhole(approval))
    return refuse(403, 'the statement is too long to be shown whole, so it cannot be approved here');
  const counted = (refusal: Parameters<typeof showVoteRefusal>[0]) => {
    const shown = showVoteRefusal(refusal, approval, bindingHash);
    return refuse(shown.status, shown.words);
  };
  await parts.record({
    action: 'request.decide',
    channel: 'page',
    actor: actorOf(access),
    approval,
    details: { choice },
  });
  if (access.isRequester) return counted('own-request');
  if (!access.mayDecide) return counted('not-an-approver');
  const outcome = await parts.approvals.vote(approval.id, access.principal, {
    choice,
    reason,
    bindingHash,
    channel: 'page',
  });
  if (!outcome.ok) return counted(outcome.refusal);
  response.redirect(303, `/requests/${encodeURIComponent(approval.id)}/receipt`);
}
