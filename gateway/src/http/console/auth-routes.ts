import type { Request, RequestHandler, Response } from 'express';
import { Router } from 'express';
import type { ConsoleLogin, VerifiedLogin } from '../../identity/index.js';
import type { Cookies } from './cookies.js';
import { isOwnForm } from './form-guard.js';
import { html } from './html.js';
import { renderMessagePage } from './layout.js';
import type { LoginSession, LoginSessions } from './login-sessions.js';
import { PENDING_SECONDS, SESSION_SECONDS } from './login-sessions.js';
import type { RecordAccess } from './recorded.js';

export interface AuthParts {
  readonly login: ConsoleLogin;
  readonly sessions: LoginSessions;
  readonly cookies: Cookies;
  readonly publicOrigin: string;
  readonly record: RecordAccess;
}

/** The person's session, if the request carries one. */
export async function findSession(
  request: Request,
  parts: Pick<AuthParts, 'cookies' | 'sessions'>,
): Promise<LoginSession | undefined> {
  const id = parts.cookies.read(request.get('cookie'), 'piste-session');
  return id === undefined ? undefined : parts.sessions.find(id);
}

/** Only pages of requests are returned to; whatever else is asked for becomes the inbox. */
export function toReturnPath(asked: unknown): string {
  return typeof asked === 'string' && /^\/requests(\/[A-Za-z0-9_-]{1,128})?$/.test(asked) ? asked : '/requests';
}

const SIGN_IN_AGAIN = html`<p><a href="/auth/login?again=1">Sign in again</a></p>`;

/** `/auth/login`, `/auth/callback`, `/auth/logout` and where signing out ends. */
export function createAuthRoutes(parts: AuthParts): Router {
  const routes = Router();
  routes.get('/auth/login', beginLogin(parts));
  routes.get('/auth/callback', finishLogin(parts));
  routes.post('/auth/logout', logOut(parts));
  routes.get('/auth/signed-out', (_request, response) => {
    response.send(
      renderMessagePage(
        'Signed out',
        ['You are signed out of Piste. Your issuer may still know you.'],
        undefined,
        SIGN_IN_AGAIN,
      ),
    );
  });
  return routes;
}

function beginLogin({ login, sessions, cookies }: AuthParts): RequestHandler {
  return async (request, response) => {
    const begun = await login.begin({ askAgain: request.query['again'] === '1' });
    if (begun === undefined) return sendUnavailable(response);
    const id = await sessions.begin({ pending: begun.pending, returnTo: toReturnPath(request.query['returnTo']) });
    response.append('set-cookie', cookies.write('piste-login', id, PENDING_SECONDS));
    response.redirect(303, begun.url);
  };
}

function finishLogin(parts: AuthParts): RequestHandler {
  const { login, sessions, cookies } = parts;
  return async (request, response) => {
    const id = cookies.read(request.get('cookie'), 'piste-login');
    response.append('set-cookie', cookies.clear('piste-login'));
    const underWay = id === undefined ? undefined : await sessions.take(id);
    if (underWay === undefined) {
      response
        .status(400)
        .send(
          renderMessagePage(
            'This login cannot continue',
            ['It took too long, was used already or began in another browser.'],
            undefined,
            SIGN_IN_AGAIN,
          ),
        );
      return;
    }
    const query = request.originalUrl.includes('?') ? request.originalUrl.slice(request.originalUrl.indexOf('?')) : '';
    const outcome = await login.finish(query, underWay.pending);
    if (!outcome.ok) {
      if (outcome.why === 'issuer-unavailable') return sendUnavailable(response);
      response
        .status(403)
        .send(
          renderMessagePage(
            'You are not signed in',
            ['The issuer did not confirm who you are, or its answer could not be proven.'],
            undefined,
            SIGN_IN_AGAIN,
          ),
        );
      return;
    }
    await startSession(outcome.login, request, response, parts);
    response.redirect(303, underWay.returnTo);
  };
}

async function startSession(
  login: VerifiedLogin,
  request: Request,
  response: Response,
  parts: AuthParts,
): Promise<void> {
  const subject = typeof login.claims['sub'] === 'string' ? login.claims['sub'] : '';
  await parts.record({
    action: 'login',
    channel: 'page',
    actor: { issuer: login.issuerUrl, subject, tokenDigest: login.tokenDigest },
  });
  const before = parts.cookies.read(request.get('cookie'), 'piste-session');
  if (before !== undefined) await parts.sessions.end(before);
  const session = await parts.sessions.start(login);
  response.append('set-cookie', parts.cookies.write('piste-session', session.id, SESSION_SECONDS));
}

function logOut(parts: AuthParts): RequestHandler {
  return async (request, response) => {
    const session = await findSession(request, parts);
    if (session !== undefined) {
      if (!isOwnForm(request, parts.publicOrigin, session.csrfToken)) {
        response
          .status(403)
          .send(renderMessagePage('Not signed out', ['The form did not come from a page of this console.'], undefined));
        return;
      }
      await parts.sessions.end(session.id);
    }
    response.append('set-cookie', parts.cookies.clear('piste-session'));
    response.redirect(303, '/auth/signed-out');
  };
}

function sendUnavailable(response: Response): void {
  response
    .status(503)
    .send(
      renderMessagePage(
        'Nobody can sign in now',
        ['The issuer of your organisation does not answer. Try again in a minute.'],
        undefined,
      ),
    );
}
