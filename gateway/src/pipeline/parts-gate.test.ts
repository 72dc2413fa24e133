import { describe, expect, test } from '@jest/globals';
import { GatewayError } from '../errors.js';
import { createPartsGate } from './parts-gate.js';

const NOBODY_LEFT = new AbortController().signal;

function createGate(maxBytes = 100) {
  const timeouts: (() => void)[] = [];
  let held = 0;
  const entered: string[] = [];
  const gate = createPartsGate({
    maxBytes,
    timers: {
      after: (_milliseconds, run) => {
        timeouts.push(run);
        return () => undefined;
      },
    },
    onChange: (bytes) => {
      held = bytes;
    },
  });
  const enter = (name: string, result: string, bytes: number, signal = NOBODY_LEFT) =>
    gate.enter(result, bytes, signal).then((leave) => {
      entered.push(name);
      return leave;
    });
  return { enter, entered, held: () => held, timeout: (at: number) => timeouts[at]?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('parts of results', () => {
  test('come in while there is place, and in order as others leave', async () => {
    const { enter, entered, held } = createGate();
    const first = await enter('a', 'r', 60);
    await enter('b', 's', 40);
    const third = enter('c', 't', 50);
    const fourth = enter('d', 'u', 1);
    await turn();
    expect([entered, held()]).toEqual([['a', 'b'], 100]);
    first();
    first();
    await Promise.all([third, fourth]);
    expect([entered, held()]).toEqual([['a', 'b', 'c', 'd'], 91]);
  });

  test('of one result are four at once, and do not hold up those of others', async () => {
    const { enter, entered } = createGate();
    const leave = await Promise.all(['a', 'b', 'c', 'd'].map((name) => enter(name, 'r', 1)));
    void enter('e', 'r', 1);
    await enter('f', 's', 1);
    expect(entered).toEqual(['a', 'b', 'c', 'd', 'f']);
    leave[0]?.();
    await turn();
    expect(entered.at(-1)).toBe('e');
  });

  test('larger than all the place there is come in alone', async () => {
    const { enter, entered } = createGate();
    const leave = await enter('a', 'r', 10);
    const large = enter('b', 's', 500);
    const next = enter('c', 't', 1);
    leave();
    (await large)();
    await next;
    expect(entered).toEqual(['a', 'b', 'c']);
  });

  test('are refused when they find no place in time, or nobody waits any more, and let others in', async () => {
    const { enter, timeout } = createGate();
    await enter('a', 'r', 60);
    const gone = new AbortController();
    const [late, left, small] = [enter('b', 's', 60), enter('c', 't', 60, gone.signal), enter('d', 'u', 40)];
    timeout(1);
    await expect(late).rejects.toThrow(GatewayError);
    gone.abort();
    await expect(left).rejects.toThrow('no place in time');
    await small;
    timeout(3);
    await expect(enter('e', 'v', 60, AbortSignal.abort())).rejects.toThrow(GatewayError);
  });
});
