import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseSegmentName } from '../format/segment-header.js';
import { isUlid } from '../format/ulid.js';

/** The files of one writer's log. */
export interface LogFiles {
  readonly path: string;
  /** The writer's ULID: the directory's name. */
  readonly ulid: string;
  /** Numbers of the segments present, ascending; a gap is the verifier's business. */
  readonly segments: readonly number[];
  /** Names in the directory that no log has. */
  readonly strangers: readonly string[];
}

/** What a recording directory holds. */
export interface DirectoryListing {
  /** Oldest first. */
  readonly logs: readonly LogFiles[];
  /** Names that are no log: listed, never read. */
  readonly strangers: readonly string[];
}

/** Lists a recording directory. Rejects like `readdir` when it cannot be read. */
export async function listDirectory(directory: string): Promise<DirectoryListing> {
  const names = await readdir(directory, { withFileTypes: true });
  const isLog = (entry: (typeof names)[number]): boolean => entry.isDirectory() && isUlid(entry.name);
  const logs = await Promise.all(
    names
      .filter(isLog)
      .map((entry) => entry.name)
      .sort()
      .map((name) => listLog(join(directory, name))),
  );
  const strangers = names.filter((entry) => !isLog(entry)).map((entry) => entry.name);
  return { logs, strangers: strangers.sort() };
}

/** Lists one writer's directory. Anything but a regular file with a segment's name is a stranger. */
export async function listLog(path: string): Promise<LogFiles> {
  const segments: number[] = [];
  const strangers: string[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const segment = entry.isFile() ? parseSegmentName(entry.name) : undefined;
    if (segment === undefined) strangers.push(entry.name);
    else segments.push(segment);
  }
  return { path, ulid: basename(path), segments: segments.sort((a, b) => a - b), strangers: strangers.sort() };
}
