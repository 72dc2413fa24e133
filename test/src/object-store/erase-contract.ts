import { expect, test } from '@jest/globals';
import type { ObjectStore } from '@piste/gateway/dist/archive/index.js';
import { type ErasePlace, makeArchivedStory, REASON } from './erase-fixture.js';

/** One bucket and the time to wait in it. */
export interface ErasePlaceInTime extends ErasePlace {
  pass(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

const RETENTION = ['retention', '--days', '2', '--reason', 'policy'];
const HOLD = ['--id', 'case-9', '--reason', 'lawsuit'];

/** From the archived recording to one without its texts, on a store of any kind. */
export function describeErasing(startPlace: () => Promise<ErasePlaceInTime>, lockedMs: number): void {
  test('ship, hold, be refused, release, shred, prune, verify', async () => {
    const place = await startPlace();
    const story = await makeArchivedStory(place, { lockedMs });
    const store = await place.open();
    try {
      expect(await story.verify()).toMatchObject({ code: 0, out: expect.stringContaining('audit verify: OK') });

      const held = await story.audit('hold', 'set', ...HOLD);
      expect(held).toMatchObject({
        code: 0,
        out: expect.stringMatching(
          /^hold case-9 set: entry \d+ of the registry\n10 objects under it in the archive, 10 changed\n$/,
        ),
      });
      expect(new Set(await holdsOn(store))).toEqual(new Set([true]));
      expect(await story.audit(...RETENTION)).toMatchObject({ code: 1, err: expect.stringContaining('case-9') });
      expect(await story.shred()).toMatchObject({ code: 1, err: expect.stringContaining('case-9') });

      expect(await story.audit('hold', 'release', ...HOLD)).toMatchObject({ code: 0 });
      expect(new Set(await holdsOn(store))).toEqual(new Set([false]));
      expect(await story.audit(...RETENTION)).toMatchObject({ code: 0, out: expect.stringContaining('locked until') });
      expect(await story.said('retention')).toEqual([]);

      expect(await story.shred()).toMatchObject({ code: 0, out: expect.stringContaining('2 stored keys removed') });
      await place.pass(lockedMs + 2000);
      expect(await story.audit(...RETENTION)).toMatchObject({ code: 0, out: expect.stringContaining('removed') });
      const left = await versionsIn(store);
      expect(left.filter((path) => path.endsWith('.sfb'))).toEqual([]);
      expect(left.filter((path) => path.includes('/keys/'))).toHaveLength(1);

      const verified = await story.verify();
      expect(verified).toMatchObject({ code: 0, out: expect.stringContaining('audit verify: OK') });
      expect(verified.out).toContain(REASON);
      expect(verified.out).toContain('bodies-missing');
      expect(verified.out).toContain('pruned-object');
    } finally {
      store.close();
      await story.remove();
      await place.stop();
    }
  }, 120_000);
}

/** Paths of the recording's objects of which any version is there. */
export async function versionsIn(store: ObjectStore): Promise<readonly string[]> {
  const found = await store.listVersions('');
  return found.filter(({ path, marker }) => !marker && /^[0-9A-Z]{26}\//.test(path)).map(({ path }) => path);
}

async function holdsOn(store: ObjectStore): Promise<readonly (boolean | undefined)[]> {
  return Promise.all((await versionsIn(store)).map(async (path) => (await store.head(path, undefined))?.hold));
}
