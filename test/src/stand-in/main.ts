import { type StandInOptions, startStandIn } from './index.js';

/*
 * Runs the stand-in as a program. Options come as JSON in the first argument or in STAND_IN_OPTIONS. One JSON line with
 * `url`, `port` and `chunkPort` on standard output says that it listens; SIGTERM and SIGINT end it.
 */
const text = process.argv[2] ?? process.env['STAND_IN_OPTIONS'] ?? '{}';
const standIn = await startStandIn(JSON.parse(text) as StandInOptions);
process.stdout.write(
  `${JSON.stringify({ url: standIn.url, host: standIn.host, port: standIn.port, chunkPort: standIn.chunkPort })}\n`,
);

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await standIn.close();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
