import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Answer, type Recording, RecordingUnavailable, unrecordedAnswer } from '../recording/index.js';
import { entry, openSuiteRecording, SILENT_LOG } from '../recording/recording-fixture.js';
import { type DeliveryMetrics, deliver, type Reply } from './delivery.js';
import type { Outbox } from './outbox.js';

const outbox: Outbox = {
  follow: () => ({ moved: () => undefined, done: () => undefined }),
  close: () => undefined,
};
let recording: Recording;
let closeRecording: () => Promise<void>;
let server: Server;
let url: string;
/** What the server gives next. */
let next: Answer;
let counted: Record<keyof DeliveryMetrics, number>;

beforeAll(async () => {
  ({ recording, close: closeRecording } = await openSuiteRecording());
  const metrics: DeliveryMetrics = {
    delivered: (bytes) => {
      counted.delivered += bytes;
    },
    recorded: (bytes) => {
      counted.recorded += bytes;
    },
    unrecorded: (bytes) => {
      counted.unrecorded += bytes;
    },
    refused: () => {
      counted.refused += 1;
    },
  };
  server = createServer((incoming, response) => {
    const reply: Reply = { status: 200, answer: next, contentType: 'application/json' };
    void deliver({ log: SILENT_LOG, metrics, outbox }, incoming, response, reply);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await closeRecording();
});
beforeEach(() => {
  counted = { delivered: 0, recorded: 0, unrecorded: 0, refused: 0 };
});

const recorded = (text: string): Promise<Answer> =>
  recording.recordAnswer(entry('control', { op: 'test', outcome: 'ok' }), Buffer.from(text));
const ask = async (): Promise<string> => (await fetch(url)).text();

describe('an answer', () => {
  test('leaves when its record is durable, and is counted', async () => {
    next = await recorded('{"a":1}');
    expect(await ask()).toBe('{"a":1}');
    expect(counted).toEqual({ delivered: 7, recorded: 7, unrecorded: 0, refused: 0 });
  });

  test('is counted as it was before compression', async () => {
    const text = JSON.stringify('x'.repeat(10_000));
    next = await recorded(text);
    const [response] = (await once(request(url, { headers: { 'accept-encoding': 'gzip' } }).end(), 'response')) as [
      IncomingMessage,
    ];
    const packed = Buffer.concat(await response.toArray());
    expect(packed.length).toBeLessThan(1_000);
    expect(gunzipSync(packed).toString()).toBe(text);
    expect(counted).toMatchObject({ delivered: text.length, recorded: text.length });
  });

  test('does not leave twice on one record', async () => {
    next = await recorded('{"a":1}');
    await ask();
    await expect(ask()).rejects.toThrow();
    expect(counted).toEqual({ delivered: 7, recorded: 7, unrecorded: 0, refused: 1 });
  });

  test.each<[string, () => unknown]>([
    ['made by somebody else', () => ({ bytes: Buffer.from('{}'), standing: { kind: 'durable' } })],
    ['copied', async () => ({ ...(await recorded('{}')) })],
    ['missing', () => undefined],
  ])('that is %s does not leave', async (_what, make) => {
    next = (await make()) as Answer;
    await expect(ask()).rejects.toThrow();
    expect(counted).toEqual({ delivered: 0, recorded: 0, unrecorded: 0, refused: 1 });
  });

  test('that nothing could be recorded leaves as a refusal, and is counted as in no record', async () => {
    next = unrecordedAnswer(new RecordingUnavailable('test'), Buffer.from('{"success":false}'));
    expect(await ask()).toBe('{"success":false}');
    expect(counted).toEqual({ delivered: 17, recorded: 0, unrecorded: 17, refused: 0 });
  });
});

describe('an answer without a record', () => {
  test('is only made of a failure of the recording', () => {
    expect(() => unrecordedAnswer(new Error('another failure'), Buffer.from('{}'))).toThrow('another failure');
  });

  test('is no longer than a refusal', () => {
    const rows = Buffer.alloc(10_000);
    expect(() => unrecordedAnswer(new RecordingUnavailable('test'), rows)).toThrow(RangeError);
  });
});
