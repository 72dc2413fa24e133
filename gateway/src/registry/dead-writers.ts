import {
  type EntryValue,
  listDirectory,
  numberIn,
  peekLogEnd,
  type RegistryEntry,
  type RegistryFields,
  textIn,
  ulidTimeMs,
} from '@piste/verifier';
import { errorCode } from '../errors.js';
import type { RegistryLog } from './registry-log.js';

export interface DeadWriterSearch {
  readonly registry: Pick<RegistryLog, 'newestFirst'>;
  readonly directory: string;
  readonly deployment: string;
  /** Origin of the writer that looks. */
  readonly self: string;
  readonly now: number;
  /** A writer whose last entry is older than this is dead. */
  readonly silentMs: number;
}

/**
 * How the logs of this directory end whose writers died: not closed, silent in the registry, and not sealed there as they are
 * now. The logs are read and left as they are.
 */
export async function findDeadWriters(search: DeadWriterSearch): Promise<readonly RegistryFields[]> {
  const { directory, deployment, self, now, silentMs, registry } = search;
  const open = new Map<string, RegistryFields>();
  for (const files of await listLogs(directory)) {
    const origin = `${deployment}/w/${files.ulid}`;
    if (origin === self || now - ulidTimeMs(files.ulid) < silentMs) continue;
    // Its beginning is in the archive only: the rest does not say by itself whose log it is.
    if (files.segments[0]?.segment !== 1) continue;
    const end = await peekLogEnd(files);
    if (end.closed) continue;
    open.set(origin, describeEnd(origin, end));
  }
  if (open.size === 0) return [];
  const oldestMs = Math.min(...[...open.keys()].map((origin) => ulidTimeMs(origin.slice(-26))));
  const judged = new Set<string>();
  for await (const { kind, timeMs, fields } of registry.newestFirst()) {
    const origin = textIn(fields, 'origin') ?? '';
    const ended = open.get(origin);
    if (ended !== undefined && !judged.has(origin)) {
      judged.add(origin);
      if (now - timeMs < silentMs || isSealOf(kind, fields, ended)) open.delete(origin);
    }
    // Judged ones that live or are sealed left `open`; what is left to judge is among the others.
    if ([...open.keys()].every((other) => judged.has(other)) || timeMs < oldestMs) break;
  }
  return [...open.values()];
}

async function listLogs(directory: string) {
  try {
    return (await listDirectory(directory)).logs;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function describeEnd(origin: string, end: Awaited<ReturnType<typeof peekLogEnd>>): RegistryFields {
  const fields: Record<string, EntryValue> = { origin, size: end.size, closed: false, torn: end.tail.bytes };
  if (end.root !== undefined) fields['root'] = end.root.toString('base64');
  return fields;
}

function isSealOf(kind: RegistryEntry['kind'], fields: RegistryFields, ended: RegistryFields): boolean {
  return kind === 'writer.sealed' && numberIn(fields, 'size') === ended['size'] && fields['torn'] === ended['torn'];
}
