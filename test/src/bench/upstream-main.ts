import { createServer, type Socket } from 'node:net';
import { createAnswers, createChunk, delayOf } from './canned-answers.js';
import { createMessageReader } from './http-messages.js';

/**
 * `node upstream-main.js`: Snowflake's side of the benchmark. Answers from memory what was encoded beforehand, prints
 * `{"port": …, "chunkBytes": …}` when it listens, ends on SIGTERM. It checks nothing: only the gateway is to be measured.
 */
let port = 0;
const chunk = createChunk();
const answer = createAnswers(() => `http://127.0.0.1:${port}`, chunk);

const server = createServer({ noDelay: true }, (socket: Socket) => {
  const read = createMessageReader(({ head, body }) => {
    const [, path = '/'] = head.split(' ', 2);
    const delay = delayOf(body);
    if (delay === 0) socket.write(answer(path, body));
    else setTimeout(() => socket.write(answer(path, body)), delay);
  });
  socket.on('data', read);
  socket.on('error', () => socket.destroy());
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  process.stdout.write(`${JSON.stringify({ port, chunkBytes: chunk.plain.length })}\n`);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
