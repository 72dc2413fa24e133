import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bindingHash } from '@piste/gateway/dist/policy/binding.js';
import { hashStatement } from '@piste/gateway/dist/policy/permit.js';
import type { LogRecord } from '@piste/gateway/dist/recording/index.js';
import { digestIn, openKeysWith, parseIdentities } from '@piste/verifier';
import { type AuditorKey, makeAuditorKey } from '../demo/auditor-key.js';
import { runPiste } from '../demo/piste.js';
import { startTap, type Tap } from '../demo/tap.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, connectApprover, failureOf, loginByHand } from './callers.js';
import { recordsIn } from './records.js';

/** What the session was about. Somebody who guesses it must not be told that they are right. */
const GUESSES = [
  "SELECT ssn FROM customers WHERE ssn = '078-05-1120'",
  'SELECT id, payload FROM big ORDER BY id',
  'SELECT city FROM customers WHERE email > ?',
  'DROP DATABASE crm',
  "SELECT 'not a number'::number AS n",
  'CREATE TABLE crm.public.blind_table (id INT)',
  'SELECT 1 AS yes_or_no',
];

let key: AuditorKey;
let playground: Playground;
let tap: Tap;
let consoleTap: Tap;
let records: readonly LogRecord[];
let sent: readonly Buffer[];

beforeAll(async () => {
  key = await makeAuditorKey();
  playground = await startPlayground({ gatewayEnvironment: { PISTE_RECORDING_RECIPIENTS_FILE: key.recipientsFile } });
  tap = await startTap(playground.driverUrl);
  consoleTap = await startTap(playground.consoleUrl);
  await driveSession();
  sent = await driveByHand();
  await playground.stopGateway();
  const identities = parseIdentities(await readFile(key.identityFile, 'utf8'));
  if (!identities.ok) throw new Error('the identity does not parse');
  records = await recordsIn(playground.recordingDirectory, openKeysWith(identities.keys));
}, 90_000);
afterAll(async () => {
  await tap?.close();
  await consoleTap?.close();
  await playground?.stop();
  await key?.remove();
});

/** Results, one of them in parts, refusals by policy and by Snowflake, an approval that somebody looked at. */
async function driveSession(): Promise<void> {
  const [compared = '', large = '', bound = '', dropped = '', failing = '', held = '', short = ''] = GUESSES;
  const driver = await connectAgent(playground, { url: tap.url });
  await driver.execute(short);
  await driver.execute(compared);
  expect((await driver.execute(large)).rows).toHaveLength(5000);
  await driver.execute(bound, { binds: ['pst_0'] });
  await failureOf(driver.execute(dropped));
  await failureOf(driver.execute(failing));
  const waiting = driver.execute(held);
  const owner = await connectApprover(playground, { consoleUrl: consoleTap.url });
  const asked = await owner.find(/blind_table/i);
  await owner.decide(asked, 'approve', 'fine');
  await waiting;
  await driver.close();
}

/** An answer given twice and requests that are refused unread; their bytes. */
async function driveByHand(): Promise<readonly Buffer[]> {
  const wire = await loginByHand(playground, { url: tap.url });
  const requestId = randomUUID();
  await wire.query('SELECT 2 AS again', {}, requestId);
  await wire.query('SELECT 2 AS again', {}, requestId);
  const unread = Buffer.from(JSON.stringify([GUESSES[0]]));
  await fetch(`${tap.url}/queries/v1/query-request?requestId=${randomUUID()}`, {
    method: 'POST',
    headers: { authorization: `Snowflake Token="${wire.sessionToken}"`, 'content-type': 'application/json' },
    body: unread,
  }).then((response) => response.arrayBuffer());
  await wire.post('/session', {}, {}).catch(() => undefined);
  return [unread];
}

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Everything in the leaves that has the form of a digest, as hex. */
function digestsIn(leaves: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const leaf of leaves) {
    for (const [hex] of leaf.matchAll(/[0-9a-f]{64}/g)) found.add(hex);
    for (const [text] of leaf.matchAll(/[A-Za-z0-9+/_-]{43}=?/g))
      found.add(Buffer.from(text, 'base64url').toString('hex'));
  }
  return found;
}

const textIn = (fields: LogRecord['leaf']['fields'] | undefined, name: string): string => {
  const value = fields?.[name];
  return typeof value === 'string' ? value : '';
};

/** Digests of all that was asked and answered: of the true texts, by every formula the format has. */
function candidates(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const add = (what: string, digest: string): void => void found.set(digest, what);
  for (const { bytes, path } of tap.passed()) add(`answer of ${path}`, sha256(bytes));
  for (const { bytes, path } of consoleTap.passed()) add(`page of ${path}`, sha256(bytes));
  for (const bytes of sent) add('request', sha256(bytes));
  for (const text of GUESSES) {
    add(text, sha256(text));
    add(`st of ${text}`, hashStatement(text, undefined));
  }
  const opened = new Map(
    records.flatMap(({ leaf }) =>
      leaf.kind === 'session.open' && leaf.strand !== undefined ? [[leaf.strand.sessionId, leaf.fields]] : [],
    ),
  );
  for (const { leaf, bodies } of records) {
    // Policies and configuration are nobody's session.
    if (leaf.strand === undefined) continue;
    for (const [name, bytes] of bodies) add(`${leaf.kind} ${name}`, sha256(bytes));
    const sql = bodies.get('sql')?.toString();
    if (sql === undefined) continue;
    const binds = bodies.get('binds')?.toString();
    add(`st of ${sql}`, hashStatement(sql, binds));
    const session = opened.get(leaf.strand?.sessionId ?? '');
    const { role, wh, db, sch } = leaf.fields['ctx'] as Record<'role' | 'wh' | 'db' | 'sch', string | null>;
    const bound = bindingHash({
      connection: textIn(session, 'connection'),
      account: textIn(session, 'account'),
      canonicalText: sql,
      binds,
      parameters: bodies.get('parameters')?.toString(),
      role: role ?? undefined,
      warehouse: wh ?? undefined,
      database: db ?? undefined,
      schema: sch ?? undefined,
    });
    add(`hash of ${sql}`, bound);
  }
  return found;
}

/** Leaves of both logs of a recording directory, as anybody can read them. */
async function leavesIn(directory: string): Promise<readonly string[]> {
  const own = records.map(({ leafBytes }) => leafBytes.toString('utf8'));
  const registry = join(directory, 'registry');
  const files = await readdir(registry, { recursive: true, withFileTypes: true });
  const told = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'utf8'));
  return [...own, ...(await Promise.all(told))];
}

describe('the entries of an encrypted recording', () => {
  test('hold no text and no answer that was seen', async () => {
    const all = (await leavesIn(playground.recordingDirectory)).join('\n');
    for (const word of ['078-05-1120', 'pst_0', 'not a number', 'payload']) expect(all).not.toContain(word);
  });

  test('hold no digest that a true guess would give', async () => {
    const found = digestsIn(await leavesIn(playground.recordingDirectory));
    const told = [...candidates()].filter(([digest]) => found.has(digest)).map(([, what]) => what);
    expect(told).toEqual([]);
  });

  test('hold these digests for whoever has the key', () => {
    const found = digestsIn(records.map(({ leafBytes }) => leafBytes.toString('utf8')));
    const blinds = [...new Map(records.map(({ blind }) => [blind?.tag, blind])).values()];
    const members = ['st', 'hash', 'out', 'in', 'txt'] as const;
    const isTold = (digest: string): boolean =>
      blinds.some((blind) => members.some((member) => found.has(digestIn(blind, member, digest) ?? '')));
    const told = new Set([...candidates()].filter(([digest]) => isTold(digest)).map(([, what]) => what.split(' ')[0]));
    for (const what of ['answer', 'hash', 'page', 'request', 'st']) expect(told).toContain(what);
  });

  test('are sound with the key, every answer compared, and without it', async () => {
    const verify = (...more: readonly string[]) =>
      runPiste('audit', 'verify', playground.recordingDirectory, '--trust', playground.checkpointFile, ...more);
    const deep = await verify('--deep', '--identity', key.identityFile);
    expect(deep.text).toMatch(/^audit verify: OK/);
    expect(deep.text).not.toMatch(/texts-not-checked|hashes-not-compared/);
    expect((await verify()).text).toMatch(/^audit verify: OK/);
  });

  test('are all that is left of a session whose keys are gone, and then nobody can compare them', async () => {
    const identities = parseIdentities(await readFile(key.identityFile, 'utf8'));
    if (!identities.ok) throw new Error('the identity does not parse');
    const [log = ''] = records.map((record) => record.log);
    await rm(join(playground.recordingDirectory, log, 'keys'), { recursive: true });
    const left = await recordsIn(playground.recordingDirectory, openKeysWith(identities.keys));
    expect(left).toHaveLength(records.length);
    expect(left.some(({ blind }) => blind?.secret !== undefined)).toBe(false);
  });
});
