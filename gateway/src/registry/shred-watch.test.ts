import { expect, test } from '@jest/globals';
import { SILENT_LOG, withDirectory } from '../recording/recording-fixture.js';
import { createManualTimers, startTestRegistry } from './registry-fixture.js';
import { watchShreds } from './shred-watch.js';

const shredOf = (sid: string) => ({
  kind: 'shred' as const,
  fields: { sid, reason: 'asked', keys: [{ n: 0, origin: 'o' }], authorizations: [] },
});
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

test('sessions that are shredded from now on are told once each, also after a failure', () =>
  withDirectory(async (directory) => {
    const registry = await startTestRegistry(directory);
    await registry.append([shredOf('before')]);
    const manual = createManualTimers();
    const told: string[] = [];
    let isReachable = true;
    let looks = 0;
    let failures = 0;
    const stop = watchShreds({
      registry: {
        head: () => (isReachable ? registry.head() : Promise.reject(new Error('gone'))),
        async *storedEntries(from, to) {
          yield* registry.storedEntries(from, to);
          looks += 1;
        },
      },
      timers: manual.timers,
      log: {
        ...SILENT_LOG,
        warn() {
          failures += 1;
        },
      },
      async onShred(sessionId) {
        told.push(sessionId);
        if (sessionId === 'first') throw new Error('not now');
      },
    });
    await until(() => looks === 1);
    await registry.append([{ kind: 'tick', fields: { origin: 'o' } }, shredOf('first'), shredOf('second')]);
    isReachable = false;
    manual.run();
    await until(() => failures === 1);
    isReachable = true;
    manual.run();
    manual.run();
    await until(() => looks === 2);
    await registry.append([shredOf('third')]);
    manual.run();
    await until(() => looks === 3);
    stop();
    await registry.append([shredOf('fourth')]);
    manual.run();
    expect(told).toEqual(['first', 'second', 'third']);
  }));
