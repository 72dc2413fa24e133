import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  type Cosigner,
  cosignedAt,
  createCosigner,
  createHashTree,
  encodeCheckpointText,
  type HashTree,
  hashLeaf,
  makeConsistencyProof,
  parseCosignatureVkey,
  parseNote,
  readRegistry,
  sha256,
  verifyDirectory,
} from '@piste/verifier';
import { entry, withDirectory } from '../recording/recording-fixture.js';
import { sourceOf, startTestGateway, testIdentity } from './registry-fixture.js';
import { createWitness, encodeAddCheckpoint, type Witness } from './witness.js';
import { claimState, createWitnessServer, openWitnessStore } from './witness-server.js';

const LOG = testIdentity(7);
const COSIGNER = createCosigner('witness.test/w', generateKeyPairSync('ed25519').privateKey);
const NOW_MS = Date.UTC(2026, 10, 23, 7);

function treeOf(size: number, flavour = 'leaf'): HashTree {
  const tree = createHashTree();
  for (let at = 0; at < size; at += 1) tree.append(hashLeaf(Buffer.from(`${at < 5 ? 'leaf' : flavour} ${at}`)));
  return tree;
}

function signed(tree: HashTree, size = tree.size): string {
  return LOG.signNote(encodeCheckpointText({ origin: LOG.name, size, root: tree.root(size) }));
}

function request(tree: HashTree, from: number, size = tree.size): string {
  const proof = makeConsistencyProof(tree, from, size);
  return encodeAddCheckpoint({ oldSize: from, proof, checkpoint: signed(tree, size) });
}

/** Runs a witness over HTTP on a directory; `restart` stops it and starts it again on the same state. */
async function withWitness(
  use: (witness: {
    readonly post: (body: string) => Promise<Response>;
    readonly url: string;
    restart(): Promise<void>;
  }) => Promise<void>,
  cosigner: Cosigner = COSIGNER,
): Promise<void> {
  await withDirectory(async (directory) => {
    let server: Server;
    let url = '';
    const start = async (): Promise<void> => {
      const store = await openWitnessStore(directory);
      const witness = createWitness({ cosigner, logs: [LOG.vkey], store, nowMs: () => NOW_MS });
      server = createWitnessServer(witness, () => undefined);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      if (typeof address !== 'object' || address === null) throw new Error('it listens');
      url = `http://127.0.0.1:${address.port}`;
    };
    const stop = async (): Promise<void> => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
    await start();
    try {
      await use({
        post: (body) => fetch(`${url}/add-checkpoint`, { method: 'POST', body }),
        get url() {
          return url;
        },
        async restart() {
          await stop();
          await start();
        },
      });
    } finally {
      await stop();
    }
  });
}

describe('a witness', () => {
  test('cosigns what continues, survives a restart, and serves its newest checkpoint', async () => {
    const tree = treeOf(20);
    const verifier = parseCosignatureVkey(COSIGNER.vkey);
    if (verifier === undefined) throw new Error('the key parses');
    await withWitness(async (witness) => {
      const first = await witness.post(request(tree, 0, 7));
      expect(first.status).toBe(200);
      const note = parseNote(Buffer.from(signed(tree, 7) + (await first.text()), 'utf8'));
      expect(note === undefined ? undefined : await cosignedAt(note, verifier)).toBe(NOW_MS / 1000);
      expect((await witness.post(request(tree, 7, 13))).status).toBe(200);
      await witness.restart();
      expect((await witness.post(request(tree, 13, 20))).status).toBe(200);
      expect((await witness.post(request(tree, 20, 20))).status).toBe(200);
      const kept = await fetch(`${witness.url}/${sha256(Buffer.from(LOG.name)).toString('hex')}/checkpoint`);
      const newest = parseNote(Buffer.from(await kept.text(), 'utf8'));
      expect(newest?.text).toBe(encodeCheckpointText({ origin: LOG.name, size: 20, root: tree.root() }));
      expect(newest?.signatures.map(({ name }) => name)).toEqual([LOG.name, COSIGNER.name]);
    });
  });

  test('answers an old size that is not the one it knows with the one it knows', async () => {
    const tree = treeOf(20);
    await withWitness(async (witness) => {
      await witness.post(request(tree, 0, 7));
      await witness.restart();
      for (const from of [0, 3, 9]) {
        const answer = await witness.post(request(tree, from, 20));
        expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
          409,
          'text/x.tlog.size',
          '7\n',
        ]);
      }
    });
  });

  test('never cosigns a shorter tree or another one, also after a restart', async () => {
    const tree = treeOf(20);
    const fork = treeOf(20, 'fork');
    await withWitness(async (witness) => {
      await witness.post(request(tree, 0, 12));
      await witness.restart();
      expect((await witness.post(request(tree, 0, 8))).status).toBe(409);
      expect((await witness.post(request(tree, 8, 8))).status).toBe(409);
      expect((await witness.post(request(fork, 12, 20))).status).toBe(422);
      expect((await witness.post(request(fork, 12, 12))).status).toBe(422);
      const rollback = encodeAddCheckpoint({ oldSize: 12, proof: [], checkpoint: signed(tree, 8) });
      expect((await witness.post(rollback)).status).toBe(400);
      expect((await witness.post(request(tree, 12, 20))).status).toBe(200);
    });
  });

  test.each([
    [
      'an unknown log',
      404,
      () =>
        encodeAddCheckpoint({
          oldSize: 0,
          proof: [],
          checkpoint: testIdentity(7, 'other').signNote(
            encodeCheckpointText({ origin: 'other/registry', size: 1, root: sha256() }),
          ),
        }),
    ],
    [
      'another key',
      403,
      () =>
        encodeAddCheckpoint({
          oldSize: 0,
          proof: [],
          checkpoint: testIdentity(8).signNote(encodeCheckpointText({ origin: LOG.name, size: 1, root: sha256() })),
        }),
    ],
    ['a broken signature', 403, () => request(treeOf(3), 0).replace(/\n3\n/, '\n4\n')],
    [
      'an empty tree with a root of its own',
      422,
      () =>
        encodeAddCheckpoint({
          oldSize: 0,
          proof: [],
          checkpoint: LOG.signNote(encodeCheckpointText({ origin: LOG.name, size: 0, root: sha256(Buffer.from('x')) })),
        }),
    ],
    [
      'a proof where none is due',
      422,
      () => encodeAddCheckpoint({ oldSize: 0, proof: [sha256()], checkpoint: signed(treeOf(3)) }),
    ],
    ['an old size with a nought before it', 400, () => request(treeOf(3), 0).replace('old 0', 'old 00')],
    ['no checkpoint', 400, () => 'old 0\n\n'],
    ['too many hashes', 400, () => `old 1\n${`${sha256().toString('base64')}\n`.repeat(64)}\n${signed(treeOf(3))}`],
    ['a very long request', 400, () => 'x'.repeat(300_000)],
  ])('refuses %s with %i', async (_, status, body) => {
    await withWitness(async ({ post }) => {
      expect((await post(body())).status).toBe(status);
      expect((await post(request(treeOf(3), 0))).status).toBe(200);
    });
  });

  test('of many that ask at once from one size, cosigns one line of trees only', async () => {
    await withDirectory(async (directory) => {
      const store = await openWitnessStore(directory);
      const witness: Witness = createWitness({ cosigner: COSIGNER, logs: [LOG.vkey], store, nowMs: () => NOW_MS });
      const trees = Array.from({ length: 12 }, (_, at) => treeOf(20, `fork ${at}`));
      const answers = await Promise.all(trees.map((tree) => witness.addCheckpoint(request(tree, 0))));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(11);
    });
  });

  test('cosigns nothing when its state cannot be kept', async () => {
    const store = { get: () => Promise.resolve(undefined), put: () => Promise.reject(new Error('disk full')) };
    const witness = createWitness({ cosigner: COSIGNER, logs: [LOG.vkey], store, nowMs: () => NOW_MS });
    await expect(witness.addCheckpoint(request(treeOf(3), 0))).rejects.toThrow('disk full');
    const damaged = { get: () => Promise.resolve('no note'), put: () => Promise.resolve() };
    const other = createWitness({ cosigner: COSIGNER, logs: [LOG.vkey], store: damaged, nowMs: () => NOW_MS });
    await expect(other.addCheckpoint(request(treeOf(3), 0))).rejects.toThrow(/damaged/);
  });

  test('keeps a second process from its state, and takes it over from one that died', async () => {
    await withDirectory(async (directory) => {
      await writeFile(join(directory, 'pid'), `${process.ppid}\n`);
      await expect(claimState(directory)).rejects.toThrow(/uses this state already/);
      const child = spawn(process.execPath, ['-e', '']);
      await once(child, 'exit');
      await writeFile(join(directory, 'pid'), `${child.pid}\n`);
      await (await claimState(directory))();
      expect(await readFile(join(directory, 'pid'), 'utf8')).toBe('');
    });
  });
});

describe('a gateway with witnesses', () => {
  const policyWith = (url: string, cosigner: Cosigner = COSIGNER): string =>
    `log ${LOG.vkey}\nwitness one ${cosigner.vkey} ${url}\nquorum one\n`;

  test('has its registry cosigned at the start and the end; the verdict says so', async () => {
    await withWitness(async ({ url }) => {
      await withDirectory(async (parent) => {
        const directory = join(parent, 'recording');
        const gateway = await startTestGateway(directory, { witnesses: policyWith(url) });
        await gateway.recording.append(entry('control', { op: 'x' }));
        await gateway.close();
        const trust = await gateway.trust();
        expect(trust.witnesses).toBe(policyWith(url));
        const verdict = await verifyDirectory(directory, trust);
        expect(verdict.findings).toContainEqual(expect.objectContaining({ severity: 'note', code: 'anchor-age' }));
        expect(verdict.outcome).toBe('sound');
        // The cosigned checkpoints beside the registry are enough, without the trust file's own.
        const bare = { writers: [], checkpoints: [], registry: LOG.vkey, witnesses: policyWith(url) };
        expect((await verifyDirectory(directory, bare)).outcome).toBe('sound');
        const other = createCosigner('other.test/w', generateKeyPairSync('ed25519').privateKey);
        const stranger = await verifyDirectory(directory, { ...bare, witnesses: policyWith(url, other) });
        expect(stranger.findings).toContainEqual(expect.objectContaining({ code: 'quorum-not-met' }));
        expect(stranger.outcome).toBe('cannot-conclude');
      });
    });
  });

  test('keeps in the registry that a witness refused a registry set back', async () => {
    await withWitness(async ({ url }) => {
      await withDirectory(async (parent) => {
        const [before, after] = [join(parent, 'before'), join(parent, 'after')];
        await (await startTestGateway(before, { witnesses: policyWith(url) })).close();
        // Somebody with the identity key starts the registry anew.
        const gateway = await startTestGateway(after, { witnesses: policyWith(url), name: 'anew' });
        await gateway.close();
        const { registry } = await readRegistry(sourceOf(after));
        const refusals = registry?.entries.filter(({ fields }) => 'refused' in fields);
        expect(refusals).toMatchObject([{ kind: 'tick', fields: { refused: { witness: 'one' } } }]);
        const verdict = await verifyDirectory(after, await gateway.trust());
        expect(verdict.findings).toContainEqual(expect.objectContaining({ code: 'quorum-not-met' }));
      });
    });
  });

  test('takes no answer for a cosignature that is none', async () => {
    const liar = createCosigner('witness.test/w', generateKeyPairSync('ed25519').privateKey);
    await withWitness(async ({ url }) => {
      await withDirectory(async (parent) => {
        const directory = join(parent, 'recording');
        // The policy names another key than the one that answers.
        const gateway = await startTestGateway(directory, { witnesses: policyWith(url) });
        await gateway.close();
        const { registry } = await readRegistry(sourceOf(directory));
        expect(registry?.cosigned).toEqual([]);
      });
    }, liar);
  });
});
