import { expect, test } from '@jest/globals';
import { readFailure } from './store-errors.js';

const answer = (httpStatusCode: number, name = 'Error') =>
  Object.assign(new Error('secret text with AKIA and a signature'), { name, $metadata: { httpStatusCode } });

test.each([
  [answer(500, 'InternalError'), { kind: 'unavailable', reason: 'InternalError' }],
  [answer(503, 'SlowDown'), { kind: 'unavailable', reason: 'SlowDown' }],
  [answer(429, 'TooMany'), { kind: 'unavailable', reason: 'TooMany' }],
  [answer(409, 'ConditionalRequestConflict'), { kind: 'unavailable', reason: 'ConditionalRequestConflict' }],
  [answer(403, 'RequestTimeTooSkewed'), { kind: 'unavailable', reason: 'RequestTimeTooSkewed' }],
  [answer(403, 'AccessDenied'), { kind: 'refused', reason: 'AccessDenied' }],
  [answer(404, 'NoSuchKey'), { kind: 'missing' }],
  [answer(404, 'NoSuchBucket'), { kind: 'refused', reason: 'NoSuchBucket' }],
  [answer(412, 'PreconditionFailed'), { kind: 'precondition' }],
  [answer(416, 'InvalidRange'), { kind: 'range' }],
  [answer(200, 'SyntaxError'), { kind: 'broken', reason: 'SyntaxError' }],
  [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), { kind: 'unavailable', reason: 'ECONNREFUSED' }],
  [
    Object.assign(new Error('x'), { name: 'a name with spaces and secrets' }),
    { kind: 'unavailable', reason: 'unknown' },
  ],
  ['thrown text', { kind: 'unavailable', reason: 'unknown' }],
])('%o is read as %o', (error, expected) => {
  expect(readFailure(error)).toEqual(expected);
});
