import { type RecordingSource, type RegistryEntry, readRegistry } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import type { ErasurePort } from './erasure-port.js';
import type { RegistryLog } from './registry-log.js';

/** Why nothing was erased. Expected, not an error. */
export interface ErasureRefusal {
  readonly kind: 'no-registry' | 'held' | 'not-authorized' | 'nothing' | 'other-hold';
  readonly message: string;
}

/** Something that was to be done and was not. */
export interface NotDone {
  /** A path below the recording, and the place. */
  readonly what: string;
  readonly why: string;
}

/** Archived bodies that stay for now, as they must. */
export interface Kept {
  readonly what: string;
  /** Undefined: until a hold of the store is lifted. */
  readonly untilMs: number | undefined;
}

export type ErasureResult =
  | { readonly ok: false; readonly refusal: ErasureRefusal }
  | {
      readonly ok: true;
      /** Entry of the registry that says so; of several the last. Undefined: nothing had to be said. */
      readonly index: number | undefined;
      /** Copies removed, and those that were not there any more. */
      readonly removed: number;
      readonly absent: number;
      readonly kept: readonly Kept[];
      readonly notDone: readonly NotDone[];
      /** Logs that could not be read to their end: what stands behind may still be there. */
      readonly damaged: readonly string[];
    };

/** How far long work is. */
export type Progress = (doing: string, done: number, total: number) => void;

export interface ErasureDeps {
  readonly registry: RegistryLog;
  /** Every record there is, wherever it lies. */
  readonly source: RecordingSource;
  /** The registry's files as of now, below `registry/`; where absent they are in `source`. */
  readonly registrySource?: () => RecordingSource;
  readonly ports: readonly ErasurePort[];
  readonly nowMs: () => number;
  readonly progress?: Progress;
}

export function refuse(kind: ErasureRefusal['kind'], message: string): { ok: false; refusal: ErasureRefusal } {
  return { ok: false, refusal: { kind, message } };
}

/** Entries of this identity's registry, read anew; undefined when it cannot be read whole. */
export async function entriesOf({
  registry,
  registrySource,
  source,
}: Pick<ErasureDeps, 'registry' | 'registrySource' | 'source'>): Promise<readonly RegistryEntry[] | undefined> {
  const reading = await readRegistry(registrySource?.() ?? source);
  const isOwn = reading.registry?.keys.at(-1)?.vkey === registry.vkey;
  return isOwn && reading.registry !== undefined ? reading.registry.entries : undefined;
}

export const NO_REGISTRY = 'there is no whole registry of this identity beside the recording';

const AT_ONCE = 8;
/** An outage ends the work: the rest is told as not done instead of waiting for each of it. */
const MAX_FAILURES_IN_A_ROW = 8;

/** Does the same with each item, several at once, and goes on past what fails. */
export async function doEach<T>(
  items: readonly T[],
  act: (item: T) => Promise<void>,
  tell: { readonly nameOf: (item: T) => string; readonly done: (count: number) => void },
): Promise<readonly NotDone[]> {
  const notDone: NotDone[] = [];
  let inARow = 0;
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const group = items.slice(at, at + AT_ONCE);
    if (inARow >= MAX_FAILURES_IN_A_ROW) {
      notDone.push(...group.map((item) => ({ what: tell.nameOf(item), why: 'not tried, after so many failures' })));
      continue;
    }
    const outcomes = await Promise.allSettled(group.map(act));
    for (const [index, item] of group.entries()) {
      const outcome = outcomes[index];
      inARow = outcome?.status === 'rejected' ? inARow + 1 : 0;
      if (outcome?.status === 'rejected') notDone.push({ what: tell.nameOf(item), why: errorMessage(outcome.reason) });
    }
    tell.done(at + group.length);
  }
  return notDone;
}
