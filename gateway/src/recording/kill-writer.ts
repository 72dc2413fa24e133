import { writeSync } from 'node:fs';
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

function record(sessionId: string, round: number): Promise<unknown> {
  const bytes = Buffer.alloc((round * 997) % 9000, 'r');
  return recording
    .append({ kind: 'control', sessionId, fields: { round }, bodies: [{ name: 'rows', bytes }] })
    .then(({ leafHash }) => writeSync(1, `${leafHash}\n`));
}

async function recordUntilFailure(sessionId: string): Promise<void> {
  for (let round = 0; !recording.failed; round += 1) await record(sessionId, round).catch(() => undefined);
}

await Promise.all(['a', 'b', 'c', 'd'].map(recordUntilFailure));
const after = await Promise.allSettled(Array.from({ length: 10 }, (_, round) => record('late', round)));
writeSync(1, `refused ${after.filter(({ status }) => status === 'rejected').length}\n`);
await recording.close().catch(() => undefined);
