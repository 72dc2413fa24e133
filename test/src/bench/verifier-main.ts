import { measureVerifier, VERIFIER_SHAPES } from './verifier-bench.js';

/** `node test/dist/bench/verifier-main.js [rounds]`: how fast `piste audit verify` reads, on one core. */
const rounds = Number(process.argv[2] ?? 5);
for (const shape of VERIFIER_SHAPES) {
  const { name, bytes, records, seconds, cpuSeconds } = await measureVerifier(shape, rounds);
  const rate = (by: number): string => `${(bytes / 1e6 / by).toFixed(0)} MB/s, ${(records / by).toFixed(0)} records/s`;
  process.stdout.write(
    `${name}: ${(bytes / 1e6).toFixed(0)} MB, ${records} records; by the clock ${rate(seconds)}; by processor time ${rate(cpuSeconds)}\n`,
  );
}
