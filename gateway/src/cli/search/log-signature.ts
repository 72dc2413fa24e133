import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isUlid } from '@piste/verifier';

/** What a log's files looked like: path below the log → size, and when they were changed. */
export type FileStamps = Readonly<Record<string, string>>;

/** One log among the directories searched. */
export interface PresentLog {
  /** Real path of the recording directory. */
  readonly directory: string;
  readonly ulid: string;
  readonly files: FileStamps;
}

/** Logs of the directories, oldest first, and those that stand in more than one: of these the first is read. */
export interface PresentLogs {
  readonly logs: readonly PresentLog[];
  readonly doubles: readonly string[];
}

/** Looks at the files of all logs without reading them. */
export async function listPresentLogs(directories: readonly string[]): Promise<PresentLogs> {
  const logs = new Map<string, PresentLog>();
  const doubles: string[] = [];
  for (const path of directories) {
    const directory = await realpath(path);
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (!entry.isDirectory() || !isUlid(entry.name)) continue;
      const known = logs.get(entry.name);
      if (known === undefined) {
        logs.set(entry.name, { directory, ulid: entry.name, files: await stampFiles(join(directory, entry.name)) });
      } else if (known.directory !== directory) doubles.push(entry.name);
    }
  }
  return { logs: [...logs.values()].sort((a, b) => (a.ulid < b.ulid ? -1 : 1)), doubles };
}

async function stampFiles(path: string): Promise<FileStamps> {
  const stamps: Record<string, string> = {};
  const names = await readdir(path, { recursive: true });
  for (const name of names.sort()) {
    const found = await stat(join(path, name), { bigint: true });
    if (found.isFile()) stamps[name] = `${found.size} ${found.mtimeNs} ${found.ctimeNs} ${found.ino}`;
  }
  return stamps;
}

/** True where a file that was there is gone: what the index took from it may be gone for good. */
export function hasLostFiles(before: FileStamps, now: FileStamps): boolean {
  return Object.keys(before).some((name) => now[name] === undefined);
}

/** True where nothing was written. */
export function isSame(before: FileStamps, now: FileStamps): boolean {
  return JSON.stringify(before) === JSON.stringify(now);
}
