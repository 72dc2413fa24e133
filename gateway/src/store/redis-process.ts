import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real Redis for tests: own process, free port on loopback, nothing written to disk. */
export interface RedisProcess {
  readonly url: string;
  /** Starts it again on the same port after `stop`; its data is gone. */
  start(): Promise<void>;
  /** Ends the process and its connections. */
  stop(): Promise<void>;
  /** Keeps every connection open and answers nothing, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Stops it for good and removes its folder. */
  dispose(): Promise<void>;
}

export interface RedisProcessOptions {
  readonly password?: string;
  /** Paths of PEM files; then the server speaks TLS only. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

const START_TIMEOUT_MS = 10_000;
const START_ATTEMPTS = 5;

/** Starts Redis, or rejects saying how to install it. */
export async function startRedisProcess(options: RedisProcessOptions = {}): Promise<RedisProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-redis-'));
  // Another process may take the free port first; then another port will do.
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort();
    try {
      const child = await launch(port, directory, options);
      return toRedisProcess(child, port, directory, options);
    } catch (error) {
      if (attempt >= START_ATTEMPTS || !String(error).includes('Address already in use')) {
        await rm(directory, { recursive: true, force: true });
        throw error;
      }
    }
  }
}

function toRedisProcess(
  first: ChildProcess,
  port: number,
  directory: string,
  options: RedisProcessOptions,
): RedisProcess {
  let child: ChildProcess | undefined = first;
  const scheme = options.tls === undefined ? 'redis' : 'rediss';
  const credential = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;

  async function stop(): Promise<void> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const gone = once(running, 'exit');
    // SIGKILL also ends a frozen process, and there is nothing to save.
    running.kill('SIGKILL');
    await gone;
  }

  return {
    url: `${scheme}://${credential}127.0.0.1:${port}`,
    async start() {
      child ??= await launch(port, directory, options);
    },
    stop,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async dispose() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function launch(port: number, directory: string, { password, tls }: RedisProcessOptions): Promise<ChildProcess> {
  const ports =
    tls === undefined
      ? ['--port', `${port}`]
      : ['--port', '0', '--tls-port', `${port}`, '--tls-cert-file', tls.cert, '--tls-key-file', tls.key].concat([
          '--tls-ca-cert-file',
          tls.ca,
          '--tls-auth-clients',
          'no',
        ]);
  const secret = password === undefined ? [] : ['--requirepass', password];
  const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory, '--databases', '4'];
  const child = spawn('redis-server', [...ports, ...secret, ...settings], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`redis-server did not start within ${START_TIMEOUT_MS} ms: ${output}`));
    }, START_TIMEOUT_MS);
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes('Ready to accept connections')) {
        clearTimeout(timer);
        resolve();
      }
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`redis-server ended with ${code}: ${output}`));
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(error.code === 'ENOENT' ? new Error(NOT_INSTALLED) : error);
    });
  });
  return child;
}

const NOT_INSTALLED =
  'redis-server is not on the PATH, and these tests need a real one: install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis) and run them again';

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
