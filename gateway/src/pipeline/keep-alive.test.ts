import { expect, test } from '@jest/globals';
import { RecordingUnavailable } from '../recording/index.js';
import { SILENT_LOG } from '../recording/recording-fixture.js';
import type { TokenBox } from '../upstream/index.js';
import { keepAlive } from './keep-alive.js';

const kept = {
  sessionId: 's-1',
  queryId: 'q-1',
  endpoint: { connection: 'crm', account: 'ACME', origin: 'https://acme' },
  box: {} as TokenBox,
};

test.each([
  ['recorded', undefined, ['control heartbeat held q-1', 'heartbeat']],
  ['not recorded', new RecordingUnavailable('disk full'), []],
])('the heartbeat of a held statement leaves once it is recorded: %s', async (_what, failure, expected) => {
  const happened: string[] = [];
  const recording = {
    async note({ kind, fields }: { kind: string; fields: Record<string, unknown> }) {
      if (failure !== undefined) throw failure;
      happened.push([kind, fields['op'], fields['outcome'], fields['qid']].join(' '));
    },
  };
  const heartbeat = async () => happened.push('heartbeat') > 0;
  await keepAlive({ recording, snowflake: { heartbeat }, log: SILENT_LOG }, kept);
  expect(happened).toEqual(expected);
});
