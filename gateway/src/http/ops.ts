import type { Express, Response } from 'express';
import express from 'express';
import { errorMessage } from '../errors.js';
import type { Log } from '../telemetry/log.js';

/** Something that must work before traffic is sent here. Rejects, with a reason for the log, when it does not. */
export interface ReadinessCheck {
  /** Shown by `/readyz?verbose`. */
  readonly name: string;
  check(): Promise<void>;
}

export interface OpsDependencies {
  readonly checks: readonly ReadinessCheck[];
  readonly metrics: { render(): Promise<{ readonly contentType: string; readonly text: string }> };
  readonly log: Log;
  /** Longest wait for one check; default 2000. */
  readonly checkTimeoutMs?: number | undefined;
}

const CHECK_TIMEOUT_MS = 2_000;

/**
 * The operators' surface: `/livez` answers while the process does, `/readyz` when every check passes in time (503
 * otherwise; `?verbose` names them), `/metrics` in Prometheus' text format. Reasons of failures go to the log only.
 */
export function createOps(deps: OpsDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use((_request, response, next) => {
    response.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    next();
  });
  app.get('/livez', (_request, response) => sendText(response, 200, 'ok\n'));
  app.get('/readyz', async (request, response) => {
    const results = await Promise.all(deps.checks.map((check) => runCheck(check, deps)));
    const isReady = results.every(({ passed }) => passed);
    const lines = results.map(({ name, passed }) => `[${passed ? '+' : '-'}]${name} ${passed ? 'ok' : 'failed'}\n`);
    const verdict = `readyz check ${isReady ? 'passed' : 'failed'}\n`;
    const verbose = request.query['verbose'] !== undefined || !isReady;
    sendText(response, isReady ? 200 : 503, verbose ? `${lines.join('')}${verdict}` : 'ok\n');
  });
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await deps.metrics.render();
    response.status(200).set('content-type', contentType).send(text);
  });
  app.use((_request, response) => sendText(response, 404, 'not found\n'));
  app.use(((error: unknown, _request, response, _next) => {
    deps.log.error('ops request failed', { error: errorMessage(error) });
    sendText(response, 500, 'failed\n');
  }) satisfies express.ErrorRequestHandler);
  return app;
}

async function runCheck(
  check: ReadinessCheck,
  deps: OpsDependencies,
): Promise<{ readonly name: string; readonly passed: boolean }> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timeout.reject(new Error('no answer in time')),
    deps.checkTimeoutMs ?? CHECK_TIMEOUT_MS,
  );
  try {
    await Promise.race([check.check(), timeout.promise]);
    return { name: check.name, passed: true };
  } catch (error) {
    deps.log.warn('readiness check failed', { name: check.name, error: errorMessage(error) });
    return { name: check.name, passed: false };
  } finally {
    clearTimeout(timer);
  }
}

function sendText(response: Response, status: number, text: string): void {
  response.status(status).type('text/plain').send(text);
}
