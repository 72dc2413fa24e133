import { spawn, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { childrenOf } from './machine.js';

/** nginx as a reverse proxy in front of the upstream: the baseline. One worker, its master beside it. */
export interface Nginx {
  readonly version: string;
  readonly port: number;
  /** Master and worker. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

const START_MS = 5_000;

/** Starts nginx over a folder of its own, or returns undefined when there is none on this machine. */
export async function startNginx(directory: string, upstreamPort: number): Promise<Nginx | undefined> {
  const found = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  if (found.error !== undefined) return undefined;
  const port = await freePort();
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'nginx.conf'), configuration(directory, port, upstreamPort));
  const child = spawn(
    'nginx',
    ['-p', directory, '-c', join(directory, 'nginx.conf'), '-e', 'stderr', '-g', 'daemon off;'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  const master = child.pid ?? 0;
  const untilMs = performance.now() + START_MS;
  // The master listens before there is a worker, and the worker does the work that is measured.
  while (!((await answers(port)) && (await childrenOf(master)).length > 0)) {
    if (child.exitCode !== null || performance.now() > untilMs) {
      await stop();
      throw new Error(`nginx did not start\n${complaints}`);
    }
    await delay(20);
  }
  return { version: found.stderr.trim(), port, pids: [master, ...(await childrenOf(master))], stop };
}

/** Keep-alive on both sides, answers passed on from memory: as fast as nginx relays without being told what it relays. */
function configuration(directory: string, port: number, upstreamPort: number): string {
  const isRoot = process.getuid?.() === 0;
  return `${isRoot ? 'user root;\n' : ''}worker_processes 1;
pid ${join(directory, 'nginx.pid')};
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${join(directory, 'body')};
  proxy_temp_path ${join(directory, 'proxy')};
  fastcgi_temp_path ${join(directory, 'fastcgi')};
  uwsgi_temp_path ${join(directory, 'uwsgi')};
  scgi_temp_path ${join(directory, 'scgi')};
  keepalive_requests 100000000;
  client_max_body_size 0;
  upstream snowflake { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    gunzip on;
    location / {
      proxy_pass http://snowflake;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_max_temp_file_size 0;
    }
  }
}
`;
}

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
