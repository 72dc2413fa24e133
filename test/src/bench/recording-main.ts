import { parseArgs } from 'node:util';
import { MISSING_FIO, measureGrowth, measureRecording } from './recording-bench.js';
import { growthLine, recordingTable, strictTable } from './recording-report.js';
import { createRandom } from './statistics.js';
import { measureStrict } from './strict-bench.js';

// The recording alone: `node test/dist/bench/recording-main.js [--quick] [--directory DIR]`. In its place, `--queries`: what mode
// strict adds to whole queries of 100 ms; `--gigabytes N`: memory while N GB are streamed.

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    directory: { type: 'string' },
    queries: { type: 'boolean' },
    gigabytes: { type: 'string' },
  },
});
const isQuick = values.quick === true;
const { directory } = values;

async function measure(): Promise<string> {
  if (values.queries === true) {
    const plan = isQuick ? { rounds: 1, milliseconds: 1_000 } : { rounds: 7, milliseconds: 4_000 };
    return strictTable(await measureStrict({ ...plan, random: createRandom(Date.now()) }));
  }
  if (values.gigabytes !== undefined)
    return growthLine(await measureGrowth(Number(values.gigabytes) * 1000, directory));
  const rounds = isQuick ? 1 : 5;
  const results = await measureRecording({ rounds, isQuick, ...(directory !== undefined && { directory }) });
  const missing = results.fioP50Millis === undefined ? `${MISSING_FIO}\n` : '';
  return `${missing}${recordingTable(results)}`;
}

process.stdout.write(`${await measure()}\n`);
