import { createHash } from 'node:crypto';
import { cp, open, readdir, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { LogRecord } from '@piste/gateway/dist/recording/index.js';
import { runPiste } from '../demo/piste.js';
import type { WireClient } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import type { HistoryEntry } from '../stand-in/index.js';
import { connectAgent, connectApprover, eventually, loginByHand } from './callers.js';
import { bytesIn, outlineOf, recordsIn } from './records.js';

let playground: Playground;

beforeAll(async () => {
  playground = await startPlayground({ standIn: { holdMilliseconds: 200 } });
}, 60_000);
afterAll(async () => await playground?.stop());

const records = () => recordsIn(playground.recordingDirectory);
const textOf = (record: LogRecord | undefined, body: string): string | undefined =>
  record?.bodies.get(body)?.toString('utf8');

/** A request whose answer is kept byte by byte. */
async function ask(
  wire: WireClient,
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${wire.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Snowflake Token="${wire.sessionToken}"`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

const query = (wire: WireClient, sqlText: string, more: Readonly<Record<string, unknown>> = {}) =>
  ask(wire, `/queries/v1/query-request?requestId=${crypto.randomUUID()}`, { sqlText, ...more });

/** The records from now on. */
async function recordedBy(work: () => Promise<void>): Promise<readonly LogRecord[]> {
  const before = (await records()).length;
  await work();
  return (await records()).slice(before);
}

describe('the log of a session', () => {
  test('holds every request and every answer in the order in which they happened', async () => {
    const outline = outlineOf(
      await recordedBy(async () => {
        const wire = await loginByHand(playground);
        await query(wire, 'SELECT 1 AS one');
        await query(wire, 'SELECT id, email FROM customers WHERE id = 1');
        await query(wire, "SELECT id FROM customers WHERE email = 'a@b.example'");
        await query(wire, 'SELEC 1');
        await query(wire, 'DROP DATABASE crm');
        await query(wire, 'USE ROLE sysadmin');
        await query(wire, "SELECT 'x'::number AS n");
        await ask(wire, '/queries/v1/query-request', { sqlText: 'SELECT 1' });
        await ask(wire, `/queries/v1/query-request?requestId=${crypto.randomUUID()}`, 'no JSON');
        await ask(wire, '/session/heartbeat', {});
        await ask(wire, '/telemetry/send', { logs: [] });
        await ask(wire, '/api/v2/statements', { statement: 'SELECT 1' });
        await ask(wire, '/session?delete=true', {});
        await ask(wire, '/session/heartbeat', {});
        await fetch(`${wire.url}/results/${'a'.repeat(43)}/0`);
      }),
    );
    const statement = (end: string): readonly string[] => ['request query', `response${end}`];
    expect(outline).toEqual([
      'control login admitted',
      'session.open',
      ...statement(''),
      // Two of the gateway's own: it asks for the table, then for its columns.
      ...statement(''),
      ...statement(''),
      'control catalogue read',
      ...statement(''),
      ...statement(''),
      ...statement(' blocked 861205'),
      ...statement(' blocked 861201'),
      ...statement(' blocked 861203'),
      ...statement(' failed 100038'),
      'request.refused query-request PISTE-1103',
      'request.refused query-request PISTE-1103',
      'control heartbeat ok',
      'control telemetry swallowed',
      'request.refused unknown PISTE-1102',
      'session.close',
      'control heartbeat gone',
      'request.refused chunk PISTE-1105',
    ]);
  });

  test('is one unbroken strand', async () => {
    const wire = await loginByHand(playground);
    const own = await recordedBy(async () => {
      for (const n of [1, 2, 3]) await query(wire, `SELECT ${n} AS n`);
    });
    const ids = new Set(own.map(({ leaf }) => leaf.strand?.sessionId));
    expect(ids.size).toBe(1);
    const strand = (await records()).filter(({ leaf }) => leaf.strand !== undefined && ids.has(leaf.strand.sessionId));
    expect(strand.map(({ leaf }) => leaf.strand?.number)).toEqual(strand.map((_, number) => number));
    strand.forEach(({ leaf }, number) => {
      expect(leaf.strand?.previous).toBe(number === 0 ? undefined : strand[number - 1]?.leafHash);
    });
  });

  test('holds what was sent, what ran and what it was bound to', async () => {
    const wire = await loginByHand(playground);
    const bindings = { 1: { type: 'FIXED', value: '3' } };
    const [request] = (
      await recordedBy(async () => {
        await query(wire, 'select /* why */ status from orders where id = ?', { bindings });
      })
    ).filter(({ leaf }) => leaf.kind === 'request' && leaf.fields['internal'] !== true);
    expect(textOf(request, 'submitted')).toBe('select /* why */ status from orders where id = ?');
    expect(textOf(request, 'sql')).toBe('select status from "CRM"."PUBLIC"."ORDERS" AS "ORDERS" where id = ?');
    expect(textOf(request, 'binds')).toBe(JSON.stringify(bindings));
    expect(request?.leaf.fields).toMatchObject({
      cls: 'SELECT',
      who: { iss: playground.issuerUrl, sub: 'agent-1' },
      ctx: { role: 'ANALYST', wh: 'AGENT_WH', db: 'CRM', sch: 'PUBLIC' },
      objects: ['CRM.PUBLIC.ORDERS'],
      dec: {
        v: 'allow',
        apr: null,
        pol: expect.stringMatching(/^[0-9a-f]{64}$/),
        cat: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('holds the parameters of the session and of a statement, and nothing of what was dropped', async () => {
    const own = await recordedBy(async () => {
      const driver = await connectAgent(playground, {
        options: { queryTag: 'nightly', clientSessionKeepAlive: true },
      });
      const moment = "SELECT '2020-02-29 01:02:03'::timestamp_ltz AS moment, id FROM orders WHERE id = ?";
      const parameters = { TIMEZONE: 'Asia/Tokyo', CLIENT_PREFETCH_THREADS: 2 };
      await driver.execute("ALTER SESSION SET BINARY_OUTPUT_FORMAT = 'BASE64'");
      await driver.execute(moment, { binds: [1001], parameters });
      await driver.execute(moment, { binds: [1001] });
      await driver.close();
    });
    const bodies = own
      .filter(({ leaf }) => leaf.fields['internal'] !== true)
      .flatMap((record) => textOf(record, 'parameters') ?? []);
    const session = { BINARY_OUTPUT_FORMAT: 'BASE64', QUERY_TAG: 'nightly' };
    expect(bodies.map((text) => JSON.parse(text) as unknown)).toEqual([
      { session: { QUERY_TAG: 'nightly' }, statement: {} },
      { session: { QUERY_TAG: 'nightly' }, statement: {} },
      { session, statement: { QUERY_TAG: 'nightly', TIMEZONE: 'Asia/Tokyo' } },
      { session, statement: {} },
    ]);
    expect(own.find(({ leaf }) => leaf.kind === 'session.open')?.bodies.has('parameters')).toBe(true);
    const tried = (await playground.history()).filter(({ sqlText }) => sqlText.includes('timestamp_ltz'));
    expect(tried).toHaveLength(2);
  });

  test('holds the text as it was masked, and the binds as the caller gave them, without keys', async () => {
    const wire = await loginByHand(playground);
    const bindings = { 1: { type: 'TEXT', value: 'pst_0' } };
    const own = await recordedBy(async () => {
      await query(wire, 'select city from customers where email > ?', { bindings });
    });
    const request = own.find(({ leaf }) => leaf.kind === 'request' && leaf.fields['internal'] !== true);
    expect(textOf(request, 'submitted')).toBe('select city from customers where email > ?');
    expect(textOf(request, 'sql')).toMatch(
      /^select city from \(SELECT .*TO_BINARY\(:3, 'HEX'\).*TO_BINARY\(:2, 'HEX'\).* AS "EMAIL", .* FROM "CRM"\."PUBLIC"\."CUSTOMERS"\) AS "CUSTOMERS" where email > :1$/,
    );
    expect(textOf(request, 'binds')).toBe(JSON.stringify(bindings));
  });

  test('holds the very bytes that were delivered', async () => {
    const wire = await loginByHand(playground);
    const texts = [
      'SELECT id, email, ssn, name, balance, city FROM customers ORDER BY id',
      'SELECT \'Zürich 東京 🛷 "quoted" \\\\ back\' AS v, NULL AS n',
      'SELECT id FROM customers WHERE id < 0',
      "SELECT id FROM customers WHERE ssn = '1'",
      "SELECT 'x'::number AS n",
    ];
    for (const sqlText of texts) {
      const delivered: string[] = [];
      const own = await recordedBy(async () => void delivered.push((await query(wire, sqlText)).text));
      const response = own.findLast(({ leaf }) => leaf.kind === 'response' && leaf.fields['internal'] !== true);
      const head = textOf(response, 'head') ?? '';
      const rows = textOf(response, 'rows');
      const recorded =
        rows === undefined
          ? head
          : `{"data":${head.slice(0, -1)},"rowset":${rows}},"code":null,"message":null,"success":true}`;
      expect(delivered).toEqual([recorded]);
    }
  });

  test('holds the very bytes of every part of a large result', async () => {
    const wire = await loginByHand(playground);
    const delivered: Buffer[] = [];
    const rights = new Set<string>();
    const own = await recordedBy(async () => {
      const { data } = JSON.parse((await query(wire, 'SELECT id, payload FROM big ORDER BY id')).text) as {
        data: { chunks: { url: string }[] };
      };
      for (const { url } of data.chunks) rights.add(url.split('/').at(-2) ?? '');
      for (const { url } of data.chunks) delivered.push(Buffer.from(await (await fetch(url)).arrayBuffer()));
    });
    const parts = own.filter(({ leaf }) => leaf.kind === 'chunk');
    expect(delivered.length).toBeGreaterThan(3);
    expect(parts.map(({ leaf }) => leaf.fields['n'])).toEqual(delivered.map((_, index) => index));
    parts.forEach(({ bodies }, index) => {
      expect(bodies.get('rows')?.equals(delivered[index] ?? Buffer.alloc(0))).toBe(true);
    });
    const rows = parts.reduce((sum, { leaf }) => sum + Number(leaf.fields['rows']), 0);
    const inline = own.find(({ leaf }) => leaf.kind === 'response' && leaf.fields['parts'] === delivered.length);
    expect(rows + Number(inline?.leaf.fields['rows'])).toBe(5000);
    // Who reads the log must not be able to fetch the parts that the driver may fetch.
    const log = await bytesIn(playground.recordingDirectory);
    const digest = (right: string): string => createHash('sha256').update(right).digest('base64url');
    expect([...rights].map((right) => [log.includes(right), log.includes(digest(right))])).toEqual([[false, true]]);
  });

  test('says when an answer was "still running" and when an earlier answer was given again', async () => {
    const wire = await loginByHand(playground);
    await playground.standIn.holdNext('slowly', 3);
    const requestId = crypto.randomUUID();
    const own = await recordedBy(async () => {
      await wire.run("SELECT 'slowly' AS v", { asyncExec: true }, requestId);
      await wire.run("SELECT 'slowly' AS v", {}, requestId);
    });
    expect(outlineOf(own).toSorted()).toEqual([
      'control redeliver success',
      'control submit in-progress',
      'request query',
      'response',
    ]);
    expect(outlineOf(own).at(-1)).toBe('control redeliver success');
  });
});

describe('what reached the account', () => {
  interface Tag {
    readonly piste: number;
    readonly w: string;
    readonly i: number;
    readonly r: string;
    readonly u?: string;
  }

  let arrived: readonly HistoryEntry[];
  let log: readonly LogRecord[];
  const recordOf = (entry: HistoryEntry): LogRecord | undefined => {
    const tag = JSON.parse(entry.queryTag) as Tag;
    return log.find(({ log: ulid, index }) => tag.w === `playground/w/${ulid}` && tag.i === index);
  };

  beforeAll(async () => {
    await playground.standIn.reset();
    const wire = await loginByHand(playground, { options: { SESSION_PARAMETERS: { QUERY_TAG: 'nightly report' } } });
    await query(wire, 'SELECT name, city FROM v_customer_contact LIMIT 3');
    await query(wire, 'SELECT city FROM customers WHERE id = ?', { bindings: { 1: { type: 'FIXED', value: '3' } } });
    await query(wire, "INSERT INTO orders (id, note) VALUES (90001, 'recorded')", {
      parameters: { QUERY_TAG: 'of this statement' },
    });
    await query(wire, "ALTER SESSION SET QUERY_TAG = 'later'");
    await query(wire, 'USE SCHEMA hr');
    await query(wire, 'SELECT id FROM employees', { describeOnly: true });
    await query(wire, "SELECT 'x'::number AS n");
    const held = wire.run('CREATE TABLE crm.public.recorded_table (id INT)');
    const owner = await connectApprover(playground);
    await owner.decide(await owner.find(/recorded_table/i), 'approve', 'fine');
    expect((await held).success).toBe(true);
    arrived = await playground.history();
    log = await records();
  });

  test('is nothing but what the log let go, and each statement names its record', () => {
    expect(arrived.length).toBeGreaterThan(10);
    for (const entry of arrived) {
      const record = recordOf(entry);
      expect(record?.leaf.kind).toBe('request');
      expect(record?.leafHash).toBe((JSON.parse(entry.queryTag) as Tag).r);
      expect(record?.leaf.statementHash).toMatch(/^[0-9a-f]{64}$/);
      expect(textOf(record, 'sql')).toBe(entry.sqlText);
      expect(record?.leaf.fields['ctx']).toMatchObject({ role: entry.role });
      expect(record?.leaf.fields['op']).toBe(entry.describeOnly ? 'describe' : 'query');
    }
    expect(new Set(arrived.map((entry) => recordOf(entry)?.leafHash)).size).toBe(arrived.length);
  });

  test('had been recorded before', () => {
    for (const entry of arrived) expect(recordOf(entry)?.leaf.timeMs).toBeLessThanOrEqual(entry.startTime);
  });

  test('says what the client claims as its purpose, after the record it cannot choose', () => {
    const purposeOf = (text: RegExp) =>
      (JSON.parse(arrived.find(({ sqlText }) => text.test(sqlText))?.queryTag ?? '{}') as Tag).u;
    expect([purposeOf(/CUSTOMERS" WHERE|where id/i), purposeOf(/^INSERT/), purposeOf(/^USE SCHEMA/i)]).toEqual([
      'nightly report',
      'of this statement',
      'later',
    ]);
  });

  test("includes the gateway's own reading of the catalogue, recorded as its own", () => {
    const internal = arrived.filter(({ isInternal }) => isInternal);
    expect(internal.length).toBeGreaterThan(3);
    for (const entry of internal) {
      expect(entry.sqlText).toMatch(/^SELECT .* FROM "CRM"\."INFORMATION_SCHEMA"\."(TABLES|COLUMNS|VIEWS)" WHERE /);
      const record = recordOf(entry);
      expect(record?.leaf.fields).toMatchObject({ internal: true, cls: 'SELECT' });
      const answer = log.find(
        ({ leaf }) => leaf.kind === 'response' && leaf.fields['qid'] === record?.leaf.fields['qid'],
      );
      expect(answer?.leaf.fields).toMatchObject({ internal: true, upq: entry.queryId });
    }
  });

  test('is named in the answer that came of it', () => {
    expect(arrived.filter(({ errorCode }) => errorCode !== null)).toHaveLength(1);
    for (const entry of arrived) {
      const queryId = recordOf(entry)?.leaf.fields['qid'];
      const answers = log.filter(({ leaf }) => leaf.kind === 'response' && leaf.fields['qid'] === queryId);
      expect(answers.map(({ leaf }) => leaf.fields['upq'])).toEqual([entry.queryId]);
    }
  });
});

describe('piste audit verify', () => {
  const verify = (directory: string) => runPiste('audit', 'verify', directory, '--trust', playground.checkpointFile);

  interface Copied {
    readonly directory: string;
    readonly segment: string;
    readonly bytes: number;
  }
  let copies = 0;
  async function copyOfLog(): Promise<Copied> {
    copies += 1;
    const directory = join(playground.directory, `copy-${copies}`);
    await cp(playground.recordingDirectory, directory, { recursive: true });
    const log = (await readdir(directory)).find((name) => name.startsWith('0')) ?? '';
    const segment = join(directory, log, (await readdir(join(directory, log))).sort().at(-1) ?? '');
    return { directory, segment, bytes: (await stat(segment)).size };
  }

  async function flip(file: string, offset: number): Promise<void> {
    const handle = await open(file, 'r+');
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, offset);
    byte.writeUInt8(byte.readUInt8(0) ^ 1, 0);
    await handle.write(byte, 0, 1, offset);
    await handle.close();
  }

  /** The checkpoint that is published lags by up to a second. */
  async function published(): Promise<number> {
    const trust = JSON.parse(await readFile(playground.checkpointFile, 'utf8')) as { checkpoints: { size: number }[] };
    return trust.checkpoints[0]?.size ?? 0;
  }

  test('finds the log of a running gateway sound, as far as the checkpoint reaches', async () => {
    const size = (await records()).length;
    await eventually('the checkpoint', async () => ((await published()) >= size ? true : undefined));
    const { exitCode, text } = await verify(playground.recordingDirectory);
    expect(text).toMatch(/audit verify: OK/);
    expect(exitCode).toBe(0);
  });

  test('cannot conclude anything without the checkpoint', async () => {
    const { exitCode, text } = await runPiste('audit', 'verify', playground.recordingDirectory);
    expect([exitCode, text]).toEqual([2, expect.stringMatching(/CANNOT CONCLUDE/)]);
  });

  test('finds a cut tail of a running log', async () => {
    const { directory, segment } = await copyOfLog();
    // What was set aside for records to come says nothing, so the cut has to go into records.
    const bytes = await readFile(segment);
    await truncate(
      segment,
      bytes.findLastIndex((byte) => byte !== 0),
    );
    const { exitCode, text } = await verify(directory);
    expect([exitCode, text]).toEqual([1, expect.stringMatching(/TAMPERED[\s\S]*truncated/)]);
  });

  test('finds the closed log sound', async () => {
    expect(await playground.stopGateway()).toBe(0);
    const last = (await records()).at(-1);
    expect(last?.leaf.kind).toBe('writer.close');
    expect(await published()).toBe((last?.index ?? 0) + 1);
    const { exitCode, text } = await verify(playground.recordingDirectory);
    expect([exitCode, text]).toEqual([0, expect.stringMatching(/audit verify: OK/)]);
  });

  test.each([1, 700, 0xffff_ffff])('finds a closed log that lost %i bytes of its end', async (count) => {
    const { directory, segment, bytes } = await copyOfLog();
    await truncate(segment, Math.max(0, bytes - count));
    expect((await verify(directory)).exitCode).toBe(1);
  });

  test('finds a flipped bit wherever it is', async () => {
    const { directory, segment, bytes } = await copyOfLog();
    // The suites of the verifier flip every bit; here the command tells it.
    const places = [0.2, 0.5, 0.8].map((share) => Math.floor(share * bytes));
    for (const offset of [3, ...places, bytes - 1]) {
      await flip(segment, offset);
      const { exitCode, text } = await verify(directory);
      expect([offset, exitCode, text]).toEqual([offset, 1, expect.stringMatching(/TAMPERED/)]);
      await flip(segment, offset);
    }
    expect((await verify(directory)).exitCode).toBe(0);
  });

  test('finds a log that was left out', async () => {
    const { directory } = await copyOfLog();
    const log = (await readdir(directory)).find((name) => name.startsWith('0')) ?? '';
    await cp(join(directory, log), join(playground.directory, 'elsewhere'), { recursive: true });
    const empty = join(playground.directory, 'elsewhere');
    expect((await verify(empty)).exitCode).toBe(1);
  });
});

test('digests in the log are those of the bodies', async () => {
  for (const { leaf, bodies } of await records()) {
    for (const { name, digest, length } of leaf.parts.filter(({ part }) => part === 0)) {
      const bytes = bodies.get(name)?.subarray(0, length) ?? Buffer.alloc(0);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
    }
  }
});
