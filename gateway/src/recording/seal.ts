import { type Entry, type EntryValue, type LogFiles, listDirectory, peekLogEnd } from '@piste/verifier';
import { errorCode } from '../errors.js';

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
