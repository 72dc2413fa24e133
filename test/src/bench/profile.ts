import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A `.cpuprofile` as V8 writes it, as far as it is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Where the time went: self time by function, without waiting. */
export interface ProfileRow {
  readonly place: string;
  readonly share: number;
}

const TOP = 30;

/** The functions that took most of the time a profiled process was busy, from the newest profile in the folder. */
export async function topFunctions(directory: string): Promise<readonly ProfileRow[]> {
  const file = (await readdir(directory))
    .filter((name) => name.endsWith('.cpuprofile'))
    .toSorted()
    .at(-1);
  if (file === undefined) throw new Error('the gateway left no profile');
  const profile = JSON.parse(await readFile(join(directory, file), 'utf8')) as CpuProfile;
  const selfMicros = new Map<number, number>();
  for (const [index, id] of profile.samples.entries())
    selfMicros.set(id, (selfMicros.get(id) ?? 0) + (profile.timeDeltas[index] ?? 0));
  const byPlace = new Map<string, number>();
  let busy = 0;
  for (const { id, callFrame } of profile.nodes) {
    if (callFrame.functionName === '(idle)') continue;
    const spent = selfMicros.get(id) ?? 0;
    busy += spent;
    const place =
      callFrame.url === ''
        ? callFrame.functionName
        : `${callFrame.functionName || '(anonymous)'} ${basename(callFrame.url)}:${callFrame.lineNumber + 1}`;
    byPlace.set(place, (byPlace.get(place) ?? 0) + spent);
  }
  return [...byPlace]
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([place, spent]) => ({ place, share: spent / busy }));
}
