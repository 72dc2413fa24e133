import { spawn } from 'node:child_process';

/** How a foreign program ended. */
export type Ended = {
  /** Exit code; null when it was killed, for instance because it took too long. */
  readonly code: number | null;
  /** Standard output and standard error in order of arrival. */
  readonly output: string;
};

/** Where and how long it may run; the environment is PATH, HOME and what is given here. */
export type RunLimits = {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMilliseconds?: number;
};

/**
 * Runs a program to its end without blocking this process, whose children would stop at full pipes.
 * @throws Error when it cannot be started, for instance because it is not installed.
 */
export async function runToEnd(command: string, args: readonly string[], limits: RunLimits = {}): Promise<Ended> {
  const { env = {}, cwd, timeoutMilliseconds = 240_000 } = limits;
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMilliseconds,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const written: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => written.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => written.push(text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, output: written.join('') };
}
