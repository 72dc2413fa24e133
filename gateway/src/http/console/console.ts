import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import express from 'express';
import { deny, errorMessage, GatewayError } from '../../errors.js';
import type { Log } from '../../telemetry/log.js';
import { createAdminApi } from './admin-api.js';
import { createAuthRoutes } from './auth-routes.js';
import { createCookies } from './cookies.js';
import type { ConsoleDependencies } from './dependencies.js';
import { renderMessagePage } from './layout.js';
import { createLoginSessions } from './login-sessions.js';
import { createPageRoutes } from './page-routes.js';
import { sendProblem } from './problems.js';
import { createRecordAccess } from './recorded.js';
import { recordAnswers } from './recorded-answers.js';
import { STYLESHEET, STYLESHEET_PATH } from './stylesheet.js';

const MAX_FORM = '16kb';

/**
 * The approvers' surface: pages for people who signed in at their issuer, and `/api/v1` for bearer tokens.
 *
 * Nothing is shown and no vote is passed on before its access is in the record, and no answer of any kind leaves before its own; when the record or the store fails, the
 * answer is 503. A request exists only for its requester and its approvers. Pages need no scripts and send none.
 */
export function createConsole(deps: ConsoleDependencies): Express {
  const record = createRecordAccess(deps.record);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(setSecurityHeaders(deps.publicUrl));
  app.use(recordAnswers(deps.record, deps.log));
  app.use(
    '/api/v1',
    createAdminApi({
      approvals: deps.approvals,
      connections: deps.connections,
      identity: deps.identity,
      reconcile: deps.reconcile,
      record,
    }),
  );
  app.use('/api', (_request, response) => sendProblem(response, 404, deny.unknownEndpoint()));
  app.get(STYLESHEET_PATH, (_request, response) => {
    response.set('cache-control', 'public, max-age=31536000, immutable').type('css').send(STYLESHEET);
  });
  if (deps.login !== undefined) usePages(app, deps, deps.login, record);
  app.use((_request, response) => {
    const why =
      deps.login === undefined
        ? 'Decision pages are off: no issuer is configured for people.'
        : 'There is no such page.';
    response.status(404).send(renderMessagePage('Not found', [why], undefined));
  });
  app.use(answerError(deps.log));
  return app;
}

function usePages(
  app: Express,
  deps: ConsoleDependencies,
  login: NonNullable<ConsoleDependencies['login']>,
  record: ReturnType<typeof createRecordAccess>,
): void {
  const publicUrl = new URL(deps.publicUrl);
  const shared = {
    sessions: createLoginSessions({ store: deps.store, random: deps.random }),
    cookies: createCookies(publicUrl.protocol === 'https:'),
    publicOrigin: publicUrl.origin,
    record,
  };
  app.use(express.urlencoded({ extended: false, limit: MAX_FORM, parameterLimit: 20 }));
  app.use(createAuthRoutes({ ...shared, login }));
  app.use(createPageRoutes({ ...shared, approvals: deps.approvals, connections: deps.connections, clock: deps.clock }));
}

function setSecurityHeaders(publicUrl: string): RequestHandler {
  const headers = {
    'content-security-policy':
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    // Not no-referrer: with that, browsers send `Origin: null` with our own forms.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(publicUrl.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
  return (_request, response, next) => {
    response.set(headers);
    next();
  };
}

function answerError(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const isApi = request.path.startsWith('/api/');
    const status = clientErrorStatus(error);
    if (status !== undefined) {
      if (isApi) return sendProblem(response, status, deny.badRequest('its body is not what this endpoint takes'));
      response
        .status(status)
        .send(renderMessagePage('The request cannot be read', ['Its form is too large or not complete.'], undefined));
      return;
    }
    const reference = randomUUID();
    log.error('console request failed', { requestId: reference, error: describeFailure(error) });
    const denial = error instanceof GatewayError ? error.denial : deny.internal(reference, true);
    const isOutage = error instanceof GatewayError && denial.code !== 'PISTE-1801';
    if (isApi) return sendProblem(response, isOutage ? 503 : 500, denial);
    const sentences = isOutage
      ? [
          'The gateway cannot record or reach its store, so it shows nothing and counts no vote. Try again in a minute.',
          denial.message,
        ]
      : [`Something is wrong with the gateway. Reference ${reference}.`];
    response
      .status(isOutage ? 503 : 500)
      .send(renderMessagePage(isOutage ? 'Not available now' : 'Internal error', sentences, undefined));
  };
}

function describeFailure(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? `: ${errorMessage(error.cause)}` : '';
  return errorMessage(error) + cause;
}

/** The 4xx status Express and its body parsers attach to what a client did wrong. */
function clientErrorStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const { status } = error;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
