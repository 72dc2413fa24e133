import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { freePorts } from '../playground/free-ports.js';

/** `make s3` builds it. */
const PROGRAM = fileURLToPath(new URL('../../../.cache/s3/versitygw', import.meta.url));
const READY_TRIES = 100;

/** A real S3 server with Object Lock, in a process and a folder of its own. */
export interface S3Server {
  readonly endpoint: string;
  readonly credentialsFile: string;
  readonly client: S3Client;
  readonly makeBucket: (name: string, hasLock: boolean) => Promise<void>;
  /** Ends the process and keeps the folder: an outage. */
  readonly halt: () => Promise<void>;
  readonly resume: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts versitygw on a free port of loopback. @throws Error when it was not built or does not answer. */
export async function startVersitygw(): Promise<S3Server> {
  if (!existsSync(PROGRAM)) throw new Error('versitygw is missing: run `make s3`');
  const directory = await mkdtemp(join(tmpdir(), 'piste-s3-'));
  const [port = 0] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const keys = { accessKeyId: 'piste', secretAccessKey: randomBytes(16).toString('hex') };
  const credentialsFile = join(directory, 'credentials');
  const lines = [
    '[default]',
    `aws_access_key_id = ${keys.accessKeyId}`,
    `aws_secret_access_key = ${keys.secretAccessKey}`,
  ];
  await writeFile(credentialsFile, `${lines.join('\n')}\n`, { mode: 0o600 });
  for (const name of ['objects', 'versions']) await mkdir(join(directory, name));
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: keys,
    maxAttempts: 1,
  });
  let end = await launch(directory, port, keys);
  return {
    endpoint,
    credentialsFile,
    client,
    async makeBucket(name, hasLock) {
      await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: hasLock }));
    },
    halt: () => end(),
    async resume() {
      end = await launch(directory, port, keys);
    },
    async stop() {
      client.destroy();
      await end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function launch(
  directory: string,
  port: number,
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string },
): Promise<() => Promise<void>> {
  const child = spawn(
    PROGRAM,
    [
      '--port',
      `127.0.0.1:${port}`,
      '--quiet',
      'posix',
      '--versioning-dir',
      join(directory, 'versions'),
      join(directory, 'objects'),
    ],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        ROOT_ACCESS_KEY: keys.accessKeyId,
        ROOT_SECRET_KEY: keys.secretAccessKey,
      },
      stdio: 'ignore',
    },
  );
  const killChild = (): void => void child.kill('SIGKILL');
  process.once('exit', killChild);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const end = async (): Promise<void> => {
    process.off('exit', killChild);
    child.kill('SIGKILL');
    await ended;
  };
  for (let attempt = 0; attempt < READY_TRIES && child.exitCode === null; attempt += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer !== undefined) return end;
    await delay(100);
  }
  await end();
  throw new Error('versitygw does not answer');
}
