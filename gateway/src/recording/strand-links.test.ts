import { describe, expect, test } from '@jest/globals';
import type { StrandLink } from '@piste/verifier';
import fc from 'fast-check';
import { readLog } from './index.js';
import type { Recording } from './recording.js';
import { openTestRecording, withDirectory } from './recording-fixture.js';
import type { StrandHints } from './strand-links.js';

const OTHER: StrandLink = { origin: 'test/w/01ARZ3NDEKTSV4RRFFQ69G5FAV', number: 4, leafHash: 'a'.repeat(64) };

/** Hints that answer when told to. */
function createFakeHints(heads: readonly StrandLink[] | undefined) {
  const noted: (readonly [string, StrandLink])[] = [];
  const reading: (() => void)[] = [];
  let isHeld = false;
  const hints: StrandHints = {
    async read() {
      if (isHeld) await new Promise<void>((resolve) => reading.push(resolve));
      return heads;
    },
    note: (sessionId, head) => void noted.push([sessionId, head]),
  };
  return {
    hints,
    noted,
    hold: () => {
      isHeld = true;
    },
    letGo: () => {
      isHeld = false;
      for (const go of reading.splice(0)) go();
    },
    waiting: () => reading.length,
  };
}

const put = (recording: Recording, sessionId: string, kind: 'session.open' | 'session.close' | 'control', n = 0) =>
  recording.append({ kind, sessionId, fields: { op: 'test', n }, bodies: [] });

async function leavesIn(directory: string) {
  const reading = readLog(directory);
  const leaves = [];
  for (let step = await reading.next(); !step.done; step = await reading.next()) leaves.push(step.value.leaf);
  return leaves.filter(({ strand }) => strand !== undefined);
}

/** The session's leaves of a log in which `work` wrote. */
const recorded = (hints: StrandHints, work: (recording: Recording) => Promise<void>) =>
  withDirectory(async (directory) => {
    const recording = await openTestRecording(directory, { strandHints: hints });
    await work(recording);
    await recording.close();
    return leavesIn(directory);
  });

describe("a session's first record in a log", () => {
  test('says nothing of other logs where the session was opened', async () => {
    const fake = createFakeHints([OTHER]);
    const [opening] = await recorded(fake.hints, async (recording) => void (await put(recording, 's', 'session.open')));
    expect(opening?.strand).toEqual({ sessionId: 's', number: 0, previous: undefined });
  });

  test('names the heads in other logs where it was not, and only the first does', async () => {
    const leaves = await recorded(createFakeHints([OTHER]).hints, async (recording) => {
      await put(recording, 's', 'control');
      await put(recording, 's', 'control');
    });
    expect(leaves.map(({ strand }) => strand?.links)).toEqual([[OTHER], undefined]);
  });

  test.each([[undefined], [[]]])('says "unknown" when the hints are %j', async (heads) => {
    const [first] = await recorded(
      createFakeHints(heads).hints,
      async (recording) => void (await put(recording, 's', 'control')),
    );
    expect(first?.strand?.links).toBe('unknown');
  });

  test('says it also when the first try was refused', async () => {
    const leaves = await recorded(createFakeHints([OTHER]).hints, async (recording) => {
      const tooLarge = { op: 'x'.repeat(70_000) };
      await expect(
        recording.append({ kind: 'control', sessionId: 's', fields: tooLarge, bodies: [] }),
      ).rejects.toThrow();
      await put(recording, 's', 'control');
    });
    expect(leaves.map(({ strand }) => strand?.links)).toEqual([[OTHER]]);
  });
});

describe('while hints are being read', () => {
  test('records of the session wait in order, others do not', async () => {
    const fake = createFakeHints([OTHER]);
    const leaves = await recorded(fake.hints, async (recording) => {
      fake.hold();
      const waiting = [1, 2, 3].map((n) => put(recording, 'roams', 'control', n));
      await put(recording, 'stays', 'session.open');
      expect(fake.waiting()).toBe(1);
      fake.letGo();
      await Promise.all(waiting);
    });
    expect(leaves.map(({ strand, fields }) => [strand?.sessionId, strand?.number, fields['n']])).toEqual([
      ['stays', 0, 0],
      ['roams', 0, 1],
      ['roams', 1, 2],
      ['roams', 2, 3],
    ]);
  });

  test('whatever comes when, each strand is dense and in call order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            sessionId: fc.constantFrom('a', 'b', 'c'),
            kind: fc.constantFrom('control' as const, 'session.close' as const, 'session.open' as const),
            pause: fc.boolean(),
          }),
          { maxLength: 25 },
        ),
        async (calls) => {
          const slow: StrandHints = {
            read: async () => {
              await new Promise((resolve) => setTimeout(resolve, 1));
              return [OTHER];
            },
            note: () => undefined,
          };
          const leaves = await recorded(slow, async (recording) => {
            const appended = [];
            for (const [n, { sessionId, kind, pause }] of calls.entries()) {
              appended.push(put(recording, sessionId, kind, n));
              if (pause) await appended.at(-1);
            }
            await Promise.all(appended);
          });
          for (const sessionId of ['a', 'b', 'c']) {
            const own = leaves.filter(({ strand }) => strand?.sessionId === sessionId);
            expect(own.map(({ strand }) => strand?.number)).toEqual(own.map((_, index) => index));
            const called = [...calls.entries()].filter(([, call]) => call.sessionId === sessionId).map(([n]) => n);
            expect(own.map(({ fields }) => fields['n'])).toEqual(called);
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('what is known of a session', () => {
  test('is noted with every durable record', async () => {
    const fake = createFakeHints(undefined);
    const hashes: string[] = [];
    await recorded(fake.hints, async (recording) => {
      for (const kind of ['session.open', 'control'] as const) hashes.push((await put(recording, 's', kind)).leafHash);
      expect(fake.noted).toEqual(
        hashes.map((leafHash, number) => ['s', { origin: recording.writer, number, leafHash }]),
      );
    });
  });

  test('stands in session.close: every strand with its length and head', async () => {
    const fake = createFakeHints([OTHER]);
    let own: unknown;
    const leaves = await recorded(fake.hints, async (recording) => {
      const opened = await put(recording, 's', 'session.open');
      own = [recording.writer, 1, opened.leafHash];
      await put(recording, 's', 'session.close');
    });
    expect(leaves.at(-1)?.fields['strands']).toEqual([own, [OTHER.origin, 5, OTHER.leafHash]]);
  });
});
