import { parseArgs } from 'node:util';
import { describeDetection, measureDetection } from './detection-bench.js';
import { describeMachine } from './machine.js';
import { createRandom } from './statistics.js';

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, seed: { type: 'string' } } });
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);

const results = await measureDetection({
  random: createRandom(seed),
  ...(values.quick === true
    ? { rounds: 2, values: 5_000, sampleMillis: 20, hostileBytes: 1_000 }
    : { rounds: 7, values: 58_844, sampleMillis: 200, hostileBytes: 4_000 }),
});
process.stdout.write(`machine    ${describeMachine()}\nseed       ${seed}\n\n${describeDetection(results)}\n`);
