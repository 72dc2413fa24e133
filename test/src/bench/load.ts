import { randomInt, randomUUID } from 'node:crypto';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createMessageReader } from './http-messages.js';
import { percentile } from './statistics.js';

/** Statements over keep-alive connections, each sending the next when the answer to the last is complete. */
export interface StatementLoad {
  readonly port: number;
  readonly token: string;
  /** `$N` becomes another number in every statement: no two are alike. */
  readonly sqlText: string;
  readonly connections: number;
  readonly milliseconds: number;
}

export interface StatementSample {
  readonly requests: number;
  readonly failures: number;
  readonly requestsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

/** One download, repeated. */
export interface DownloadLoad {
  readonly url: string;
  readonly times: number;
}

export interface DownloadSample {
  readonly bytes: number;
  readonly seconds: number;
}

const SUCCESS = '"success":true';

/** Sends statements with distinct request ids until the time is over. Rejects when a connection breaks. */
export async function sendStatements(load: StatementLoad): Promise<StatementSample> {
  const latencies: number[] = [];
  let failures = 0;
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => connected(load.port)));
  const startedMs = performance.now();
  const untilMs = startedMs + load.milliseconds;
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          let sentMs = 0;
          const send = (): void => {
            const request = requestOf(load, randomInt(1_000_000_000));
            sentMs = performance.now();
            socket.write(request);
          };
          const read = createMessageReader(({ head, body }) => {
            const now = performance.now();
            latencies.push((now - sentMs) * 1000);
            if (!head.startsWith('HTTP/1.1 200') || body.indexOf(SUCCESS) === -1) failures += 1;
            if (now < untilMs) send();
            else resolve();
          });
          socket.on('data', read);
          socket.once('error', reject);
          socket.once('close', () => reject(new Error('a connection was closed during the measurement')));
          send();
        }),
    ),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  for (const socket of sockets) socket.destroy();
  return {
    requests: latencies.length,
    failures,
    requestsPerSecond: latencies.length / seconds,
    p50Micros: percentile(latencies, 0.5),
    p99Micros: percentile(latencies, 0.99),
  };
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** About 300 bytes of body, as a driver sends them. */
function requestOf({ port, token, sqlText }: StatementLoad, number: number): string {
  const body = JSON.stringify({
    sqlText: sqlText.replace('$N', () => String(number)),
    asyncExec: false,
    sequenceId: 1,
    querySubmissionTime: 1_700_000_000_000,
    parameters: {},
    describeOnly: false,
    isInternal: false,
    queryContextDTO: { entries: [] },
  });
  return [
    `POST /queries/v1/query-request?requestId=${randomUUID()} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    'accept: application/snowflake',
    'content-type: application/json',
    'user-agent: PythonConnector/4.0.0 (Linux) CPython/3.12',
    `authorization: Snowflake Token="${token}"`,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** Downloads and throws the bytes away; counts what came. Rejects on any status but 200. */
export async function download(load: DownloadLoad): Promise<DownloadSample> {
  const startedMs = performance.now();
  let bytes = 0;
  for (let time = 0; time < load.times; time += 1) bytes += await downloadOnce(load.url);
  return { bytes, seconds: (performance.now() - startedMs) / 1000 };
}

function downloadOnce(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let bytes = 0;
      if (response.statusCode !== 200) reject(new Error(`a download answered ${response.statusCode}`));
      response.on('data', (part: Buffer) => {
        bytes += part.length;
      });
      response.once('end', () => resolve(bytes));
      response.once('error', reject);
    }).once('error', reject);
  });
}
