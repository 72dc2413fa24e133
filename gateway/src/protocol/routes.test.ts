import { describe, expect, test } from '@jest/globals';
import { matchRoute, tokenOf } from './routes.js';

const ID = '01b2c3d4-0000-4234-8000-abcd00012345';
const CAPABILITY = 'A'.repeat(43);
const none = new URLSearchParams();

describe('the routes of the driver surface', () => {
  test.each([
    ['POST', '/session/v1/login-request', { name: 'login' }],
    ['POST', '/session/token-request', { name: 'token-request' }],
    ['POST', '/session/heartbeat', { name: 'heartbeat' }],
    ['POST', '/queries/v1/query-request', { name: 'query-request' }],
    ['POST', '/queries/v1/abort-request', { name: 'abort-request' }],
    ['POST', '/telemetry/send', { name: 'telemetry' }],
    ['POST', '/telemetry/send/sessionless', { name: 'telemetry' }],
    ['GET', `/queries/${ID}/result`, { name: 'query-result', queryId: ID }],
    ['POST', `/queries/${ID}/abort-request`, { name: 'query-abort', queryId: ID }],
    ['GET', `/monitoring/queries/${ID}`, { name: 'monitoring', queryId: ID }],
    ['GET', `/results/${CAPABILITY}/12`, { name: 'chunk', capability: CAPABILITY, index: 12 }],
  ])('%s %s is known', (method, path, route) => {
    expect(matchRoute(method, path, none)).toEqual(route);
  });

  test('logout needs delete=true', () => {
    expect(matchRoute('POST', '/session', new URLSearchParams('delete=true'))).toEqual({ name: 'logout' });
    expect(matchRoute('POST', '/session', none)).toBeUndefined();
  });

  test.each([
    ['GET', '/session/v1/login-request'],
    ['POST', '/session/v1/login-request/'],
    ['POST', '/session/authenticator-request'],
    ['GET', '/'],
    ['POST', '/api/v2/statements'],
    ['GET', `/queries/${ID.toUpperCase()}/result`],
    ['GET', `/queries/${ID}/result/..`],
    ['GET', `/queries/${ID}%2fresult`],
    ['GET', '/queries/1/result'],
    ['GET', `/results/${CAPABILITY}/01`],
    ['GET', `/results/${CAPABILITY}x/1`],
    ['GET', '/results/../session/1'],
    ['GET', '/oauth/authorize'],
    ['POST', '/constructor'],
    ['POST', 'POST /session/heartbeat'],
  ])('%s %s is not', (method, path) => {
    expect(matchRoute(method, path, none)).toBeUndefined();
  });

  test.each([
    ['Snowflake Token="abc"', 'abc'],
    ['Snowflake Token="None"', 'None'],
    ['Snowflake Token=""', undefined],
    ['Snowflake Token="a"b"', undefined],
    ['Bearer abc', undefined],
    ['Basic Og==', undefined],
    [undefined, undefined],
  ])('the authorization %s holds the token %s', (header, token) => {
    expect(tokenOf(header)).toBe(token);
  });
});
