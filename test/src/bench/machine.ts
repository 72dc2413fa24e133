import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Value of `f_type` for tmpfs (statfs(2)): what is synced there goes nowhere. */
const TMPFS_MAGIC = 0x01021994;

const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

/** User and system time of the processes so far, all their threads, in seconds (proc_pid_stat(5)). Linux only. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; the fields are counted behind it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }, 0);
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
