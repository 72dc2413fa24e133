import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  blindDigest,
  blindTag,
  digestIn,
  encodeBech32,
  type LogRecord,
  openKeysWith,
  parseIdentity,
  readLog,
  type Trust,
  verifyDirectory,
} from '@piste/verifier';
import { entry, openTestRecording, permitOf, trustIn, withDirectory } from './recording-fixture.js';
import { RecordingUnavailable } from './recording-unavailable.js';

/** Key pairs that are the same in every run. */
function createReader(fill: number) {
  const identity = parseIdentity(encodeBech32('age-secret-key-', Buffer.alloc(32, fill)).toUpperCase());
  if (identity === undefined) throw new Error('the key does not parse');
  return { identity, recipient: encodeBech32('age', identity.publicBytes) };
}

const ANN = createReader(1);
const BEN = createReader(2);
const EVE = createReader(3);

async function read(directory: string, reader?: typeof ANN): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  const openKey = reader === undefined ? undefined : openKeysWith([reader.identity]);
  for await (const record of readLog(directory, { openKey })) records.push(record);
  return records;
}

const SECRET = 'select ssn from people';
const DIGEST = 'd'.repeat(64);

/** Two sessions and a record without one, encrypted to Ann and Ben. */
async function recordSessions(directory: string): Promise<Trust> {
  const recording = await openTestRecording(directory, { recipients: [ANN.recipient, BEN.recipient] });
  const large = Buffer.alloc(2 * 1_048_576, 'row ');
  await recording.recordRequest(permitOf(SECRET), entry('request', { qid: 'q', dec: { v: 'allow' } }, { sql: SECRET }));
  await recording.append({
    kind: 'response',
    sessionId: 'session-1',
    fields: { qid: 'q' },
    bodies: [
      { name: 'head', bytes: Buffer.alloc(0) },
      { name: 'rows', bytes: large },
    ],
  });
  await recording.append({ ...entry('control', {}, { note: SECRET }), sessionId: 'session-2' });
  await recording.append({ ...entry('policy.loaded', {}, { bundle: SECRET }), sessionId: undefined });
  await recording.append(entry('session.close'));
  await recording.append(entry('control', { late: true }, { note: SECRET }));
  await recording.close();
  return trustIn(recording);
}

async function logOf(directory: string): Promise<string> {
  const [ulid = ''] = await readdir(directory);
  return join(directory, ulid);
}

describe('an encrypted recording', () => {
  test.each([
    ['Ann', ANN],
    ['Ben', BEN],
  ])('shows %s, a recipient, every body', (_, reader) =>
    withDirectory(async (directory) => {
      await recordSessions(directory);
      const records = await read(directory, reader);
      const texts = records.flatMap(({ leaf, bodies }) => [...bodies].map(([name, bytes]) => [leaf.kind, name, bytes]));
      expect(texts.map(([kind, name]) => `${String(kind)} ${String(name)}`)).toEqual([
        'request sql',
        'response head',
        'response rows',
        'control note',
        'policy.loaded bundle',
        'control note',
      ]);
      expect(
        records
          .find(({ leaf }) => leaf.kind === 'request')
          ?.bodies.get('sql')
          ?.toString(),
      ).toBe(SECRET);
      const rows = records.find(({ leaf }) => leaf.kind === 'response')?.bodies.get('rows');
      expect(rows?.equals(Buffer.alloc(2 * 1_048_576, 'row '))).toBe(true);
      expect(records.every(({ unread }) => unread.size === 0)).toBe(true);
    }),
  );

  test('shows others that there are bodies, and nothing of them', () =>
    withDirectory(async (directory) => {
      await recordSessions(directory);
      for (const reader of [undefined, EVE]) {
        const records = await read(directory, reader);
        expect(records.flatMap(({ bodies }) => [...bodies])).toEqual([]);
        const response = records.find(({ leaf }) => leaf.kind === 'response');
        expect([...(response?.unread ?? [])]).toEqual([
          ['head', 'encrypted'],
          ['rows', 'encrypted'],
        ]);
      }
      const log = await logOf(directory);
      for (const name of await readdir(log, { recursive: true, withFileTypes: true })) {
        if (!name.isFile()) continue;
        expect((await readFile(join(name.parentPath, name.name))).includes(SECRET)).toBe(false);
      }
    }));

  test('is proven without any key', () =>
    withDirectory(async (directory) => {
      const trust = await recordSessions(directory);
      const verdict = await verifyDirectory(directory, trust);
      expect(verdict.findings.filter(({ severity }) => severity === 'tampered')).toEqual([]);
      expect(verdict.logs[0]).toMatchObject({ state: 'closed' });
      expect(verdict.logs[0]?.proven).toBe(verdict.logs[0]?.records);
    }));

  test('has a key of its own for each session, for records of none, and for what comes after the end', () =>
    withDirectory(async (directory) => {
      await recordSessions(directory);
      const records = await read(directory);
      expect(records[0]?.leaf.fields).toMatchObject({ enc: 'gcm', mode: 'strict' });
      const keys = records.filter(({ leaf }) => leaf.kind === 'key');
      expect(keys.map(({ leaf }) => [leaf.fields['n'], leaf.strand?.sessionId])).toEqual([
        [0, 'session-1'],
        [1, 'session-2'],
        [2, undefined],
        [3, 'session-1'],
      ]);
      const used = records.flatMap(({ leaf }) => leaf.parts.map(({ seal }) => `${seal?.key}/${seal?.counter}`));
      expect(used).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '1/0', '2/0', '3/0']);
      const log = await logOf(directory);
      expect((await readdir(join(log, 'keys'))).sort()).toEqual(['0.age', '1.age', '2.age', '3.age']);
      expect((await stat(join(log, 'keys', '0.age'))).mode & 0o777).toBe(0o600);
    }));

  test('loses exactly the bodies whose key file is destroyed', () =>
    withDirectory(async (directory) => {
      await recordSessions(directory);
      await rm(join(await logOf(directory), 'keys', '0.age'));
      const records = await read(directory, ANN);
      expect(records.filter(({ unread }) => unread.size > 0).map(({ leaf }) => leaf.kind)).toEqual([
        'request',
        'response',
      ]);
    }));

  test('does not take another key file for the one that was made', () =>
    withDirectory(async (directory) => {
      await recordSessions(directory);
      const keys = join(await logOf(directory), 'keys');
      await writeFile(join(keys, '0.age'), await readFile(join(keys, '1.age')));
      const request = (await read(directory, ANN)).find(({ leaf }) => leaf.kind === 'request');
      expect([...(request?.unread ?? [])]).toEqual([['sql', 'encrypted']]);
    }));

  test('has no digest without a key before it, and the same one for the same text in a session only', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, {
        recipients: [ANN.recipient],
        random: (count) => randomBytes(count),
      });
      const sessions = ['s', 't', undefined, 's', undefined];
      for (const sessionId of sessions)
        await recording.append({ ...entry('control', { out: { len: 1, sha: DIGEST } }), sessionId });
      await recording.append({ ...entry('session.close'), sessionId: 's' });
      await recording.append({ ...entry('control', { in: { len: 1, sha: DIGEST } }), sessionId: 's' });
      await recording.append({ ...entry('control', { op: 'heartbeat' }), sessionId: 'u' });
      const known = recording.blinds();
      await recording.close();
      const records = await read(directory, ANN);
      expect(records.map(({ leaf }) => `${leaf.kind} ${leaf.strand?.sessionId ?? '-'}`).join(', ')).toBe(
        'writer.open -, key s, control s, key t, control t, key -, control -, control s, control -, ' +
          'session.close s, key s, control s, control u, writer.close -',
      );
      const told = records.flatMap(({ leaf: { fields } }) => (fields['out'] as { sha: string } | undefined)?.sha ?? []);
      expect(new Set(told).size).toBe(3);
      expect([told[0], told[2]]).toEqual([told[3], told[4]]);
      for (const record of records) {
        const { out, in: sent } = record.leaf.fields as Record<'out' | 'in', { sha: string } | undefined>;
        if (out !== undefined) expect(out.sha).toBe(digestIn(record.blind, 'out', DIGEST));
        if (sent !== undefined) expect(sent.sha).toBe(digestIn(record.blind, 'in', DIGEST));
        if (record.blind !== undefined)
          expect(known.get(record.blind.tag)).toEqual(Uint8Array.from(record.blind.secret ?? []));
      }
      expect(JSON.stringify(records.map(({ leaf }) => leaf))).not.toContain(DIGEST);
    }));

  test('takes the blinds of sessions from where all gateways find them, and says when they are over', () =>
    withDirectory(async (directory) => {
      const blind = Uint8Array.from(Buffer.alloc(32, 9));
      const over: string[] = [];
      const asked: string[] = [];
      const sessionBlinds = {
        of: (id: string) => Promise.resolve(asked.push(id)).then(() => blind),
        end: (id: string) => void over.push(id),
        forget: (id: string) => void over.push(`${id} forgotten`),
      };
      const recording = await openTestRecording(directory, { recipients: [ANN.recipient], sessionBlinds });
      for (const kind of ['session.open', 'request', 'session.close'] as const)
        await recording.append(entry(kind, { hash: DIGEST }));
      await recording.close();
      const records = (await read(directory)).filter(({ leaf }) => leaf.strand !== undefined);
      expect(records.map(({ leaf }) => leaf.kind)).toEqual(['key', 'session.open', 'request', 'session.close']);
      expect(records.map(({ blind: found }) => found?.tag)).toEqual(records.map(() => blindTag(blind)));
      expect(records[2]?.leaf.fields['hash']).toBe(blindDigest(blind, 'hash', DIGEST));
      expect(over).toEqual(['session-1']);
      expect(asked).toEqual([expect.stringMatching(/^log:test\/w\//), 'session-1']);
    }));

  test('ends a session whose keys are destroyed, and what comes later is under another key and another blind', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, {
        recipients: [ANN.recipient],
        random: (count) => randomBytes(count),
      });
      const add = (sessionId: string) =>
        recording.append({ ...entry('control', { out: { len: 1, sha: DIGEST } }, { note: SECRET }), sessionId });
      for (const sessionId of ['s', 't']) await add(sessionId);
      await recording.endShredded('s');
      await recording.endShredded('nobody');
      for (const sessionId of ['s', 't']) await add(sessionId);
      await recording.endShredded('s');
      const known = recording.blinds();
      await recording.close();
      const records = await read(directory, ANN);
      const [first, ...more] = records.filter(({ leaf }) => leaf.strand?.sessionId === 's');
      expect([first, ...more].map((record) => record?.leaf.kind).join(' ')).toBe(
        'key control session.close key control session.close',
      );
      expect(more[1]?.leaf.fields).toMatchObject({ why: 'shredded' });
      expect(more[2]?.blind?.tag).not.toBe(first?.blind?.tag);
      const kept = records.filter(({ leaf }) => leaf.strand?.sessionId === 't');
      expect(kept.map(({ leaf }) => leaf.kind)).toEqual(['key', 'control', 'control']);
      expect([...known.keys()]).toEqual(expect.arrayContaining([kept[0]?.blind?.tag]));
      for (const record of [first, more[2]]) expect(known.has(record?.blind?.tag ?? '')).toBe(false);
    }));

  test('says in the log when nothing is encrypted', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory, { mode: 'observe' });
      await recording.close();
      expect((await read(directory))[0]?.leaf.fields).toMatchObject({ enc: 'none', mode: 'observe' });
      expect(recording.blinds().size).toBe(0);
    }));

  test('does not start with a recipient that is none', () =>
    withDirectory(async (directory) => {
      await expect(openTestRecording(directory, { recipients: ['age1nobody'] })).rejects.toThrow(RecordingUnavailable);
    }));
});
