import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Fields = Record<string, unknown>;

/** A request on its way to the account. */
export interface PassedRequest {
  readonly path: string;
  readonly requestId: string | null;
  readonly body: string;
}

/** A road to the stand-in on which a test can look at requests, change answers and put up a barrier. */
export interface Relay {
  readonly port: number;
  /** What passed, oldest first. */
  readonly passed: readonly PassedRequest[];
  /** The next successful answer to a request for which `fits` says yes comes with other data. */
  changeNext(fits: (request: PassedRequest) => boolean, change: (data: Fields) => Fields): void;
  /** Nobody listens any more and every open connection is cut. */
  cut(): Promise<void>;
  /** Listens again on the same port. */
  mend(): Promise<void>;
}

interface Change {
  readonly fits: (request: PassedRequest) => boolean;
  readonly change: (data: Fields) => Fields;
}

/** Starts a relay in front of `targetUrl`. End it with `cut`. */
export async function startRelay(targetUrl: string): Promise<Relay> {
  const passed: PassedRequest[] = [];
  const changes: Change[] = [];
  const server = createServer((request, response) => {
    pass(targetUrl, request, response, passed, changes).catch(() => response.destroy());
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    passed,
    changeNext: (fits, change) => void changes.push({ fits, change }),
    async cut() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
    mend: () => listen(port),
  };
}

async function pass(
  targetUrl: string,
  request: IncomingMessage,
  response: ServerResponse,
  passed: PassedRequest[],
  changes: Change[],
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  const url = new URL(request.url ?? '/', targetUrl);
  const seen = {
    path: url.pathname,
    requestId: url.searchParams.get('requestId'),
    body: Buffer.concat(parts).toString(),
  };
  passed.push(seen);
  const { authorization, 'content-type': contentType, accept } = request.headers;
  const answer = await fetch(url, {
    method: request.method ?? 'GET',
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...(accept === undefined ? {} : { accept }),
    },
    ...(seen.body === '' ? {} : { body: seen.body }),
  });
  const text = await answer.text();
  response.writeHead(answer.status, { 'content-type': 'application/json' });
  response.end(changed(text, seen, changes));
}

function changed(text: string, request: PassedRequest, changes: Change[]): string {
  const index = changes.findIndex(({ fits }) => fits(request));
  const change = changes[index];
  const body = change === undefined ? undefined : (JSON.parse(text) as Fields);
  if (change === undefined || body?.['success'] !== true) return text;
  changes.splice(index, 1);
  return JSON.stringify({ ...body, data: change.change(body['data'] as Fields) });
}
