import { writeSync } from 'node:fs';
import { errorCode } from '../errors.js';
import { openRecording } from './recording.js';
import { SILENT_LOG } from './recording-fixture.js';

// The process that tests kill, or whose system calls fail: records without end from several sessions, reports what was
// acknowledged, and, once the recording failed, how many of ten further appends were refused.

const [directory, recipient] = process.argv.slice(2);
if (directory === undefined) throw new Error('a directory is needed');

const clock = { nowMs: () => Date.UTC(2026, 10, 22), monotonicNs: () => process.hrtime.bigint() };
const recording = await openRecording({
  directory,
  deployment: 'test',
  clock,
  log: SILENT_LOG,
  segmentBytes: 200_000,
  recipients: recipient === undefined ? [] : [recipient],
});

/** Says it before anything else happens, also to a reader that is slow: the pipe may be full. */
function say(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.byteLength > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') throw error;
    }
  }
}

function record(sessionId: string, round: number): Promise<unknown> {
  const bytes = Buffer.alloc((round * 997) % 9000, 'r');
  return recording
    .append({ kind: 'control', sessionId, fields: { round }, bodies: [{ name: 'rows', bytes }] })
    .then(({ leafHash }) => say(leafHash));
}

async function recordUntilFailure(sessionId: string): Promise<void> {
  for (let round = 0; !recording.failed; round += 1) await record(sessionId, round).catch(() => undefined);
}

await Promise.all(['a', 'b', 'c', 'd'].map(recordUntilFailure));
const after = await Promise.allSettled(Array.from({ length: 10 }, (_, round) => record('late', round)));
say(`refused ${after.filter(({ status }) => status === 'rejected').length}`);
await recording.close().catch(() => undefined);
