import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync, inflateSync } from 'node:zlib';

/** One answer that passed the tap on its way to the agent. */
export interface Passed {
  readonly path: string;
  readonly status: number;
  readonly headers: string;
  /** Decompressed. */
  readonly bytes: Buffer;
  /** The same as text. */
  readonly text: string;
}

/** A wire tap between the agent's driver and the gateway: what it has not seen, the agent has not got. */
export interface Tap {
  /** The address the driver is given. */
  readonly url: string;
  passed(): readonly Passed[];
  close(): Promise<void>;
}

/** Listens on a free port of loopback and passes every byte on unchanged in both directions. */
export async function startTap(target: string): Promise<Tap> {
  const passed: Passed[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => passOn(new URL(target), incoming, outgoing, passed));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    passed: () => passed,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The Host header stays the driver's own, so the addresses the gateway hands out lead through the tap as well. */
function passOn(target: URL, incoming: IncomingMessage, outgoing: ServerResponse, passed: Passed[]): void {
  const path = incoming.url ?? '/';
  const onward = request(
    {
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path,
      headers: incoming.headers,
      agent: false,
    },
    (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.once('end', () => {
        const bytes = decompress(Buffer.concat(parts), answer.headers['content-encoding']);
        const { statusCode: status = 0, headers } = answer;
        passed.push({ path, status, headers: JSON.stringify(headers), bytes, text: bytes.toString('utf8') });
      });
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  onward.once('error', () => outgoing.destroy());
  outgoing.once('close', () => onward.destroy());
  incoming.pipe(onward);
}

/** Result chunks may be gzip without saying so. */
function decompress(body: Buffer, encoding: string | undefined): Buffer {
  if (body[0] === 0x1f && body[1] === 0x8b) return gunzipSync(body);
  return encoding === 'deflate' ? inflateSync(body) : body;
}
