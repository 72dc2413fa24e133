import { describe, expect, test } from '@jest/globals';
import { queryWalk } from './query.js';
import { isStop, type Stop, walk } from './walk.js';

interface Deps {
  readonly stageTimer: { nowMs(): number; stageTook(stage: string, milliseconds: number): void };
  readonly log: string[];
}

const depsOf = (): Deps => {
  const log: string[] = [];
  let now = 0;
  return {
    log,
    stageTimer: {
      nowMs: () => {
        now += 5;
        return now;
      },
      stageTook: (stage, milliseconds) => void log.push(`${stage} took ${milliseconds}`),
    },
  };
};

const stop: Stop = {
  stopped: true,
  envelope: { data: null, code: '1', message: 'no', success: false },
  outcome: 'blocked',
  reason: 'test',
};

describe('a walk', () => {
  test('runs its stages in their order and times each', async () => {
    const deps = depsOf();
    const end = await walk<Deps, { readonly start: number }>()
      .to('first', async (_deps, so) => ({ ...so, first: so.start + 1 }))
      .to('second', async (_deps, so) => ({ ...so, second: so.first + 1 }))
      .run(deps, { start: 1 });
    expect(end).toEqual({ start: 1, first: 2, second: 3 });
    expect(deps.log).toEqual(['first took 5', 'second took 5']);
  });

  test('ends where a stage stops it', async () => {
    const deps = depsOf();
    const end = await walk<Deps, object>()
      .to('first', async () => stop)
      .to('second', async (inner, so) => {
        inner.log.push('second ran');
        return so;
      })
      .run(deps, {});
    expect(isStop(end)).toBe(true);
    expect(deps.log).toEqual(['first took 5']);
  });

  test('ends where a stage throws, and times it all the same', async () => {
    const deps = depsOf();
    const broken = walk<Deps, object>().to('first', async () => {
      throw new Error('broken');
    });
    await expect(broken.run(deps, {})).rejects.toThrow('broken');
    expect(deps.log).toEqual(['first took 5']);
  });

  test('is not changed by a longer one made of it', async () => {
    const short = walk<Deps, object>().to('first', async () => ({ first: true }));
    short.to('second', async () => stop);
    expect(await short.run(depsOf(), {})).toEqual({ first: true });
  });
});

test('only a stop is a stop', () => {
  expect([stop, {}, { stopped: false }, { stopped: 'yes' }].map(isStop)).toEqual([true, false, false, false]);
});

test('there is one walk of statements', () => {
  expect(typeof queryWalk.run).toBe('function');
});
