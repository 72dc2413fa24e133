import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runToEnd } from './run-to-end.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const suites = join(root, 'test', 'python');
/** Installing takes longest on a cold package cache. */
const INSTALL_MS = 400_000;

/** A virtual environment of its own and the file that says what belongs into it. */
interface PythonEnvironment {
  readonly directory: string;
  readonly requirements: string;
}

const DRIVER: PythonEnvironment = {
  directory: join(root, '.cache', 'venv'),
  requirements: join(suites, 'requirements.txt'),
};
const SNOW: PythonEnvironment = {
  directory: join(root, '.cache', 'venv-snow'),
  requirements: join(suites, 'requirements-snow.txt'),
};
/** The queries of TPC-H and TPC-DS come with extensions for one exact DuckDB. */
const TPC: PythonEnvironment = {
  directory: join(root, '.cache', 'venv-tpc'),
  requirements: join(suites, 'requirements-tpc.txt'),
};

/** What a Python test run left. */
export type PythonRun = {
  readonly passed: boolean;
  /** Tests that ran and passed. */
  readonly count: number;
  readonly output: string;
};

/** Makes the virtual environments or brings them up to their requirements. @throws Error with what pip said. */
export function setUpPython(say: (line: string) => void): void {
  for (const environment of [DRIVER, SNOW, TPC]) {
    if (isReady(environment)) continue;
    say(`setting up ${environment.directory}`);
    const interpreter = join(environment.directory, 'bin', 'python');
    if (!existsSync(interpreter)) runOrThrow('python3', ['-m', 'venv', environment.directory]);
    runOrThrow(interpreter, ['-m', 'pip', 'install', '--quiet', '--requirement', environment.requirements]);
    writeFileSync(stampOf(environment), digestOf(environment));
  }
}

/**
 * Runs one pytest file of `test/python`; `env` is added to the environment, and `SNOW` is the path of the snow command.
 * A skipped test counts as a failure. @throws Error when the virtual environments were not set up: nothing is skipped.
 */
export async function runPytest(
  file: string,
  env: Readonly<Record<string, string>>,
  timeoutMilliseconds = 240_000,
): Promise<PythonRun> {
  for (const environment of [DRIVER, SNOW]) {
    if (!isReady(environment)) throw new Error(`${environment.directory} is not set up; run: make python`);
  }
  const { code, output } = await runToEnd(
    join(DRIVER.directory, 'bin', 'python'),
    ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', join(suites, file)],
    { env: { PYTHONDONTWRITEBYTECODE: '1', SNOW: join(SNOW.directory, 'bin', 'snow'), ...env }, timeoutMilliseconds },
  );
  const summary = output.trimEnd().split('\n').at(-1) ?? '';
  const count = Number(/(\d+) passed/.exec(summary)?.[1] ?? 0);
  return { passed: code === 0 && count > 0 && !/skipped|xfailed|deselected/.test(summary), count, output };
}

/** What `test/python/tpc_queries.py` prints. @throws Error when its virtual environment was not set up. */
export async function printTpcQueries(): Promise<string> {
  if (!isReady(TPC)) throw new Error(`${TPC.directory} is not set up; run: make python`);
  const script = join(suites, 'tpc_queries.py');
  const interpreter = join(TPC.directory, 'bin', 'python');
  const { code, output } = await runToEnd(interpreter, [script], { env: {}, timeoutMilliseconds: 60_000 });
  if (code !== 0) throw new Error(`the queries of TPC-H and TPC-DS cannot be had\n${output}`);
  return output;
}

const stampOf = ({ directory }: PythonEnvironment): string => join(directory, '.requirements');

const digestOf = ({ requirements }: PythonEnvironment): string =>
  createHash('sha256').update(readFileSync(requirements)).digest('hex');

function isReady(environment: PythonEnvironment): boolean {
  return existsSync(stampOf(environment)) && readFileSync(stampOf(environment), 'utf8') === digestOf(environment);
}

function runOrThrow(command: string, args: readonly string[]): void {
  const run = spawnSync(command, args, { encoding: 'utf8', timeout: INSTALL_MS });
  if (run.status === 0) return;
  throw new Error(`${command} ${args.join(' ')} failed\n${run.stdout}${run.stderr}${run.error?.message ?? ''}`);
}
