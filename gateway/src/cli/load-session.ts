import type { OpenKey } from '@piste/verifier';
import { type LogDamage, type LogRecord, readLog } from '../recording/index.js';
import { type CommandArguments, UsageError } from './io.js';
import { createPieceJoiner } from './join-pieces.js';

/** The recording directory and the session that a command line names. Throws `UsageError`. */
export function whichSession({ positionals, directory }: CommandArguments): {
  readonly directory: string;
  readonly id: string;
} {
  const [first, second, ...rest] = positionals;
  if (first === undefined || rest.length > 0) throw new UsageError('which session? Name its id');
  if (second !== undefined) return { directory: first, id: second };
  if (directory === undefined)
    throw new UsageError('which directory? Name it before the id or set PISTE_RECORDING_DIR');
  return { directory, id: first };
}

/** The records of one session, in order, and where logs stop making sense. */
export interface LoadedSession {
  readonly records: readonly LogRecord[];
  readonly damages: readonly LogDamage[];
}

/** The records of the one session whose id starts with `wanted`; bodies of other sessions are not kept. Throws when it is none, or several. */
export async function loadSession(directory: string, wanted: string, openKey?: OpenKey): Promise<LoadedSession> {
  const found = new Map<string, LogRecord[]>();
  const stream = readLog(directory, { openKey });
  const join = createPieceJoiner();
  for (;;) {
    const step = await stream.next();
    if (step.done) return { records: chooseSession(found, wanted), damages: step.value };
    const id = step.value.leaf.strand?.sessionId;
    if (id === undefined || !id.startsWith(wanted)) continue;
    const records = found.get(id) ?? [];
    records.push(join(step.value));
    found.set(id, records);
  }
}

function chooseSession(found: ReadonlyMap<string, LogRecord[]>, wanted: string): readonly LogRecord[] {
  const exact = found.get(wanted);
  const [only, ...others] = [...found.values()];
  if (exact === undefined && others.length > 0)
    throw new Error(`${found.size} sessions start with ${wanted}; give more of the id`);
  const records = exact ?? only;
  if (records === undefined) throw new Error(`no session ${wanted} in this recording`);
  // A session may have moved between writers; within one log the time never decreases, so its order is kept.
  return records.sort(
    (a, b) => a.leaf.timeMs - b.leaf.timeMs || (a.log === b.log ? a.index - b.index : a.log < b.log ? -1 : 1),
  );
}
