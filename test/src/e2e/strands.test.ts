import { readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { LogRecord } from '@piste/gateway/dist/recording/index.js';
import { type RedisProcess, startRedisProcess } from '@piste/gateway/dist/store/redis-process.js';
import { type AuditorKey, makeAuditorKey } from '../demo/auditor-key.js';
import { runPiste } from '../demo/piste.js';
import type { WireAnswer, WireClient } from '../harness/wire-client.js';
import { type GatewayProgram, type Playground, startPlayground } from '../playground/playground.js';
import { connectApprover, eventually, loginByHand } from './callers.js';
import { recordsIn } from './records.js';

let redis: RedisProcess;
let key: AuditorKey;
let playground: Playground;
let second: GatewayProgram;

beforeAll(async () => {
  redis = await startRedisProcess();
  key = await makeAuditorKey();
  const environment = { PISTE_REDIS_URL: redis.url, PISTE_RECORDING_RECIPIENTS_FILE: key.recipientsFile };
  playground = await startPlayground({ gatewayEnvironment: environment });
  second = await playground.startGateway('second');
}, 60_000);
afterAll(async () => {
  await playground?.stop();
  await redis?.dispose();
  await key?.remove();
});

type Place = { readonly driverUrl: string; readonly recordingDirectory: string };

/** One request of the session at either gateway. */
async function ask(wire: WireClient, at: Place, path: string, body: object = {}): Promise<WireAnswer> {
  const response = await fetch(`${at.driverUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Snowflake Token="${wire.sessionToken}"`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as WireAnswer;
}
const query = (wire: WireClient, at: Place, sqlText: string) =>
  ask(wire, at, `/queries/v1/query-request?requestId=${crypto.randomUUID()}`, { sqlText });

/** One command over a connection of its own; the reply as Redis sends it. */
async function command(text: string): Promise<string> {
  const { hostname, port } = new URL(redis.url);
  const socket = createConnection(Number(port), hostname).setEncoding('utf8');
  const reply = new Promise<string>((resolve, reject) => {
    socket.once('data', (part: string) => resolve(part));
    socket.once('error', reject);
  });
  socket.write(`${text}\r\n`);
  const answer = await reply;
  socket.destroy();
  return answer;
}

/** Waits until the hints of a session tell of so many records. */
const hinted = (sessionId: string, records: number) =>
  eventually('the hint', async () => {
    const heads = /\[\[.*\]\]/.exec(await command(`GET piste:strands:${sessionId}`))?.[0];
    const numbers = (JSON.parse(heads ?? '[]') as readonly (readonly [string, number, string])[]).map(([, n]) => n + 1);
    return numbers.reduce((sum, count) => sum + count, 0) >= records ? true : undefined;
  });

async function strandIn(at: Place, sessionId: string): Promise<readonly LogRecord[]> {
  return (await recordsIn(at.recordingDirectory)).filter(({ leaf }) => leaf.strand?.sessionId === sessionId);
}
async function newestSession(): Promise<string> {
  const opened = (await recordsIn(playground.recordingDirectory)).findLast(({ leaf }) => leaf.kind === 'session.open');
  return opened?.leaf.strand?.sessionId ?? '';
}

describe('a session at two gateways', () => {
  test('has a strand in each log, and each says where the other stood', async () => {
    const wire = await loginByHand(playground);
    const sessionId = await newestSession();
    await query(wire, playground, 'SELECT 1 AS v');
    const atFirst = await strandIn(playground, sessionId);
    await hinted(sessionId, atFirst.length);
    await query(wire, second, 'SELECT 2 AS v');
    const atSecond = await strandIn(second, sessionId);
    await hinted(sessionId, atFirst.length + atSecond.length);
    await ask(wire, second, '/session?delete=true');

    const [origin = '', other = ''] = [atFirst, atSecond].map((strand) => `playground/w/${strand[0]?.log}`);
    const head = atFirst.at(-1);
    expect(atFirst.map(({ leaf }) => leaf.strand?.links)).toEqual(atFirst.map(() => undefined));
    expect(atSecond[0]?.leaf.strand).toEqual({
      sessionId,
      number: 0,
      previous: undefined,
      links: [{ origin, number: atFirst.length - 1, leafHash: head?.leafHash }],
    });
    const close = (await strandIn(second, sessionId)).at(-1);
    expect(close?.leaf.kind).toBe('session.close');
    expect(close?.leaf.fields['strands']).toEqual([
      [other, atSecond.length, atSecond.at(-1)?.leafHash],
      [origin, atFirst.length, head?.leafHash],
    ]);
  });

  test('may use both at once: each strand is unbroken', async () => {
    const wire = await loginByHand(playground);
    const sessionId = await newestSession();
    const places = [playground, second];
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => query(wire, places[n % 2] ?? playground, `SELECT ${n} AS v`)),
    );
    expect(answers.map(({ success }) => success)).toEqual(answers.map(() => true));
    for (const at of places) {
      const strand = await strandIn(at, sessionId);
      expect(strand.length).toBeGreaterThanOrEqual(12);
      strand.forEach(({ leaf }, number) => {
        expect(leaf.strand?.number).toBe(number);
        expect(leaf.strand?.previous).toBe(number === 0 ? undefined : strand[number - 1]?.leafHash);
      });
    }
    expect((await strandIn(second, sessionId))[0]?.leaf.strand?.links).toBeDefined();
  });

  test('has its digests under one blind, which the store holds sealed, for two days after its end', async () => {
    const wire = await loginByHand(playground);
    const sessionId = await newestSession();
    const held = query(wire, playground, 'CREATE TABLE crm.public.roaming_table (id INT)');
    const owner = await connectApprover(playground, { consoleUrl: second.consoleUrl });
    await owner.decide(await owner.find(/roaming_table/i), 'approve', 'fine');
    expect(await held).toMatchObject({ success: true });
    await query(wire, second, 'SELECT 6 AS v');
    const hashes = new Map<string, Set<unknown>>();
    const blinds = new Set<unknown>();
    for (const at of [playground, second]) {
      for (const { leaf } of await strandIn(at, sessionId)) {
        const { qid, hash, blind } = leaf.fields;
        if (leaf.kind === 'key') blinds.add(blind);
        if (typeof qid === 'string' && typeof hash === 'string')
          hashes.set(qid, (hashes.get(qid) ?? new Set()).add(`${leaf.kind === 'request'} ${hash}`));
      }
    }
    expect(blinds.size).toBe(1);
    const approved = [...hashes.values()].filter((seen) => seen.size > 1).map((seen) => [...seen]);
    expect(approved).toEqual([[expect.stringMatching(/^true /), expect.stringMatching(/^false /)]]);
    expect(new Set(approved.flat().map((text) => String(text).split(' ')[1])).size).toBe(1);
    expect(await command(`GET piste:blind:${sessionId}`)).toMatch(/s1\./);
    await ask(wire, second, '/session?delete=true');
    await eventually('the blind to have two days left', async () => {
      const seconds = Number(/^:(\d+)/.exec(await command(`TTL piste:blind:${sessionId}`))?.[1]);
      return seconds > 0 && seconds <= 2 * 86_400 ? true : undefined;
    });
  });

  test('of which the store lost the blind is recorded under two, and that is no fault', async () => {
    const wire = await loginByHand(playground);
    const sessionId = await newestSession();
    const held = query(wire, playground, 'CREATE TABLE crm.public.forgetful_table (id INT)');
    const owner = await connectApprover(playground, { consoleUrl: second.consoleUrl });
    const asked = await owner.find(/forgetful_table/i);
    expect(await command(`DEL piste:blind:${sessionId}`)).toBe(':1\r\n');
    await owner.decide(asked, 'approve', 'fine');
    expect(await held).toMatchObject({ success: true });
  });

  test('of which the store lost the strands is recorded all the same, as of unknown descent', async () => {
    const wire = await loginByHand(playground);
    const sessionId = await newestSession();
    await hinted(sessionId, 1);
    expect(await command(`DEL piste:strands:${sessionId}`)).toBe(':1\r\n');
    expect((await query(wire, second, 'SELECT 3 AS v')).success).toBe(true);
    expect((await strandIn(second, sessionId))[0]?.leaf.strand?.links).toBe('unknown');
  });

  test('is over when the store lost everything, and the record goes on', async () => {
    const wire = await loginByHand(playground);
    await command('FLUSHALL');
    expect(await query(wire, second, 'SELECT 4 AS v')).toMatchObject({ success: false, code: '390111' });
    const next = await loginByHand(playground);
    expect((await query(next, second, 'SELECT 5 AS v')).success).toBe(true);
  });

  test('is sound over both recordings', async () => {
    await second.stop();
    await playground.stopGateway();
    const trusted = await Promise.all(
      [playground, second].map(
        async ({ checkpointFile }) =>
          JSON.parse(await readFile(checkpointFile, 'utf8')) as {
            registry: string;
            writers: unknown[];
            checkpoints: unknown[];
          },
      ),
    );
    const registry = trusted[0]?.registry;
    const trust = join(playground.directory, 'trust-of-both.json');
    const members = (name: 'writers' | 'checkpoints') => trusted.flatMap((file) => file[name]);
    await writeFile(
      trust,
      JSON.stringify({ v: 1, registry, writers: members('writers'), checkpoints: members('checkpoints') }),
    );
    const { recordingDirectory } = playground;
    for (const more of [[], ['--deep', '--identity', key.identityFile]]) {
      const both = [recordingDirectory, second.recordingDirectory];
      const verdict = await runPiste('audit', 'verify', ...both, '--trust', trust, ...more);
      expect(verdict.text).toMatch(/^audit verify: OK/);
      expect(verdict.text).toMatch(/the hashes of 1 approved statements are under several blinds/);
      expect(verdict.exitCode).toBe(0);
    }
  }, 40_000);
});
