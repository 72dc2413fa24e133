import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Value of `f_type` for tmpfs (statfs(2)): what is synced there goes nowhere. */
const TMPFS_MAGIC = 0x01021994;

const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

/**
 * Time the processes were on a CPU so far, all their threads, in seconds. To the nanosecond where the kernel tells it, else
 * in clock ticks, which are coarse for short samples (proc_pid_stat(5)). Linux only. A thread that ended is not counted.
 */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.flatMap(threadsOf).reduce((sum, thread) => sum + (exactSeconds(thread) ?? tickSeconds(thread)), 0);
}

const threadsOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`);

function exactSeconds(thread: string): number | undefined {
  try {
    return Number(readFileSync(`${thread}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e9;
  } catch {
    return undefined;
  }
}

function tickSeconds(thread: string): number {
  const text = readFileSync(`${thread}/stat`, 'utf8');
  // The name in parentheses may hold spaces; the fields are counted behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory of a process in megabytes. */
export function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** The processes that `pid` started. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Keeps a process and its threads on one CPU, where the machine has two and `taskset`. False when it has not. */
export async function pinTo(cpu: number, pid: number): Promise<boolean> {
  if (cpus().length < 2) return false;
  return run('taskset', ['-acp', String(cpu), String(pid)]).then(
    () => true,
    () => false,
  );
}

/** True when the folder lies in memory, where a sync costs and means nothing. */
export async function isInMemory(directory: string): Promise<boolean> {
  return (await statfs(directory)).type === TMPFS_MAGIC;
}

export function describeMachine(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown CPU'}, Linux ${release()}, Node ${process.version}`;
}
