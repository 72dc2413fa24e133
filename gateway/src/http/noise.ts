import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { errorCode } from '../errors.js';

/**
 * Answers what never becomes a request - broken HTTP, too long headers, a body that does not come - without a body, once it is
 * recorded. Node's own answers to these would leave unseen.
 */
export function answerNoise(server: Server, record: (why: string) => Promise<unknown>): void {
  server.on('clientError', (error: Error, socket: Socket) => {
    const why = errorCode(error) ?? 'unknown';
    if (why === 'ECONNRESET' || !socket.writable) {
      socket.destroy(error);
      return;
    }
    record(why).then(
      () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
      () => socket.destroy(),
    );
  });
}
