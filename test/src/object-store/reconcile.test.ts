import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectAgent, eventually } from '../e2e/callers.js';
import { askToReconcile, type ReconcileAnswer } from '../e2e/reconcile-call.js';
import type { NodeDriver } from '../harness/node-driver.js';
import { type GatewayProgram, type Playground, startPlayground } from '../playground/playground.js';
import { type FakeS3, startFakeS3 } from './fake-s3.js';

let fake: FakeS3;
let credentials: string;
let playground: Playground;
let agent: NodeDriver;

beforeAll(async () => {
  credentials = await mkdtemp(join(tmpdir(), 'piste-credentials-'));
  const file = join(credentials, 'credentials');
  await writeFile(file, '[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n');
  fake = await startFakeS3();
  playground = await startPlayground({
    gatewayEnvironment: {
      PISTE_AUDITOR_GROUPS: 'auditors',
      // What was read is then kept from one comparison to the next.
      PISTE_RECONCILE_SECONDS: '3600',
      PISTE_ARCHIVE_URL: `s3://${fake.bucketName}/gateway`,
      PISTE_ARCHIVE_ENDPOINT: fake.endpoint,
      PISTE_ARCHIVE_CREDENTIALS_FILE: file,
      PISTE_ARCHIVE_ENTRIES_DAYS: '2',
      PISTE_ARCHIVE_BODIES_DAYS: '1',
      PISTE_ARCHIVE_SHIP_SECONDS: '1',
    },
  });
  agent = await connectAgent(playground);
  for (const city of ['a', 'b', 'c', 'd']) {
    const before = segments().length;
    await agent.execute('SELECT city FROM customers WHERE city > ?', { binds: [city] });
    await eventually('a further segment in the bucket', async () => (segments().length > before ? true : undefined));
  }
}, 90_000);
afterAll(async () => {
  await playground?.stop();
  await fake?.stop();
  await rm(credentials, { recursive: true, force: true });
});

const segments = (): readonly string[] => fake.bucket.keys().filter((key) => key.endsWith('.sfr'));
const alarmsOf = ({ report }: ReconcileAnswer) => report.findings.filter(({ weight }) => weight === 'alarm');
const ask = (at: { readonly consoleUrl: string } = playground) => askToReconcile(playground, at);
const localLogs = async (): Promise<readonly string[]> =>
  (await readdir(playground.recordingDirectory)).filter((name) => /^[0-9A-Z]{26}$/.test(name));

describe('a gateway whose records move to the archive', () => {
  test('finds in the bucket what left its disk', async () => {
    const [ulid = ''] = await localLogs();
    await eventually('a segment that left the disk', async () =>
      (await readdir(join(playground.recordingDirectory, ulid))).includes('00000002.seg') ? undefined : true,
    );
    const { report } = await ask();
    expect([report.outcome, report.findings]).toEqual(['complete', []]);
    expect(report.rows['matched']).toBeGreaterThanOrEqual(4);
  });

  test('cannot conclude while the bucket does not answer, and raises no alarm', async () => {
    fake.fail({ fault: 'reset', method: 'GET' });
    const answer = await ask().finally(() => fake.heal());
    expect(alarmsOf(answer)).toEqual([]);
    expect(answer.report.outcome).toBe('cannot-conclude');
    expect(answer.report.findings.map(({ message }) => message).join()).toMatch(/the archive cannot be read/);
  }, 60_000);

  test('compares what another gateway archived in the same bucket, and alarms about nothing it has not archived yet', async () => {
    const second: GatewayProgram = await playground.startGateway('second', {
      PISTE_ARCHIVE_SHIP_SECONDS: '800',
    });
    const other = await connectAgent({ ...playground, driverUrl: second.driverUrl });
    await other.execute('SELECT 1 AS of_the_second');
    const open = await ask();
    expect([alarmsOf(open), open.report.outcome]).toEqual([[], 'cannot-conclude']);
    expect(open.report.rows['recorded-elsewhere']).toBeGreaterThanOrEqual(1);
    await other.close();
    await second.stop();
    const closed = await ask();
    expect([closed.report.outcome, closed.report.findings]).toEqual(['complete', []]);
  }, 60_000);
});
