import type { Response } from 'express';
import type { Denial } from '../../errors.js';

/** Answers with a problem document (RFC 9457): the denial's text as detail, its code as extension member. */
export function sendProblem(
  response: Response,
  status: number,
  denial: Denial,
  extra: Readonly<Record<string, string>> = {},
): void {
  response
    .status(status)
    .set('content-type', 'application/problem+json')
    .send(
      JSON.stringify({
        type: `urn:piste:problem:${denial.code}`,
        title: TITLES[status] ?? 'Error',
        status,
        detail: denial.message,
        code: denial.code,
        ...extra,
      }),
    );
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Content too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  500: 'Internal error',
  503: 'Service unavailable',
};
