import { readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isUlid, parseSegmentName, segmentName } from '@piste/verifier';
import { errorCode } from '../errors.js';

export interface LocalSegment {
  readonly segment: number;
  readonly bytes: number;
}

/** What of one log lies in the recording directory. */
export interface LocalLog {
  readonly ulid: string;
  /** Ascending. */
  readonly segments: readonly LocalSegment[];
  /** Names of wrapped keys below `keys/`. */
  readonly keys: readonly string[];
}

const KEY_NAME = /^(0|[1-9]\d{0,14})\.age$/;
export const KEYS = 'keys';

/** The logs of a recording directory, oldest first. */
export async function listLocalLogs(directory: string): Promise<readonly LocalLog[]> {
  const names = await namesIn(directory);
  return Promise.all(names.filter(isUlid).map((ulid) => listLocalLog(directory, ulid)));
}

async function listLocalLog(directory: string, ulid: string): Promise<LocalLog> {
  const path = join(directory, ulid);
  const numbers = (await namesIn(path)).map(parseSegmentName).filter((number) => number !== undefined);
  const segments = await Promise.all(
    numbers.map(async (segment) => ({ segment, bytes: await sizeOf(join(path, segmentName(segment))) })),
  );
  const keys = (await namesIn(join(path, KEYS))).filter((name) => KEY_NAME.test(name));
  return { ulid, segments: segments.sort((a, b) => a.segment - b.segment), keys };
}

/** Removes a segment; one that is gone is fine. */
export async function removeSegment(directory: string, ulid: string, segment: number): Promise<void> {
  await ignoring('ENOENT', () => unlink(join(directory, ulid, segmentName(segment))));
}

/** Removes the folder of a log that has no segments any more, with its keys. Files nobody knows stay. */
export async function removeLog(directory: string, { ulid, keys }: LocalLog): Promise<void> {
  for (const key of keys) await rm(join(directory, ulid, KEYS, key), { force: true });
  for (const path of [join(directory, ulid, KEYS), join(directory, ulid)])
    await ignoring('ENOENT', () => ignoring('ENOTEMPTY', () => rmdir(path)));
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** 0 for a file that was removed meanwhile. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

async function ignoring(code: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (errorCode(error) !== code) throw error;
  }
}
