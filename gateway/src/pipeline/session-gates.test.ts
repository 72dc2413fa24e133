import { describe, expect, test } from '@jest/globals';
import { createSessionGates } from './session-gates.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function controlled(): { promise: Promise<void>; release: () => void } {
  let release = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release };
}

describe('the gate of a session', () => {
  test('lets ordinary statements run side by side and a USE alone, in order of arrival', async () => {
    const gates = createSessionGates();
    const log: string[] = [];
    const first = controlled();
    const use = controlled();
    const run = (name: string, mode: 'shared' | 'exclusive', until: Promise<void>) =>
      gates.pass('s', mode, async () => {
        log.push(`+${name}`);
        await until;
        log.push(`-${name}`);
      });
    const all = [
      run('a', 'shared', first.promise),
      run('b', 'shared', first.promise),
      run('use', 'exclusive', use.promise),
      run('c', 'shared', Promise.resolve()),
    ];
    await turn();
    expect(log).toEqual(['+a', '+b']);
    first.release();
    await turn();
    expect(log).toEqual(['+a', '+b', '-a', '-b', '+use']);
    use.release();
    await Promise.all(all);
    expect(log.slice(5)).toEqual(['-use', '+c', '-c']);
  });

  test('opens again after work that fails, and sessions do not wait for each other', async () => {
    const gates = createSessionGates();
    await expect(gates.pass('s', 'exclusive', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await gates.pass('s', 'exclusive', () => Promise.resolve(1))).toBe(1);
    const blocked = controlled();
    const waiting = gates.pass('s', 'exclusive', () => blocked.promise);
    expect(await gates.pass('other', 'exclusive', () => Promise.resolve(2))).toBe(2);
    blocked.release();
    await waiting;
  });
});
