import { parseArgs } from 'node:util';
import { MISSING_FIO, measureRecording } from './recording-bench.js';
import { recordingTable } from './recording-report.js';

// The recording alone: `node test/dist/bench/recording-main.js [--quick] [--directory DIR]`.

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, directory: { type: 'string' } } });
const results = await measureRecording({
  rounds: values.quick === true ? 1 : 5,
  isQuick: values.quick === true,
  ...(values.directory !== undefined && { directory: values.directory }),
});
if (results.fioP50Millis === undefined) process.stdout.write(`${MISSING_FIO}\n`);
process.stdout.write(`${recordingTable(results)}\n`);
