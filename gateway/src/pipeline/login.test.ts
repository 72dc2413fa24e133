import { expect, test } from '@jest/globals';
import type { LoginRequest } from '../protocol/index.js';
import type { Entry } from '../recording/index.js';
import { SILENT_LOG } from '../recording/recording-fixture.js';
import { type LoginDeps, logIn } from './login.js';

test('a session that Snowflake opened with another role is refused, and the record names it', async () => {
  const entries: Entry[] = [];
  const spec = { account: { identifier: 'ACME' }, allowedRoles: ['R'], issuers: [{ audience: 'a' }] };
  const connection = { name: 'crm', resource: { spec }, policy: { allowedRoles: ['R'] } };
  const principal = { issuer: 'https://issuer', subject: 's', name: 's', groups: [], tokenDigest: '0' };
  const deps = {
    resources: { current: () => ({ connections: new Map([['crm', connection]]) }) },
    identity: { verify: async () => ({ ok: true, principal }) },
    recording: {
      refusesNew: () => undefined,
      note: async (entry: Entry) => void entries.push(entry),
      recordAnswer: async (entry: Entry) => void entries.push(entry),
    },
    endpointOf: () => ({ connection: 'crm', account: 'ACME', origin: 'https://acme' }),
    credentialOf: () => ({ type: 'ProgrammaticAccessToken', user: 'u', token: 't' }),
    snowflake: {
      login: async () => ({ ok: true, login: { tokens: { sessionId: '77' }, context: { role: 'ACCOUNTADMIN' } } }),
    },
    log: SILENT_LOG,
    onLogin: () => undefined,
  } as unknown as LoginDeps;
  const request = { account: 'crm', credential: 'c', sessionParameters: {}, clientApp: 'Go', clientVersion: '1' };
  await logIn(deps, request as unknown as LoginRequest);
  expect(entries.map(({ kind }) => kind)).toEqual(['control', 'session.refused']);
  expect(entries.at(-1)?.fields).toMatchObject({ reason: 'role', up: { sess: '77' } });
});
