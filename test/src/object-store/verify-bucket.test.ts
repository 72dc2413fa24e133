import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type FakeS3, startFakeS3 } from './fake-s3.js';
import { openFakeStore } from './open-store.js';

const PISTE = fileURLToPath(new URL('../../../gateway/bin/piste.js', import.meta.url));
const VECTOR = fileURLToPath(
  new URL('../../../gateway/verifier/testdata/recordings/archived-encrypted/', import.meta.url),
);
const PREFIX = 'gateway/a';

let fake: FakeS3;
beforeEach(async () => {
  fake = await startFakeS3();
});
afterEach(async () => {
  await fake.stop();
});

const run = promisify(execFile);

/** The command as people run it, with the store in its environment. */
async function verifyBucket(): Promise<{ readonly code: number; readonly out: string }> {
  const args = [
    PISTE,
    'audit',
    'verify',
    `s3://${fake.bucketName}/${PREFIX}`,
    '--trust',
    join(VECTOR, 'trust.json'),
    '--json',
  ];
  const env = {
    ...process.env,
    PISTE_ARCHIVE_ENDPOINT: fake.endpoint,
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
  };
  try {
    return { code: 0, out: (await run(process.execPath, args, { env })).stdout };
  } catch (error) {
    const { code, stdout } = error as { readonly code: number; readonly stdout: string };
    return { code, out: stdout };
  }
}

async function upload(): Promise<readonly string[]> {
  const root = join(VECTOR, 'recording');
  const store = openFakeStore(fake, PREFIX);
  const paths: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name).slice(root.length + 1);
    const bytes = await readFile(join(root, path));
    await store.compareAndPut(path, bytes, undefined);
    paths.push(path);
  }
  store.close();
  return paths;
}

test('piste audit verify reads a bucket, and notices what was laid over an object', async () => {
  const paths = await upload();
  const before = await verifyBucket();
  const { findings, counts } = JSON.parse(before.out);
  expect(new Set(findings.map(({ code }: { code: string }) => code))).toEqual(new Set(['texts-not-checked']));
  expect({ code: before.code, records: counts.records }).toEqual({ code: 0, records: 8 });
  const store = openFakeStore(fake, PREFIX);
  const path = paths.find((name) => name.endsWith('.sfr')) ?? '';
  const head = await store.get(path, 1_000_000);
  await store.compareAndPut(path, Buffer.from('something else'), head?.etag);
  store.close();
  const after = await verifyBucket();
  expect(after.code).toBe(1);
  expect(JSON.parse(after.out).findings).toContainEqual(
    expect.objectContaining({ severity: 'tampered', code: 'shadow-version' }),
  );
});
