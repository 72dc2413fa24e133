import { once } from 'node:events';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { sendReply } from '../protocol/index.js';
import { SILENT_LOG } from '../recording/recording-fixture.js';
import { createOutbox, MANY_BYTES } from './outbox.js';

function createClocked() {
  let nowMs = 0;
  let look = (): void => undefined;
  const said = { waiting: 0, cut: 0 };
  const outbox = createOutbox({
    nowMs: () => nowMs,
    timers: {
      every: (_milliseconds, run) => {
        look = run;
        return () => undefined;
      },
    },
    log: SILENT_LOG,
    metrics: {
      waiting: (bytes) => {
        said.waiting = bytes;
      },
      cut: () => {
        said.cut += 1;
      },
    },
  });
  const pass = (seconds: number): void => {
    nowMs += seconds * 1000;
    look();
  };
  return { outbox, said, pass };
}

describe('answers that leave', () => {
  test('are given up when nobody takes a byte of them for half a minute', () => {
    const { outbox, said, pass } = createClocked();
    const cut: string[] = [];
    const slow = outbox.follow(1000, () => cut.push('slow'));
    outbox.follow(500, () => cut.push('stuck'));
    outbox.follow(7, () => cut.push('gone')).done();
    pass(29);
    slow.moved(900);
    expect([cut, said.waiting]).toEqual([[], 1500]);
    pass(1);
    expect([cut, said]).toEqual([['stuck'], { waiting: 900, cut: 1 }]);
    pass(29);
    expect(cut).toEqual(['stuck', 'slow']);
  });

  test('are given up sooner, longest first, while they are many', () => {
    const { outbox, said, pass } = createClocked();
    const cut: string[] = [];
    const size = MANY_BYTES / 2;
    outbox.follow(size, () => cut.push('first'));
    pass(3);
    outbox.follow(size, () => cut.push('second'));
    outbox.follow(1, () => cut.push('third'));
    pass(1);
    expect([cut, said.waiting]).toEqual([['first'], size + 1]);
    pass(20);
    expect(cut).toEqual(['first']);
  });
});

describe('sending', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  const BODY = Buffer.alloc(24 * 1024 * 1024, 'part ');

  /** A server that gives one body; what it says of its sending. */
  async function serve() {
    const moved: number[] = [];
    const started = Promise.withResolvers<ServerResponse>();
    const ended = Promise.withResolvers<void>();
    const server = createServer((incoming, response) => {
      started.resolve(response);
      const reply = { status: 200, body: BODY, contentType: 'application/octet-stream' } as const;
      sendReply(incoming, response, reply, (left) => void moved.push(left)).then(ended.resolve, ended.reject);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { port, moved, started: started.promise, ended: ended.promise };
  }

  test('tells what is left, and ends when all of it is gone', async () => {
    const { port, moved, ended } = await serve();
    const [response] = await once(request({ port }).end(), 'response');
    const got = Buffer.concat(await response.toArray());
    await ended;
    expect(got.equals(BODY)).toBe(true);
    expect(moved.every((left, at) => left < (moved[at - 1] ?? BODY.length))).toBe(true);
  });

  test('holds while nobody reads, and ends when it is cut', async () => {
    const { port, moved, started, ended } = await serve();
    const socket = connect(port, '127.0.0.1').pause();
    socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const response = await started;
    for (let before = -1; before !== moved.length; ) {
      before = moved.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(response.writableFinished).toBe(false);
    expect(response.writableLength).toBeLessThan(1024 * 1024);
    response.destroy();
    await ended;
    socket.destroy();
  });

  test('ends when its driver goes away', async () => {
    const { port, started, ended } = await serve();
    const socket = connect(port, '127.0.0.1').pause();
    socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await started;
    socket.destroy();
    await ended;
  });
});
