import { errorCode } from '../errors.js';
import type { Entry, EntryValue } from './entry.js';
import type { Leaf } from './leaf.js';
import { type LogFiles, listDirectory } from './log-files.js';
import { peekLogEnd } from './peek.js';
import { decodeCanonicalBase64 } from './signed-note.js';

/** What a later writer found of an earlier log when it started. */
export interface Seal {
  readonly origin: string;
  /** Undefined when the log had no commit. */
  readonly vkey: string | undefined;
  readonly size: number;
  readonly root: Buffer | undefined;
  readonly closed: boolean;
  readonly tornBytes: number;
  readonly tornDigest: string | undefined;
}

/**
 * Entries that say how the logs before this one end: the newest that has a commit, and any without one after it. Each start
 * seals its predecessor, so the logs of a directory form a chain. The old logs are read and left as they are.
 */
export async function sealPredecessors(directory: string, deployment: string): Promise<readonly Entry[]> {
  const seals: Entry[] = [];
  for (const files of (await listLogs(directory)).toReversed()) {
    const end = await peekLogEnd(files);
    const fields: Record<string, EntryValue> = {
      origin: end.size > 0 ? (end.identity?.origin ?? '') : `${deployment}/w/${files.ulid}`,
      size: end.size,
      closed: end.closed,
      torn: end.tail.bytes,
    };
    if (end.size > 0 && end.identity !== undefined) fields['vkey'] = end.identity.vkey;
    if (end.root !== undefined) fields['root'] = end.root.toString('base64');
    if (end.tail.digest !== undefined) fields['tornDigest'] = end.tail.digest;
    seals.push({ kind: 'writer.sealed', sessionId: undefined, fields, bodies: [] });
    if (end.size > 0) break;
  }
  return seals;
}

async function listLogs(directory: string): Promise<readonly LogFiles[]> {
  try {
    return (await listDirectory(directory)).logs;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Reads a `writer.sealed` record; undefined when it does not say what one must. */
export function parseSeal({ fields }: Leaf): Seal | undefined {
  const { origin, vkey, size, root, closed, torn, tornDigest } = fields;
  if (typeof origin !== 'string' || typeof size !== 'number' || typeof closed !== 'boolean' || typeof torn !== 'number')
    return undefined;
  return {
    origin,
    vkey: typeof vkey === 'string' ? vkey : undefined,
    size,
    root: typeof root === 'string' ? decodeCanonicalBase64(root) : undefined,
    closed,
    tornBytes: torn,
    tornDigest: typeof tornDigest === 'string' ? tornDigest : undefined,
  };
}
