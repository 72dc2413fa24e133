import { generateKeyPairSync } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createKeptNoteSigner, encodeShredText, type NoteSigner, verifyDirectory } from '@piste/verifier';
import { splitSegment } from '../archive/split-segment.js';
import { entry, withDirectory } from '../recording/recording-fixture.js';
import type { ErasureDeps } from './erasure.js';
import { createFileErasure } from './erasure-port.js';
import { changeHold } from './hold.js';
import { sourceOf, startTestGateway, type TestGateway, testIdentity } from './registry-fixture.js';
import { pruneBodies } from './retention.js';
import { shredSession } from './shred.js';

const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const REASON = 'request 4711 under article 17';
const officer = (name: string): NoteSigner => createKeptNoteSigner(name, generateKeyPairSync('ed25519').privateKey);
const [ANN, BEN, EVE] = [officer('officer/ann'), officer('officer/ben'), officer('officer/eve')] as const;

const agreement = (signer: NoteSigner, sessionId = 'session-1', reason = REASON): string =>
  signer.signNote(encodeShredText({ origin: 'test/registry', sessionId, reason }));

interface Story {
  readonly gateway: TestGateway;
  readonly directory: string;
  readonly deps: ErasureDeps;
}

/** A closed, encrypted recording of two sessions whose registry names two officers. */
async function withStory(use: (story: Story) => Promise<void>): Promise<void> {
  await withDirectory(async (parent) => {
    const directory = join(parent, 'recording');
    const gateway = await startTestGateway(directory, { officers: [ANN.vkey, BEN.vkey], recipients: [RECIPIENT] });
    await gateway.recording.append(entry('control', { op: 'x' }, { rows: 'secret of one' }));
    await gateway.recording.append({
      ...entry('control', { op: 'y' }, { rows: 'secret of two' }),
      sessionId: 'session-2',
    });
    await gateway.close();
    const { registry } = gateway.opened;
    const nowMs = (): number => gateway.clock.nowMs();
    await use({
      gateway,
      directory,
      deps: { registry, source: sourceOf(directory), ports: [createFileErasure(directory)], nowMs },
    });
  });
}

async function keysIn(directory: string, gateway: TestGateway): Promise<readonly string[]> {
  return (await readdir(join(directory, gateway.recording.writer.slice(-26), 'keys'))).sort();
}

const trust = { writers: [], checkpoints: [], registry: testIdentity().vkey };

describe('shredding a session', () => {
  test('destroys its keys and no other, and the recording stays sound with a note', async () => {
    await withStory(async ({ gateway, directory, deps }) => {
      expect((await verifyDirectory(directory, trust)).outcome).toBe('sound');
      const before = await keysIn(directory, gateway);
      const authorizations = [agreement(ANN), agreement(BEN)];
      const result = await shredSession(deps, { sessionId: 'session-1', reason: REASON, authorizations });
      expect(result).toMatchObject({ ok: true, removed: 1, absent: 0, damaged: [] });
      expect((await keysIn(directory, gateway)).length).toBe(before.length - 1);
      const verdict = await verifyDirectory(directory, trust);
      expect(verdict.outcome).toBe('sound');
      expect(verdict.findings).toContainEqual(
        expect.objectContaining({ severity: 'note', code: 'key-missing', message: expect.stringContaining(REASON) }),
      );
    });
  });

  test('a key removed without it is not explained', async () => {
    await withStory(async ({ gateway, directory }) => {
      const [key = ''] = await keysIn(directory, gateway);
      await rm(join(directory, gateway.recording.writer.slice(-26), 'keys', key));
      expect((await verifyDirectory(directory, trust)).outcome).toBe('cannot-conclude');
    });
  });

  test.each([
    ['one officer', [agreement(ANN)]],
    ['one officer twice', [agreement(ANN), agreement(ANN)]],
    ['one officer and a stranger', [agreement(ANN), agreement(EVE)]],
    ['an agreement to another session', [agreement(ANN), agreement(BEN, 'session-2')]],
    ['an agreement to another reason', [agreement(ANN), agreement(BEN, 'session-1', 'because')]],
    ['texts that are no notes', [agreement(ANN), 'I agree']],
  ])('needs more than %s', async (_, authorizations) => {
    await withStory(async ({ gateway, directory, deps }) => {
      const before = await keysIn(directory, gateway);
      const result = await shredSession(deps, { sessionId: 'session-1', reason: REASON, authorizations });
      expect(result).toMatchObject({ ok: false, refusal: { kind: 'not-authorized' } });
      expect(await keysIn(directory, gateway)).toEqual(before);
    });
  });

  test('waits while a hold is set, on the session or on everything', async () => {
    await withStory(async ({ deps }) => {
      const shredding = { sessionId: 'session-1', reason: REASON, authorizations: [agreement(ANN), agreement(BEN)] };
      for (const sessionId of ['session-1', undefined]) {
        const hold = { id: 'case-9', reason: 'lawsuit', ...(sessionId === undefined ? {} : { sessionId }) };
        await changeHold({ ...deps, ports: [] }, { ...hold, v: 'set' });
        expect(await shredSession(deps, shredding)).toMatchObject({ ok: false, refusal: { kind: 'held' } });
        await changeHold({ ...deps, ports: [] }, { ...hold, v: 'release' });
      }
      await changeHold({ ...deps, ports: [] }, { id: 'other', v: 'set', reason: 'lawsuit', sessionId: 'session-2' });
      expect(await shredSession(deps, shredding)).toMatchObject({ ok: true });
    });
  });

  test('by a registry that says so on the word of one officer is a finding', async () => {
    await withStory(async ({ directory, deps }) => {
      const fields = { sid: 'session-1', reason: REASON, keys: [], authorizations: [agreement(ANN)] };
      await deps.registry.append([{ kind: 'shred', fields }]);
      const verdict = await verifyDirectory(directory, trust);
      expect(verdict.findings).toContainEqual(expect.objectContaining({ code: 'shred-unauthorized' }));
    });
  });

  test('says so in the registry before a key goes', async () => {
    await withStory(async ({ gateway, directory, deps }) => {
      const before = await keysIn(directory, gateway);
      const append = (): Promise<number> => Promise.reject(new Error('registry is down'));
      const broken = { ...deps, registry: { ...deps.registry, append } };
      const shredding = { sessionId: 'session-1', reason: REASON, authorizations: [agreement(ANN), agreement(BEN)] };
      await expect(shredSession(broken, shredding)).rejects.toThrow('registry is down');
      expect(await keysIn(directory, gateway)).toEqual(before);
    });
  });
});

describe('retention', () => {
  /** Replaces the whole segment by its archived form. */
  async function archive(directory: string, gateway: TestGateway): Promise<string> {
    const folder = join(directory, gateway.recording.writer.slice(-26));
    const { entries, bodies } = splitSegment(await readFile(join(folder, '00000001.seg')));
    await writeFile(join(folder, '00000001.sfr'), Buffer.concat(entries));
    await writeFile(join(folder, '00000001.sfb'), Buffer.concat(bodies ?? []));
    await rm(join(folder, '00000001.seg'));
    return folder;
  }

  test('removes old archived bodies, and the recording stays sound with a note', async () => {
    await withStory(async ({ gateway, directory, deps }) => {
      const folder = await archive(directory, gateway);
      expect((await verifyDirectory(directory, trust)).outcome).toBe('sound');
      const retention = { days: 90, reason: 'policy' };
      expect(await pruneBodies(deps, retention)).toMatchObject({ ok: false, refusal: { kind: 'nothing' } });
      gateway.clock.advance(91 * 86_400_000);
      expect(await pruneBodies(deps, retention)).toMatchObject({ ok: true, removed: 1 });
      expect(await readdir(folder)).not.toContain('00000001.sfb');
      const verdict = await verifyDirectory(directory, trust);
      expect(verdict.findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
      expect(verdict.findings).toContainEqual(expect.objectContaining({ severity: 'note', code: 'bodies-missing' }));
      expect(verdict.outcome).toBe('sound');
    });
  });

  test('leaves what a hold protects', async () => {
    await withStory(async ({ gateway, directory, deps }) => {
      const folder = await archive(directory, gateway);
      gateway.clock.advance(91 * 86_400_000);
      await changeHold({ ...deps, ports: [] }, { id: 'case-9', v: 'set', reason: 'lawsuit', sessionId: 'session-2' });
      expect(await pruneBodies(deps, { days: 90, reason: 'policy' })).toMatchObject({ ok: false });
      expect(await readdir(folder)).toContain('00000001.sfb');
    });
  });

  test('bodies removed without it are not explained', async () => {
    await withStory(async ({ gateway, directory }) => {
      const folder = await archive(directory, gateway);
      await rm(join(folder, '00000001.sfb'));
      expect((await verifyDirectory(directory, trust)).outcome).toBe('cannot-conclude');
    });
  });
});
