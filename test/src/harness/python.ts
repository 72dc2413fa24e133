import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const environment = join(root, '.cache', 'venv');
const interpreter = join(environment, 'bin', 'python');
/** Installing the driver takes longest on a cold package cache. */
const installMilliseconds = 300_000;

/** What a Python test run left. */
export type PythonRun = { readonly passed: boolean; readonly output: string };

/**
 * Runs one pytest file of `test/python` in the project's virtual environment, which is made when it is missing or lacks
 * the driver. `env` is added to the environment. @throws Error when the environment cannot be made: nothing is skipped.
 */
export function runPytest(
  file: string,
  env: Readonly<Record<string, string>>,
  timeoutMilliseconds = 240_000,
): PythonRun {
  prepareEnvironment();
  const run = spawnSync(
    interpreter,
    ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', join(root, 'test', 'python', file)],
    {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', PYTHONDONTWRITEBYTECODE: '1', ...env },
      encoding: 'utf8',
      timeout: timeoutMilliseconds,
    },
  );
  return { passed: run.status === 0, output: `${run.stdout}${run.stderr}` };
}

function prepareEnvironment(): void {
  if (!existsSync(interpreter)) runOrThrow('python3', ['-m', 'venv', environment]);
  const probe = spawnSync(interpreter, ['-c', 'import snowflake.connector, pytest, pandas, pyarrow']);
  if (probe.status === 0) return;
  runOrThrow(interpreter, ['-m', 'pip', 'install', '--quiet', '-r', join(root, 'test', 'python', 'requirements.txt')]);
}

function runOrThrow(command: string, args: readonly string[]): void {
  const run = spawnSync(command, args, { encoding: 'utf8', timeout: installMilliseconds });
  if (run.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed\n${run.stdout}${run.stderr}${run.error?.message ?? ''}`);
  }
}
