import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runPiste } from '../demo/piste.js';
import { startProgram } from '../harness/child.js';
import type { NodeDriver } from '../harness/node-driver.js';
import { wirePost } from '../harness/wire-client.js';
import { type GatewayProgram, type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent, eventually, failureOf } from './callers.js';
import { recordsIn } from './records.js';

let playground: Playground;

beforeAll(async () => {
  playground = await startPlayground();
}, 60_000);
afterAll(async () => await playground?.stop());

/** A gateway whose log will not grow much further, and how to take its disk away again. */
interface Cramped {
  readonly gateway: GatewayProgram;
  /** Leaves little room from now on. */
  readonly cramp: () => Promise<void>;
  readonly end: () => Promise<void>;
}

const LITTLE_BYTES = 20_000;
/** The writer takes room by the MiB. */
const TINY_DISK = '1200k';

async function bytesOfLog({ recordingDirectory }: GatewayProgram): Promise<number> {
  const names = await readdir(recordingDirectory, { recursive: true });
  const sizes = await Promise.all(
    names.filter((name) => name.endsWith('.seg')).map((name) => stat(join(recordingDirectory, name))),
  );
  return Math.max(...sizes.map(({ size }) => size));
}

/** Where the registry of a gateway lies: not on the disk that fills up. */
function besideOf({ recordingDirectory }: GatewayProgram): string {
  return `${recordingDirectory}-beside`;
}

function startWithRegistry(name: string, minFreeBytes = 0): Promise<GatewayProgram> {
  const directory = join(playground.directory, `recording-${name}-beside`, 'registry');
  return playground.startGateway(name, {
    PISTE_REGISTRY_DIR: directory,
    PISTE_RECORDING_MIN_FREE_BYTES: String(minFreeBytes),
  });
}

/** Files may not grow beyond a size: what a quota does. */
async function withQuota(): Promise<Cramped> {
  const gateway = await startWithRegistry('quota');
  return {
    gateway,
    cramp: async () => {
      const limit = (await bytesOfLog(gateway)) + LITTLE_BYTES;
      execFileSync('prlimit', ['--pid', String(gateway.pid()), `--fsize=${limit}:${limit}`]);
    },
    end: async () => void (await gateway.stop()),
  };
}

/** A volume of its own that is full soon. Only root may mount one. */
async function withTinyDisk(): Promise<Cramped> {
  const directory = join(playground.directory, 'recording-tiny');
  await mkdir(directory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${TINY_DISK}`, 'tmpfs', directory]);
  const unmount = (): void => void execFileSync('umount', ['--lazy', directory]);
  try {
    const gateway = await startWithRegistry('tiny');
    return {
      gateway,
      cramp: async () => undefined,
      end: async () => {
        await gateway.stop();
        unmount();
      },
    };
  } catch (error) {
    unmount();
    throw error;
  }
}

function mayMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'piste-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory], { stdio: 'ignore' });
    execFileSync('umount', [directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const WAYS: readonly (readonly [string, () => Promise<Cramped>])[] = [
  ['a quota is used up', withQuota],
  ...(mayMount() ? ([['the disk is full', withTinyDisk]] as const) : []),
];

describe.each(WAYS)('when %s', (_way, start) => {
  let cramped: Cramped;
  let driver: NodeDriver;
  const ready = async (): Promise<Response> => await fetch(`${cramped.gateway.opsUrl}/readyz`);

  beforeAll(async () => {
    cramped = await start();
    driver = await connectAgent(playground, { url: cramped.gateway.driverUrl });
    expect((await ready()).status).toBe(200);
    await cramped.cramp();
  });
  afterAll(async () => {
    await driver?.close();
    await cramped?.end();
  });

  test('the statement whose record does not fit is refused, and what its refusal says is true', async () => {
    await playground.standIn.reset();
    const text = `SELECT '${'x'.repeat(30_000)}' AS v`;
    let delivered = 0;
    const failure = await eventually('a refusal', async () =>
      driver.execute(text).then(
        () => {
          delivered += 1;
        },
        (error: { code: string; message: string }) => error,
      ),
    );
    expect(failure).toMatchObject({ code: '861701', sqlState: '58030' });
    const arrived = (await playground.history()).length;
    expect(failure?.message).toMatch(arrived === delivered ? /Nothing was executed/ : /The statement may have run/);
    expect(arrived - delivered).toBeLessThanOrEqual(1);
    const recorded = await recordsIn(cramped.gateway.recordingDirectory);
    expect(recorded.filter(({ leaf }) => leaf.statementHash !== undefined)).toHaveLength(arrived);
  });

  test('nothing runs any more', async () => {
    await playground.standIn.reset();
    const failures = await Promise.all(
      ['SELECT 1', 'INSERT INTO orders (id) VALUES (1)', 'USE SCHEMA hr', 'DROP DATABASE crm'].map((text) =>
        failureOf(driver.execute(text)),
      ),
    );
    for (const failure of failures) {
      expect(failure).toMatchObject({
        code: '861701',
        message: expect.stringMatching(
          /cannot record, so it will not run statements\. Nothing was executed\. Retry: after 60s/,
        ),
      });
    }
    expect(await playground.history()).toEqual([]);
  });

  test('nobody comes in, and nothing is asked of the account', async () => {
    await playground.standIn.reset();
    expect(await failureOf(connectAgent(playground, { url: cramped.gateway.driverUrl }))).toMatchObject({
      code: '861701',
    });
    const refused = await wirePost(cramped.gateway.driverUrl, '/session/v1/login-request?requestId=1', {
      data: { ACCOUNT_NAME: 'ACME', AUTHENTICATOR: 'OAUTH', TOKEN: 'none' },
    });
    expect(refused).toMatchObject({ status: 200, answer: { success: false, code: '861701' } });
    expect(await playground.standIn.counters()).toMatchObject({
      logins: 0,
      failedLogins: 0,
      statements: 0,
      heartbeats: 0,
    });
  });

  test('unknown paths, broken bodies and dead tokens are answered, and not as if they were recorded', async () => {
    for (const path of ['/api/v2/statements', '/queries/v1/query-request', '/session/heartbeat']) {
      const { answer } = await wirePost(cramped.gateway.driverUrl, path, {});
      expect(answer).toMatchObject({ success: false, code: '861701' });
    }
  });

  test('the gateway lives, is not ready and says so', async () => {
    expect(await (await fetch(`${cramped.gateway.opsUrl}/livez`)).text()).toBe('ok\n');
    const answer = await ready();
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe(
      '[+]serving ok\n[-]recording failed\n[+]disk ok\n[+]registry ok\n[+]store ok\n[+]connections ok\nreadyz check failed\n',
    );
    const metrics = await (await fetch(`${cramped.gateway.opsUrl}/metrics`)).text();
    expect(metrics).toMatch(/^piste_audit_append_failures_total [1-9]/m);
    // What it still says, that nothing can be recorded, is counted as that.
    expect(metrics).toMatch(/^piste_unrecorded_bytes_total [1-9]/m);
    const counted = (name: string) => Number(new RegExp(`^piste_${name} (.*)$`, 'm').exec(metrics)?.[1]);
    expect(counted('delivered_bytes_total')).toBe(
      counted('recorded_answer_bytes_total') + counted('unrecorded_bytes_total'),
    );
    expect(cramped.gateway.output()).toMatch(
      /"level":"error","message":"recording failed, nothing runs until this process is replaced"/,
    );
  });

  test('what is there is not taken for tampering', async () => {
    const { checkpointFile } = cramped.gateway;
    await eventually('the checkpoint', async () => (existsSync(checkpointFile) ? true : undefined));
    const { exitCode, text } = await runPiste(
      'audit',
      'verify',
      cramped.gateway.recordingDirectory,
      besideOf(cramped.gateway),
      '--trust',
      checkpointFile,
    );
    expect(text).not.toMatch(/tampered/i);
    expect([0, 2]).toContain(exitCode);
  });

  test('it ends when it is asked to', async () => {
    await driver.close();
    expect(await cramped.gateway.stop()).toBe(0);
  });
});

const MEGABYTE = 1024 * 1024;

(mayMount() ? describe : describe.skip)('when the volume has little space left', () => {
  const directory = (): string => join(playground.directory, 'recording-low');
  const mountWith = (options: string): void =>
    void execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory()]);
  const text = `SELECT '${'x'.repeat(60_000)}' AS v`;
  let gateway: GatewayProgram;
  let driver: NodeDriver;

  beforeAll(async () => {
    await mkdir(directory(), { recursive: true });
    mountWith('size=24m');
    gateway = await startWithRegistry('low', 16 * MEGABYTE);
    driver = await connectAgent(playground, { url: gateway.driverUrl });
  });
  afterAll(async () => {
    await driver?.close();
    await gateway?.stop();
    execFileSync('umount', ['--lazy', directory()]);
  });

  const readiness = async (): Promise<string> => (await fetch(`${gateway.opsUrl}/readyz`)).text();
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(directory());
    return bavail * bsize;
  };
  const refusal = (): Promise<{ code: string; message: string }> =>
    eventually('a refusal', async () =>
      driver.execute(text).then(
        () => undefined,
        (error: { code: string; message: string }) => error,
      ),
    );

  test('statements are refused before it is full, and nothing of them runs', async () => {
    const { code, message } = await refusal();
    expect(code).toBe('861701');
    expect(message).toMatch(/Nothing was executed/);
    expect(freeBytes()).toBeGreaterThan(14 * MEGABYTE);
    const metrics = await eventually('a red light', async () => {
      // Refusals are recorded, and so take space too.
      await driver.execute(text).catch(() => undefined);
      const shown = await (await fetch(`${gateway.opsUrl}/metrics`)).text();
      return /^piste_recording_disk_blocked 1$/m.test(shown) ? shown : undefined;
    });
    expect(await readiness()).toMatch('[-]disk failed');
    // The log itself is well, and holds the refusals.
    expect(metrics).toMatch(/^piste_audit_append_failures_total 0$/m);
    expect(metrics).toMatch(/^piste_unrecorded_bytes_total 0$/m);
    await playground.standIn.reset();
    expect(await failureOf(driver.execute('SELECT 1'))).toMatchObject({ code: '861701' });
    expect(await failureOf(connectAgent(playground, { url: gateway.driverUrl }))).toMatchObject({ code: '861701' });
    expect(await playground.history()).toEqual([]);
  });

  test('statements run again once there is space, without a new start', async () => {
    mountWith('remount,size=48m');
    await eventually('a statement', async () =>
      driver.execute('SELECT 1').then(
        () => true,
        () => undefined,
      ),
    );
    expect(await readiness()).toMatch(/ok/);
  });

  test('what others write counts, and the log is closed and sound all the same', async () => {
    await writeFile(join(directory(), 'foreign'), Buffer.alloc(freeBytes() - 4.5 * MEGABYTE));
    expect((await refusal()).code).toBe('861701');
    await driver.close();
    expect(await gateway.stop()).toBe(0);
    await rm(join(directory(), 'foreign'));
    expect((await recordsIn(directory())).at(-1)?.leaf.kind).toBe('writer.close');
    const { exitCode, text: verdict } = await runPiste(
      'audit',
      'verify',
      directory(),
      besideOf(gateway),
      '--trust',
      gateway.checkpointFile,
    );
    expect(verdict).toMatch(/^audit verify: OK/);
    expect(exitCode).toBe(0);
  });
});

describe('a gateway that cannot start', () => {
  const GATEWAY_MAIN = fileURLToPath(new URL('../../../gateway/dist/main.js', import.meta.url));
  let environment: Record<string, string>;
  beforeEach(() => {
    environment = {
      PISTE_RESOURCES_DIR: playground.resourcesDirectory,
      PISTE_SECRETS_DIR: playground.secretsDirectory,
      PISTE_RECORDING_DIR: join(playground.directory, 'recording-startless'),
      PISTE_ALLOW_INSECURE_UPSTREAM: 'true',
      PISTE_DRIVER_ADDRESS: '127.0.0.1:0',
      PISTE_CONSOLE_ADDRESS: '127.0.0.1:0',
      PISTE_OPS_ADDRESS: '127.0.0.1:0',
    };
  });
  const startIn = (changes: Readonly<Record<string, string>>) =>
    failureOf(startProgram(GATEWAY_MAIN, [], { ...environment, ...changes }, { readyMilliseconds: 50_000 }));

  test('because it cannot record says where and why, and ends', async () => {
    const file = join(playground.directory, 'a-file');
    await writeFile(file, '');
    const { message } = await startIn({ PISTE_RECORDING_DIR: join(file, 'recording') });
    expect(message).toMatch(/ended with code 1/);
    expect(message).toMatch(/"message":"the gateway cannot start"/);
    expect(message).toMatch(/the identity key cannot be used: .*a-file/);
  });

  test('because a port is taken says which, ends, and closes its log', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const { message } = await startIn({ PISTE_OPS_ADDRESS: `127.0.0.1:${port}` });
      expect(message).toMatch(/ended with code 1/);
      expect(message).toMatch(new RegExp(`EADDRINUSE.*${port}`));
    } finally {
      server.close();
    }
    expect((await recordsIn(join(playground.directory, 'recording-startless'))).at(-1)?.leaf.kind).toBe('writer.close');
  });

  test('because of its configuration names every complaint at once', async () => {
    const { message } = await startIn({ PISTE_RESOURCES_DIR: '/nowhere', PISTE_HOLD_SECONDS: '90', PISTE_TYPO: '1' });
    expect(message).toMatch(/ended with code 1/);
    expect(message).toMatch(/PISTE_TYPO is not an option/);
    expect(message).toMatch(/PISTE_RESOURCES_DIR: \/nowhere is not a folder/);
    expect(message).toMatch(/PISTE_HOLD_SECONDS must be a whole number from 1 to 45/);
  });
});
