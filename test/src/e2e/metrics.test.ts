import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Playground, startPlayground } from '../playground/playground.js';
import { connectAgent } from './callers.js';

let playground: Playground;

beforeAll(async () => {
  playground = await startPlayground();
}, 60_000);
afterAll(async () => await playground?.stop());

test('an agent gets through', async () => {
  const driver = await connectAgent(playground);
  expect((await driver.execute('SELECT 1 AS one')).rows).toEqual([{ ONE: 1 }]);
  await driver.close();
});
