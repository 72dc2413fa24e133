import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Run, run } from '@piste/gateway/dist/cli/run-fixture.js';
import { createKeptNoteSigner, openKeysWith, parseIdentities } from '@piste/verifier';
import { type AuditorKey, makeAuditorKey } from '../demo/auditor-key.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { eventually, loginByHand } from './callers.js';
import { recordsIn } from './records.js';

let key: AuditorKey;
let folder: string;
let playground: Playground;

beforeAll(async () => {
  key = await makeAuditorKey();
  folder = await mkdtemp(join(tmpdir(), 'piste-officers-'));
  const vkeys: string[] = [];
  for (const name of ['ann', 'ben']) {
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeFile(join(folder, `${name}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    vkeys.push(createKeptNoteSigner(`officer/${name}`, privateKey).vkey);
  }
  await writeFile(join(folder, 'officers'), vkeys.join('\n'));
  playground = await startPlayground({
    gatewayEnvironment: {
      PISTE_RECORDING_RECIPIENTS_FILE: key.recipientsFile,
      PISTE_OFFICERS_FILE: join(folder, 'officers'),
    },
  });
}, 60_000);
afterAll(async () => {
  await playground?.stop();
  await key?.remove();
  await rm(folder, { recursive: true, force: true });
});

const REASON = 'request 4711';

const audit = (...words: readonly string[]): Promise<Run> =>
  run(['audit', ...words], {
    environment: {
      PISTE_RECORDING_DIR: playground.recordingDirectory,
      PISTE_REGISTRY_DIR: join(playground.recordingDirectory, 'registry'),
      PISTE_IDENTITY_KEY_FILE: join(playground.directory, 'identity.pem'),
      PISTE_DEPLOYMENT: 'playground',
    },
    nowMs: Date.now,
  });

async function shred(sessionId: string): Promise<Run> {
  const notes: string[] = [];
  for (const name of ['ann', 'ben']) {
    const signer = ['--key', join(folder, `${name}.pem`), '--name', `officer/${name}`];
    const { out } = await audit('authorize', sessionId, '--reason', REASON, ...signer);
    await writeFile(join(folder, `${name}.note`), out);
    notes.push('--authorization', join(folder, `${name}.note`));
  }
  return audit('shred', sessionId, '--reason', REASON, ...notes);
}

test('a session that is shredded while it is served ends, and the gateway forgets what its records stood under', async () => {
  const wire = await loginByHand(playground);
  const other = await loginByHand(playground);
  expect(await wire.query("SELECT 'of the shredded session' AS v")).toMatchObject({ success: true });
  const opened = (await recordsIn(playground.recordingDirectory)).find(({ leaf }) => leaf.kind === 'session.open');
  const sessionId = opened?.leaf.strand?.sessionId ?? '';
  expect(await shred(sessionId)).toMatchObject({ code: 0 });
  // Not by using it: what is asked at that moment would be recorded after the end.
  await eventually(
    'the end of the session',
    async () => {
      const ended = (await recordsIn(playground.recordingDirectory)).filter(
        ({ leaf }) => leaf.kind === 'session.close',
      );
      return ended.some(({ leaf }) => leaf.strand?.sessionId === sessionId) ? true : undefined;
    },
    20_000,
  );
  expect(await wire.query('SELECT 1 AS v')).toMatchObject({ success: false, code: '390111' });
  expect(await other.query('SELECT 1 AS v')).toMatchObject({ success: true });
  await playground.stopGateway();

  const identities = parseIdentities(await readFile(key.identityFile, 'utf8'));
  if (!identities.ok) throw new Error('the identity does not parse');
  const records = await recordsIn(playground.recordingDirectory, openKeysWith(identities.keys));
  const strand = records.filter(({ leaf }) => leaf.strand?.sessionId === sessionId);
  expect(strand.at(-1)?.leaf).toMatchObject({ kind: 'session.close', fields: { why: 'shredded' } });
  expect(strand.filter(({ leaf }) => leaf.kind === 'key')).toHaveLength(1);
  expect(strand.some(({ blind, bodies }) => blind?.secret !== undefined || bodies.size > 0)).toBe(false);
  const verdict = await audit('verify', playground.recordingDirectory, '--trust', playground.checkpointFile);
  expect(verdict.out).toMatch(/^audit verify: OK/);
}, 60_000);
