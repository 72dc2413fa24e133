import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { createFileStore, loadSigner, makeSigningKey, openRegistryLog } from '@piste/gateway/dist/registry/index.js';

const FSCK = 'github.com/transparency-dev/tessera/cmd/fsck@v1.0.4';

test('the registry is a log that the Go tools accept', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'piste-registry-'));
  try {
    await makeSigningKey(join(directory, 'identity.pem'));
    const { signer } = await loadSigner(join(directory, 'identity.pem'), 'test/registry');
    const store = createFileStore(join(directory, 'registry'));
    const registry = openRegistryLog({ store, signer, nowMs: Date.now });
    for (let round = 0; round < 30; round += 1)
      await registry.append(Array.from({ length: 20 }, (_, at) => ({ kind: 'tick' as const, fields: { round, at } })));
    await writeFile(join(directory, 'vkey'), `${signer.vkey}\n`);
    const flags = [`--storage_url=file://${join(directory, 'registry')}/`, `--public_key=${join(directory, 'vkey')}`];
    const { stderr } = await promisify(execFile)('go', ['run', FSCK, ...flags, '--ui=false']);
    expect(stderr).toContain("Successfully fsck'd log with size 601");
  } finally {
    await rm(directory, { recursive: true });
  }
}, 300_000);
