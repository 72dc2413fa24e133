import type { Goal } from './goals.js';
import type { Growth, RecordingResults } from './recording-bench.js';
import type { StrictRow } from './strict-bench.js';

/** The results as text for a terminal. */
export function recordingTable({
  fioP50Millis,
  fioP99Millis,
  rows,
  recovery,
  streamGrowthMegabytes,
}: RecordingResults): string {
  const disk =
    fioP50Millis === undefined
      ? 'the disk itself: not measured'
      : `the disk itself, 4 KiB and fdatasync (fio): p50 ${fioP50Millis.toFixed(3)} ms, p99 ${(fioP99Millis ?? 0).toFixed(3)} ms`;
  const lines = rows.map(({ variant, ...row }) => {
    const overDisk = fioP50Millis === undefined ? '' : ` (${(row.singleP50Millis / fioP50Millis).toFixed(2)} x fio)`;
    return [
      `${variant.padEnd(20)} one at a time: p50 ${row.singleP50Millis.toFixed(3)} ms${overDisk}, p99 ${row.singleP99Millis.toFixed(3)} ms`,
      `${''.padEnd(20)} 64 in flight, 3 KB: ${row.recordsPerSecond.toFixed(0)} records/s, ${row.cpuMicrosPerRecord.toFixed(0)} us CPU each`,
      `${''.padEnd(20)} 1 MiB parts, 4 in flight: ${row.streamMegabytesPerSecond.toFixed(0)} MB/s`,
    ].join('\n');
  });
  const rest = `start on an open log of ${recovery.megabytes.toFixed(0)} MB: ${recovery.millis.toFixed(0)} ms; memory grew ${streamGrowthMegabytes.toFixed(0)} MB while it was written`;
  return [disk, ...lines, rest].join('\n');
}

/** What mode `strict` adds to whole queries, as text for a terminal. */
export function strictTable(rows: readonly StrictRow[]): string {
  const lines = rows.map(({ connections, p50Millis, p99Millis, overObserveMillis, overMemoryMillis }) => {
    const each = Object.entries(p50Millis).map(
      ([variant, millis]) =>
        `${variant}: p50 ${millis.toFixed(2)} ms, p99 ${p99Millis[variant as keyof typeof p99Millis].toFixed(2)} ms`,
    );
    const share = (100 * overObserveMillis) / p50Millis.observe;
    const over = `strict beyond observe: ${overObserveMillis.toFixed(2)} ms (${share.toFixed(1)} %), beyond a log in memory: ${overMemoryMillis.toFixed(2)} ms`;
    return [`${connections} at a time`, ...each, over].join('\n  ');
  });
  return ['queries of 100 ms with results of 250 KB', ...lines].join('\n');
}

export function growthLine({ megabytes, growthMegabytes, megabytesPerSecond }: Growth): string {
  return `${megabytes.toFixed(0)} MB streamed at ${megabytesPerSecond.toFixed(0)} MB/s: memory grew ${growthMegabytes.toFixed(0)} MB`;
}

/** What the recording has to reach; the first needs fio. */
export function judgeRecording({
  fioP50Millis,
  rows,
  recovery,
  streamGrowthMegabytes,
}: RecordingResults): readonly Goal[] {
  const [plain] = rows;
  if (plain === undefined) return [];
  const overDisk =
    fioP50Millis === undefined
      ? []
      : [atMost('durable append p50, one at a time / fio fdatasync p50', 2, plain.singleP50Millis / fioP50Millis)];
  return [
    ...overDisk,
    atLeast('durable records per second, 64 in flight, 3 KB', 20_000, plain.recordsPerSecond),
    atMost('CPU per durable record, 64 in flight, us', 30, plain.cpuMicrosPerRecord),
    atLeast('strict stream of 1 MiB parts, 4 in flight, MB/s', 300, plain.streamMegabytesPerSecond),
    atMost('start on an open log of 1 GB, seconds', 5, recovery.millis / 1000),
    atMost('memory growth while 1 GB is streamed, MB', 100, streamGrowthMegabytes),
  ];
}

function atMost(name: string, goal: number, reached: number): Goal {
  return { name, atMost: true, goal, reached, met: reached <= goal };
}

function atLeast(name: string, goal: number, reached: number): Goal {
  return { name, atMost: false, goal, reached, met: reached >= goal };
}
