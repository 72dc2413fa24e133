import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, truncate } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { errorCode, errorMessage } from '../errors.js';
import { syncFolder } from './sync-folder.js';
import type { Witness, WitnessAnswer, WitnessStore } from './witness.js';

/** A request with 63 hashes and a checkpoint with many signatures is far smaller. */
const MAX_REQUEST_BYTES = 256 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;

/** The state of a witness in a directory: one file per log, named by the hash of its origin. */
export async function openWitnessStore(directory: string): Promise<WitnessStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const pathOf = (origin: string): string =>
    join(directory, `${createHash('sha256').update(origin, 'utf8').digest('hex')}.checkpoint`);
  return Object.freeze({
    async get(origin: string): Promise<string | undefined> {
      try {
        return await readFile(pathOf(origin), 'utf8');
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
    async put(origin: string, note: string): Promise<void> {
      const temporary = join(directory, `.new-${randomUUID()}`);
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(note, 'utf8');
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, pathOf(origin));
      await syncFolder(directory);
    },
  });
}

/**
 * Keeps a second witness from the same state: two would cosign past each other. Throws when one is running; the returned
 * function gives the directory free.
 */
export async function claimState(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'pid');
  const file = await open(path, 'a+', 0o600);
  try {
    const other = Number((await file.readFile('utf8')).trim());
    if (other > 0 && other !== process.pid && isRunning(other))
      throw new Error(`process ${other} uses this state already`);
    await file.truncate(0);
    await file.writeFile(`${process.pid}\n`);
  } finally {
    await file.close();
  }
  return async () => {
    await truncate(path);
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** The witness over HTTP: `POST /add-checkpoint` and `GET /<origin hash>/checkpoint`. The caller listens and closes. */
export function createWitnessServer(witness: Witness, onAnswer: (status: number, error?: string) => void): Server {
  const server = createServer((request, response) => {
    handle(witness, request).then(
      (answer) => {
        onAnswer(answer.status);
        send(response, answer);
      },
      (error: unknown) => {
        onAnswer(500, errorMessage(error));
        send(response, { status: 500, contentType: 'text/plain', body: 'the witness cannot keep its state\n' });
      },
    );
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  return server;
}

async function handle(witness: Witness, request: IncomingMessage): Promise<WitnessAnswer | NotServed> {
  const path = new URL(request.url ?? '/', 'http://witness').pathname;
  if (path.endsWith('/add-checkpoint')) {
    if (request.method !== 'POST') return { status: 405, contentType: 'text/plain', body: 'POST it\n' };
    const body = await readBody(request);
    return body === undefined
      ? { status: 400, contentType: 'text/plain', body: 'too long\n' }
      : witness.addCheckpoint(body);
  }
  const [, originHash] = /\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? [];
  if (originHash !== undefined && request.method === 'GET') return witness.checkpoint(originHash);
  return { status: 404, contentType: 'text/plain', body: 'not served here\n' };
}

interface NotServed {
  readonly status: 400 | 404 | 405 | 500;
  readonly contentType: string;
  readonly body: string;
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const piece = chunk as Buffer;
    bytes += piece.byteLength;
    if (bytes > MAX_REQUEST_BYTES) return undefined;
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, contentType, body }: WitnessAnswer | NotServed): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
