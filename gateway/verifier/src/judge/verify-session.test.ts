import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createLogBuilder } from '../fixture/log-builder.js';
import { withRepairedCrc } from '../fixture/repair-crc.js';
import {
  buildSessionWorld,
  cutWorld,
  MARK,
  SESSION,
  type SessionWorld,
  ULIDS,
  type WorldShape,
} from '../fixture/session-world.js';
import { framesOf } from '../fixture/split-segment.js';
import { sayShortly, verifyFiles } from '../fixture/verdicts.js';
import { encodeFrame, FRAME_HEADER_BYTES } from '../format/frame.js';
import { createHashTree } from '../format/hash-tree.js';
import { createCosigner } from '../format/kept-signer.js';
import { parseLeaf } from '../format/leaf.js';
import { hashLeaf } from '../format/merkle.js';
import { encodePartFile, type PartFile, parsePartFile } from '../format/part-file.js';
import { makeTreePart } from '../format/tree-part.js';
import { openMemory } from '../read/memory-source.js';
import type { Trust } from './trust.js';
import type { Verdict } from './verify.js';
import { verifySession } from './verify-session.js';

const IS_TORTURE = process.env['PISTE_TORTURE'] === '1';
const TORTURE_TIMEOUT_MS = 3_600_000;
const [MAIN, OTHER] = ULIDS;
const WITNESS = createCosigner('witness.test/w', generateKeyPairSync('ed25519').privateKey);

type Folder = ReadonlyMap<string, Buffer>;

function judge(folder: Folder, trust?: Trust, session = SESSION): Promise<Verdict> {
  return verifySession(openMemory('bundle', folder), session, trust);
}

async function say(folder: Folder, trust?: Trust): Promise<string> {
  return sayShortly(await judge(folder, trust));
}

async function made(
  shape?: WorldShape,
): Promise<{ readonly world: SessionWorld; readonly folder: Map<string, Buffer> }> {
  const world = buildSessionWorld(shape);
  return { world, folder: await cutWorld(world) };
}

function partIn(folder: Folder, path: string): PartFile {
  const part = parsePartFile(folder.get(path) ?? Buffer.alloc(0));
  if (part === undefined) throw new Error(`${path} is a proof`);
  return part;
}

function withPart(folder: Folder, path: string, part: PartFile): Map<string, Buffer> {
  return new Map(folder).set(path, Buffer.from(encodePartFile(part)));
}

/** A whole log's records, each with its bodies' frames before its own. */
function recordsOf(files: Folder, ulid: string): readonly Buffer[] {
  const records: Buffer[] = [];
  let waiting: Buffer[] = [];
  for (const { type, bytes } of framesOf(files.get(`${ulid}/00000001.seg`) ?? Buffer.alloc(0))) {
    if (type === 'body') waiting.push(bytes);
    if (type !== 'entry') continue;
    records.push(Buffer.concat([...waiting, bytes]));
    waiting = [];
  }
  return records;
}

const leafIn = (record: Buffer): Buffer =>
  framesOf(record).at(-1)?.bytes.subarray(FRAME_HEADER_BYTES) ?? Buffer.alloc(0);

/** A log's two files with records of the forger's choice, proven as well as can be. */
function forge(world: SessionWorld, folder: Folder, ulid: string, places: readonly number[]): Map<string, Buffer> {
  const records = recordsOf(world.files, ulid);
  const tree = createHashTree();
  for (const record of records) tree.append(hashLeaf(leafIn(record)));
  const { note, earlier } = partIn(folder, `${ulid}/proof.json`);
  const part = { ...makeTreePart(tree, places), earlier, note };
  const chosen = places.map((place) => records[place] ?? Buffer.alloc(0));
  return withPart(folder, `${ulid}/proof.json`, part).set(`${ulid}/records.sfs`, Buffer.concat(chosen));
}

function without(folder: Folder, ...prefixes: readonly string[]): Map<string, Buffer> {
  return new Map([...folder].filter(([path]) => !prefixes.some((prefix) => path.startsWith(prefix))));
}

describe('a session bundle', () => {
  test.each<[string, WorldShape]>([
    ['in two logs', {}],
    ['in one log', { roams: false }],
    ['with encrypted texts', { encrypted: true }],
    ['under a witness', { cosigner: WITNESS }],
  ])('of a session %s is sound, as the whole recording is', async (_, shape) => {
    const { world, folder } = await made(shape);
    expect(sayShortly(await verifyFiles(world.files, world.trust))).toBe('sound');
    const verdict = await judge(folder, world.trust);
    expect(verdict.findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
    expect(verdict).toMatchObject({ outcome: 'sound', session: SESSION, counts: { sessions: 1 } });
    expect(verdict.logs.map(({ state, trusted }) => ({ state, trusted }))).toEqual(
      ((shape.roams ?? true) ? [1, 2] : [1]).map(() => ({ state: 'part', trusted: true })),
    );
  });

  test('shows nothing of other sessions, nor what they used', async () => {
    const { folder } = await made({ cosigner: WITNESS });
    for (const [path, bytes] of folder) expect({ path, at: bytes.indexOf(MARK) }).toEqual({ path, at: -1 });
    const [third] = ULIDS.slice(2);
    for (const bytes of folder.values()) expect(bytes.includes(third ?? '?')).toBe(false);
    // What the log says of itself stays, as far as it concerns the session.
    const kinds = recordsOf(
      new Map([[`${MAIN}/00000001.seg`, folder.get(`${MAIN}/records.sfs`) ?? Buffer.alloc(0)]]),
      MAIN,
    ).map((record) => parseLeaf(leafIn(record))?.kind);
    expect(kinds.filter((kind) => kind === 'gap' || kind === 'mode.change' || kind === 'writer.open')).toEqual([
      'writer.open',
      'gap',
      'mode.change',
    ]);
  });

  test('is told apart from a session that is open, or whose gateway nobody vouches for', async () => {
    const open = await made({ open: true });
    expect(await say(open.folder, open.world.trust)).toBe('cannot-conclude session-end');
    const { world, folder } = await made();
    expect(await say(folder)).toBe('cannot-conclude untrusted-writer');
    expect(await say(without(folder, 'registry'), world.trust)).toBe('cannot-conclude registry-missing');
    const stranger = { ...world.trust, registry: createLogBuilder(MAIN).vkey };
    expect(await say(folder, stranger)).toBe('tampered untrusted-writer bad-certificate registry-key');
    expect((await judge(folder, world.trust, 'other')).outcome).toBe('tampered');
  });

  test('is measured by kept checkpoints, where it shows how they follow', async () => {
    const { world, folder } = await made();
    const log = { origin: `test/w/${MAIN}`, size: partSize(folder), root: Buffer.alloc(32, 1).toString('base64') };
    expect(await say(folder, { ...world.trust, checkpoints: [log] })).toBe('tampered checkpoint-mismatch');
    const other = await judge(folder, { ...world.trust, checkpoints: [{ ...log, size: log.size - 1 }] });
    expect(other.outcome).toBe('sound');
    expect(other.findings).toContainEqual(
      expect.objectContaining({ severity: 'note', code: 'checkpoint-not-compared' }),
    );
    const registry = { origin: 'test/registry', size: 10, root: log.root };
    expect(await say(folder, { ...world.trust, checkpoints: [registry] })).toBe('tampered registry-forked');
    const policy = `witness w ${WITNESS.vkey}\nquorum w\n`;
    expect(await say(folder, { ...world.trust, witnesses: policy })).toBe('cannot-conclude quorum-not-met');
  });

  test.each([MAIN, OTHER])(
    'is never sound without one of the records of %s, however well the rest is proven',
    async (ulid) => {
      const { world, folder } = await made();
      const { places } = partIn(folder, `${ulid}/proof.json`);
      const sound: number[] = [];
      for (const place of places) {
        const kind = parseLeaf(leafIn(recordsOf(world.files, ulid)[place] ?? Buffer.alloc(0)))?.kind;
        const forged = forge(
          world,
          folder,
          ulid,
          places.filter((other) => other !== place),
        );
        const { outcome } = await judge(forged, world.trust);
        // What a log says of itself can be left out: nothing shows that it was there.
        if (outcome === 'sound' && kind !== 'gap' && kind !== 'mode.change') sound.push(place);
      }
      expect(places.length).toBeGreaterThan(1);
      expect(sound).toEqual([]);
      expect((await judge(forge(world, folder, ulid, places), world.trust)).outcome).toBe('sound');
    },
  );

  test('is never sound with a tail of its records left out, or a log', async () => {
    const { world, folder } = await made();
    const { places } = partIn(folder, `${MAIN}/proof.json`);
    for (let count = 1; count < places.length; count += 1) {
      const { outcome } = await judge(forge(world, folder, MAIN, places.slice(0, count)), world.trust);
      expect({ count, isSound: outcome === 'sound' }).toEqual({ count, isSound: false });
    }
    expect(await say(without(folder, OTHER), world.trust)).toContain('link-unresolved');
    expect((await judge(without(folder, MAIN), world.trust)).outcome).not.toBe('sound');
    expect((await judge(new Map(), world.trust)).outcome).not.toBe('sound');
  });

  test('is tampered with where a record of another session, or of none, was put in', async () => {
    const { world, folder } = await made();
    const { places } = partIn(folder, `${MAIN}/proof.json`);
    const all = recordsOf(world.files, MAIN).length;
    for (let place = 0; place < all; place += 1) {
      if (places.includes(place)) continue;
      const more = [...places, place].sort((a, b) => a - b);
      const verdict = await say(forge(world, folder, MAIN, more), world.trust);
      // The mode of another connection is the log's own word: a bundle may say it.
      const isMode = parseLeaf(leafIn(recordsOf(world.files, MAIN)[place] ?? Buffer.alloc(0)))?.kind === 'mode.change';
      expect({ place, verdict }).toEqual({
        place,
        verdict: isMode ? 'sound' : expect.stringMatching(/^tampered (stray-record|strand-broken)/),
      });
    }
  });

  test('is tampered with where records are swapped, doubled, renumbered, or another log or session is put in their place', async () => {
    const { world, folder } = await made();
    const [path, proof] = [`${MAIN}/records.sfs`, `${MAIN}/proof.json`];
    const part = partIn(folder, proof);
    const own = part.places.map((place) => recordsOf(world.files, MAIN)[place] ?? Buffer.alloc(0));
    const forgeries: (readonly [string, Map<string, Buffer>])[] = [];
    for (const [at, record] of own.entries()) {
      const next = own[at + 1];
      const put = (list: readonly Buffer[]): Map<string, Buffer> => new Map(folder).set(path, Buffer.concat(list));
      if (next !== undefined) forgeries.push([`swap ${at}`, put(own.with(at, next).with(at + 1, record))]);
      forgeries.push([`double ${at}`, put(own.toSpliced(at, 0, record))], [`drop ${at}`, put(own.toSpliced(at, 1))]);
      const renumbered = part.places.with(at, (part.places[at] ?? 0) + 1);
      if (new Set(renumbered).size === renumbered.length)
        forgeries.push([`renumber ${at}`, withPart(folder, proof, { ...part, places: renumbered })]);
    }
    const strangers = await cutWorld(world, `${MARK}-1`);
    const otherWorld = await made({ roams: false, open: true });
    for (const source of [strangers, otherWorld.folder]) {
      for (const file of [path, proof])
        forgeries.push([`${file} of another`, new Map(folder).set(file, source.get(file) ?? Buffer.alloc(0))]);
      forgeries.push(['a log of another', new Map([...folder, ...without(source, OTHER, 'registry')])]);
    }
    const swapped = new Map(folder)
      .set(proof, folder.get(`${OTHER}/proof.json`) ?? Buffer.alloc(0))
      .set(path, folder.get(`${OTHER}/records.sfs`) ?? Buffer.alloc(0));
    forgeries.push(['the other log', swapped]);
    const sound: string[] = [];
    for (const [name, forged] of forgeries)
      if ((await judge(forged, world.trust)).outcome !== 'tampered') sound.push(name);
    expect(forgeries.length).toBeGreaterThan(30);
    expect(sound).toEqual([]);
  });

  test.each(['proof.json', 'records.sfs', 'registry/proof.json'])(
    'is not sound with a bit of %s flipped, checksums repaired',
    async (name) => {
      const { world, folder } = await made({ cosigner: WITNESS });
      const path = name.startsWith('registry') ? name : `${MAIN}/${name}`;
      const original = folder.get(path) ?? Buffer.alloc(0);
      const step = IS_TORTURE ? 1 : 307;
      const missed: number[] = [];
      for (let bit = 0; bit < original.byteLength * 8; bit += step) {
        const bytes = Buffer.from(original);
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const changed = name === 'records.sfs' ? withRepairedCrc(original, bytes) : bytes;
        const { outcome } = await judge(new Map(folder).set(path, changed), world.trust);
        if (outcome === 'sound') missed.push(bit);
      }
      expect(missed).toEqual([]);
    },
    TORTURE_TIMEOUT_MS,
  );

  test('says that bodies are gone, and does not take some of them for all', async () => {
    const { world, folder } = await made();
    const path = `${MAIN}/records.sfs`;
    const frames = framesOf(folder.get(path) ?? Buffer.alloc(0));
    const put = (list: readonly { readonly bytes: Buffer }[]): Map<string, Buffer> =>
      new Map(folder).set(path, Buffer.concat(list.map(({ bytes }) => bytes)));
    expect(await say(put(frames.filter(({ type }) => type !== 'body')), world.trust)).toBe(
      'cannot-conclude bodies-missing',
    );
    const two = frames.findIndex(({ type }, at) => type === 'body' && frames[at + 1]?.type === 'body');
    expect(await say(put(frames.toSpliced(two, 1)), world.trust)).toMatch(/^tampered body-mismatch/);
    const stray = [...frames, { bytes: encodeFrame('body', Buffer.from('x')) }];
    expect(await say(put(stray), world.trust)).toMatch(/^tampered stray-body/);
  });

  test('holds no file that is none of its own', async () => {
    const { world, folder } = await made();
    for (const path of ['x', `${MAIN}/x`, `${MAIN}/00000001.seg`, 'registry/checkpoint'])
      expect(await say(new Map(folder).set(path, Buffer.alloc(1)), world.trust)).toBe('cannot-conclude unknown-file');
    for (const path of [`${MAIN}/proof.json`, `${MAIN}/records.sfs`])
      expect(await say(without(folder, path), world.trust)).toMatch(/^tampered bad-part/);
  });

  test('checks the keys that are in it', async () => {
    const { world, folder } = await made({ encrypted: true });
    const path = `${MAIN}/keys/0.age`;
    const key = world.files.get(path) ?? Buffer.alloc(0);
    const codes = async (files: Folder): Promise<readonly string[]> =>
      (await judge(files, world.trust)).findings.map(({ code }) => code);
    expect(await codes(folder)).toContain('key-missing');
    expect(await codes(new Map(folder).set(path, key))).not.toContain('key-missing');
    expect(await say(new Map(folder).set(path, Buffer.from('other')), world.trust)).toBe('tampered key-mismatch');
    expect(await say(new Map(folder).set(`${MAIN}/keys/1.age`, key), world.trust)).toBe('cannot-conclude unknown-key');
  });
});

function partSize(folder: Folder): number {
  return Number(partIn(folder, `${MAIN}/proof.json`).note.split('\n')[1]);
}
