import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureAnalysis } from './analysis-bench.js';
import { checkAnswers } from './correctness.js';
import { bytesBelow } from './disk.js';
import { judgeGoals, judgeKernels } from './goals.js';
import { measureKernels } from './kernels-bench.js';
import { describeMachine, isInMemory, residentMegabytes } from './machine.js';
import { topFunctions } from './profile.js';
import { MISSING_FIO, measureRecording } from './recording-bench.js';
import { judgeRecording } from './recording-report.js';
import { measureRelay } from './relay-bench.js';
import { type BenchReport, describeReport, MISSING_BASELINE } from './report.js';
import { type Rig, startRig } from './rig.js';
import { measureStatements } from './statements-bench.js';
import { createRandom } from './statistics.js';

const USAGE = `usage: npm run bench -- [--quick] [--profile] [--seed <number>] [--output <file>]
  --quick    about half a minute: shows that everything runs, gives no numbers to quote
  --profile  profiles the gateway and prints its costliest functions; slows it down`;

const DEFAULT_OUTPUT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '.cache', 'bench.json');

interface Settings {
  readonly isQuick: boolean;
  readonly isProfiled: boolean;
  readonly seed: number;
  readonly output: string;
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean' },
      profile: { type: 'boolean' },
      seed: { type: 'string' },
      output: { type: 'string' },
    },
  });
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  if (!Number.isSafeInteger(seed)) throw new Error('--seed takes a whole number');
  return {
    isQuick: values.quick === true,
    isProfiled: values.profile === true,
    seed,
    output: values.output ?? DEFAULT_OUTPUT,
  };
}

const progress = (text: string): void => void process.stderr.write(`${text}\n`);

type Measured = Pick<
  BenchReport,
  'isPinned' | 'baseline' | 'statements' | 'relay' | 'gatewayResidentMegabytes' | 'recordBytesPerStatement'
>;

async function measureRig(rig: Rig, { isQuick, seed }: Settings): Promise<Measured> {
  if (rig.nginx === undefined) progress(MISSING_BASELINE);
  if (await isInMemory(rig.directory))
    progress('*** THE LOG LIES IN MEMORY: syncs cost nothing here, and the numbers say nothing of durable records.');
  await checkAnswers(rig);
  const random = createRandom(seed);
  const before = residentMegabytes(rig.gateway.pid);
  const bytesBefore = await bytesBelow(rig.gateway.recordingDirectory);
  progress('statements ...');
  const statements = await measureStatements(rig, {
    random,
    ...(isQuick ? { rounds: 1, milliseconds: 300 } : { rounds: 7, milliseconds: 1_200 }),
  });
  const recorded = (await bytesBelow(rig.gateway.recordingDirectory)) - bytesBefore;
  progress('large results ...');
  const relay = await measureRelay(rig, {
    random,
    ...(isQuick ? { rounds: 1, downloads: 1 } : { rounds: 7, downloads: 2 }),
  });
  const throughGateway = statements.rows.filter(
    ({ variant }) => variant === 'gateway, masked' || variant === 'gateway, unmasked',
  );
  const counted = throughGateway.reduce((sum, row) => sum + row.requests, 0);
  const rounds = throughGateway[0]?.rounds ?? 1;
  return {
    isPinned: rig.isPinned,
    baseline: rig.nginx?.version,
    statements,
    relay,
    gatewayResidentMegabytes: { before, after: residentMegabytes(rig.gateway.pid) },
    // The warm-up round wrote too and is not counted among the requests.
    recordBytesPerStatement: recorded / (counted * ((rounds + 1) / rounds)),
  };
}

async function stoppingAfter<T>(rig: Rig, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await rig.stop();
  }
}

async function bench(settings: Settings): Promise<BenchReport> {
  const startedMs = performance.now();
  progress('analysis ...');
  const analysis = await measureAnalysis(settings.isQuick ? 500 : 5_000, progress);
  progress('masking of results ...');
  const kernels = await measureKernels({
    random: createRandom(settings.seed),
    ...(settings.isQuick ? { rounds: 1, part: 16, milliseconds: 10 } : { rounds: 7, part: 1, milliseconds: 150 }),
  });
  progress('recording ...');
  const recording = await measureRecording({ rounds: settings.isQuick ? 1 : 5, isQuick: settings.isQuick });
  if (recording.fioP50Millis === undefined) progress(MISSING_FIO);
  progress('starting the processes ...');
  const profiles = join(dirname(settings.output), 'profiles');
  const rig = await startRig({
    withMemoryGateway: !settings.isProfiled,
    ...(settings.isProfiled && { gatewayEnvironment: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` } }),
  });
  const measured = await stoppingAfter(rig, () => measureRig(rig, settings));
  return {
    machine: describeMachine(),
    isQuick: settings.isQuick,
    seed: settings.seed,
    seconds: (performance.now() - startedMs) / 1000,
    ...measured,
    analysis,
    kernels,
    recording,
    goals: [...judgeGoals(measured.statements, measured.relay), ...judgeKernels(kernels), ...judgeRecording(recording)],
    profile: settings.isProfiled ? await topFunctions(profiles) : undefined,
  };
}

async function main(): Promise<void> {
  const settings = readSettings();
  const report = await bench(settings);
  await mkdir(dirname(settings.output), { recursive: true });
  await writeFile(settings.output, `${JSON.stringify(report, undefined, 2)}\n`);
  process.stdout.write(`${describeReport(report)}\n\nwritten to ${settings.output}\n`);
}

if (process.platform !== 'linux') {
  process.stderr.write('the benchmark reads CPU times from /proc and runs on Linux only\n');
  process.exitCode = 1;
} else {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n\n${USAGE}\n`);
    process.exitCode = 1;
  }
}
