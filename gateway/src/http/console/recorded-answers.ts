import { hash } from 'node:crypto';
import type { Entry } from '@piste/verifier';
import type { RequestHandler, Response } from 'express';
import { errorMessage } from '../../errors.js';
import type { Log } from '../../telemetry/log.js';
import type { ConsoleDependencies } from './dependencies.js';

/** As long as what signs somebody in: a path that holds one must not tell it to whoever reads the record. */
const LONG_WORDS = /[A-Za-z0-9_%-]{40,}/g;

/** Headers that say or give something of an answer; the others only guard it. */
const OF_THE_ANSWER = /^(content-(length|type|encoding)|location|set-cookie|www-authenticate)$/;

/**
 * Every answer of the console, whoever asked and whatever for, is recorded with the digest of its bytes before they leave:
 * refusals, logins and errors as well as pages. Without its record an answer is an empty 503, or the one that says that
 * nothing can be recorded.
 */
export function recordAnswers(record: ConsoleDependencies['record'], log: Log): RequestHandler {
  return (request, response, next) => {
    // Routers shorten it while they run.
    const { path } = request;
    const end = response.end.bind(response) as (bytes?: Uint8Array) => typeof response;
    const refuse = (error: unknown, bytes: Buffer): void => {
      // Whoever found that out before says so in a text that tells nothing else.
      if (response.statusCode === 503) return void end(bytes);
      log.error('an answer of the console could not be recorded', { error: errorMessage(error) });
      response.statusCode = 503;
      for (const name of response.getHeaderNames()) if (OF_THE_ANSWER.test(name)) response.removeHeader(name);
      end();
    };
    response.end = ((chunk?: unknown, encoding?: unknown) => {
      const bytes = toBytes(chunk, encoding);
      const isSent = bytes.length > 0 && request.method !== 'HEAD';
      const out = isSent ? bytes : Buffer.alloc(0);
      record({
        kind: 'admin.access',
        sessionId: sessionOf(response),
        fields: {
          action: 'answer',
          channel: path.startsWith('/api/') ? 'api' : 'page',
          method: request.method.slice(0, 10),
          path: path
            .replace(/[^\x21-\x7e]/g, '?')
            .replace(LONG_WORDS, '*')
            .slice(0, 200),
          status: response.statusCode,
          out: { len: out.length, sha: hash('sha256', out, 'hex') },
        },
        bodies: [],
      }).then(
        () => end(bytes),
        (error: unknown) => refuse(error, bytes),
      );
      return response;
    }) as typeof response.end;
    next();
  };
}

/** Says whose session an answer tells of: its digest is then lost with the session's keys. */
export function belongsTo(response: Response, sessionId: string): void {
  response.locals['sessionId'] = sessionId;
}

function sessionOf({ locals }: Response): string | undefined {
  const sessionId: unknown = locals['sessionId'];
  return typeof sessionId === 'string' ? sessionId : undefined;
}

/** The record of what never became a request: HTTP that is broken, or does not come. */
export const noiseEntry = (why: string): Entry => ({
  kind: 'admin.access',
  sessionId: undefined,
  fields: { action: 'noise', status: 400, why },
  bodies: [],
});

function toBytes(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.alloc(0);
}
