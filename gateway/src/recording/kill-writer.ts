import { writeSync } from 'node:fs';
import { openRecording } from './recording.js';
import { SILENT_LOG } from './recording-fixture.js';

// The process that kill.test.ts kills: records without end from several sessions and reports what was acknowledged.

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('a directory is needed');

const clock = { nowMs: () => Date.UTC(2026, 10, 22), monotonicNs: () => process.hrtime.bigint() };
const recording = await openRecording({ directory, deployment: 'test', clock, log: SILENT_LOG, segmentBytes: 200_000 });

async function recordForever(sessionId: string): Promise<never> {
  for (let round = 0; ; round += 1) {
    const bytes = Buffer.alloc((round * 997) % 9000, 'r');
    const receipt = await recording.append({
      kind: 'control',
      sessionId,
      fields: { round },
      bodies: [{ name: 'rows', bytes }],
    });
    writeSync(1, `${receipt.leafHash}\n`);
  }
}

await Promise.all(['a', 'b', 'c', 'd'].map(recordForever));
