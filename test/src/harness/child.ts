import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that runs in a process of its own. */
export type Program = {
  /** The first line of its standard output, parsed as JSON. */
  readonly ready: Readonly<Record<string, unknown>>;
  readonly pid: number;
  /** Everything it has written so far, standard output and standard error in order of arrival. */
  readonly output: () => string;
  /** Sends SIGTERM and waits for the end, after `killAfterMilliseconds` with SIGKILL. Returns the exit code, null if killed. */
  readonly stop: () => Promise<number | null>;
};

/** Limits of {@link startProgram}; the defaults suit a loaded build machine. */
export type ProgramLimits = {
  readonly readyMilliseconds?: number;
  readonly killAfterMilliseconds?: number;
  /** Files it writes may not grow beyond this: what a full disk is to it. */
  readonly maxFileKilobytes?: number | undefined;
};

/**
 * Starts a compiled program with the running Node and waits until it prints one line of JSON, the sign that it listens.
 * `env` is the whole environment of the child apart from PATH.
 * @throws Error with what the child wrote when it ends early, prints something else, or is not ready in time.
 */
export async function startProgram(
  compiledPath: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  { readyMilliseconds = 30_000, killAfterMilliseconds = 5000, maxFileKilobytes }: ProgramLimits = {},
): Promise<Program> {
  const command = [process.execPath, '--no-warnings', compiledPath, ...args];
  // `exec` keeps the process id; Node ignores the signal that goes with the limit, so writing fails as on a full disk.
  const limited = ['bash', '-c', `ulimit -f ${maxFileKilobytes} && exec "$@"`, 'bash', ...command];
  const [file = '', ...rest] = maxFileKilobytes === undefined ? command : limited;
  const child = spawn(file, rest, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A crashed test run must not leave servers behind.
  const killChild = () => void child.kill('SIGKILL');
  process.once('exit', killChild);
  child.once('close', () => process.off('exit', killChild));
  const written: string[] = [];
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdout.setEncoding('utf8').on('data', (text: string) => written.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => written.push(text));
  const stop = async () => await stopChild(child, ended, killAfterMilliseconds);
  try {
    const ready = await firstLine(child, ended, readyMilliseconds, compiledPath);
    return { ready, pid: child.pid ?? 0, output: () => written.join(''), stop };
  } catch (error) {
    await stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}\n${written.join('')}`, { cause: error });
  }
}

async function firstLine(
  child: ChildProcess,
  ended: Promise<number | null>,
  milliseconds: number,
  name: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = child;
  if (stdout === null) throw new Error(`${name} has no standard output`);
  const lines = createInterface({ input: stdout });
  let timer: NodeJS.Timeout | undefined;
  try {
    const line = await Promise.race([
      new Promise<string>((resolve) => lines.once('line', resolve)),
      new Promise<never>((_, reject) => child.once('error', reject)),
      ended.then((code) => Promise.reject(new Error(`${name} ended with code ${code} before it was ready`))),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${name} was not ready after ${milliseconds} ms`)), milliseconds);
      }),
    ]);
    return parseReady(line, name);
  } finally {
    clearTimeout(timer);
    lines.close();
    // Closing the line reader pauses the stream; a full pipe would stop the child.
    stdout.resume();
  }
}

function parseReady(line: string, name: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new Error(`${name} did not say that it is ready: ${line}`);
  return value as Record<string, unknown>;
}

async function stopChild(
  child: ChildProcess,
  ended: Promise<number | null>,
  killAfter: number,
): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfter);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}
