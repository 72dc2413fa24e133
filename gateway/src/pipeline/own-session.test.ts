import { expect, test } from '@jest/globals';
import { RecordingUnavailable } from '../recording/index.js';
import { SILENT_LOG } from '../recording/recording-fixture.js';
import { type OwnSessionDeps, withOwnSession } from './own-session.js';

/** What happens around a session of the gateway's own; appends of one kind fail. */
async function happenings(failing?: string): Promise<readonly string[]> {
  const happened: string[] = [];
  const deps = {
    resources: {
      current: () => ({
        connections: new Map([
          ['crm', { resource: { spec: { account: { identifier: 'ACME' }, allowedRoles: ['R'] } } }],
        ]),
      }),
    },
    endpointOf: () => ({ connection: 'crm', account: 'ACME', origin: 'https://acme' }),
    credentialOf: () => ({ type: 'ProgrammaticAccessToken', user: 'u', token: 't' }),
    recording: {
      writer: 'test/w/one',
      async append({ kind, fields }: { kind: string; fields: { op?: string } }) {
        if (kind === failing) throw new RecordingUnavailable('disk full');
        happened.push(`record ${kind} ${fields.op ?? ''}`.trim());
      },
    },
    snowflake: {
      async login() {
        happened.push('login');
        return { ok: true, login: { tokens: { sessionId: '7' }, context: {} } };
      },
      async logout() {
        happened.push('logout');
      },
    },
    clock: { nowMs: () => 1 },
    log: SILENT_LOG,
    version: '1',
  } as unknown as OwnSessionDeps;
  const work = async () => void happened.push('work');
  await withOwnSession(deps, 'crm', new AbortController().signal, work).catch(() => happened.push('failed'));
  return happened;
}

test('is recorded before each thing that leaves: log-in, work, log-out', async () => {
  const all = ['record control login', 'login', 'record session.open', 'work', 'record session.close', 'logout'];
  expect(await happenings()).toEqual(all);
});

test('does not log out without a record', async () => {
  expect(await happenings('session.close')).toEqual([
    'record control login',
    'login',
    'record session.open',
    'work',
    'failed',
  ]);
});
