import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LogRecord, readLog } from '@piste/gateway/dist/recording/index.js';
import type { OpenKey } from '@piste/verifier';

/** Every record of a recording directory in order, bodies included. @throws Error when a log is damaged. */
export async function recordsIn(directory: string, openKey?: OpenKey): Promise<readonly LogRecord[]> {
  const reading = readLog(directory, { openKey });
  const records: LogRecord[] = [];
  for (;;) {
    const step = await reading.next();
    if (!step.done) {
      records.push(step.value);
      continue;
    }
    // A group that is being written while this reads it is no damage.
    const damage = step.value.find(({ problem }) => problem.severity !== 'torn');
    if (damage !== undefined) throw new Error(`the log ${damage.log} is damaged: ${damage.problem.message}`);
    return records;
  }
}

/** One line per record: kind and the fields that tell records apart. */
export function outlineOf(records: readonly LogRecord[]): readonly string[] {
  return records.map(({ leaf }) => {
    const { op, outcome, reason, code } = leaf.fields;
    return [leaf.kind, op, outcome, reason, code].filter((part) => typeof part === 'string').join(' ');
  });
}

/** Every byte under a folder, and every body in plain form: what a search for secrets has to look through. */
export async function bytesIn(directory: string): Promise<string> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  // What a store is about to put in its place (`.new-…`) may be gone by the time it is read.
  const files = names
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.new-'))
    .map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1'));
  return (await Promise.all(files)).join('\n');
}
