import {
  type Hold,
  holdsIn,
  listRecording,
  type RecordingSource,
  type RegistryEntry,
  readLog,
  textIn,
} from '@piste/verifier';
import {
  doEach,
  type ErasureDeps,
  type ErasureRefusal,
  entriesOf,
  NO_REGISTRY,
  type NotDone,
  refuse,
} from './erasure.js';
import { readSegmentFirst } from './segment-first.js';

/** A place whose objects can be put under a legal hold. */
export interface HoldPort {
  readonly label: string;
  /** Paths of the segments and session keys of which it has any version. */
  list(): Promise<readonly string[]>;
  /** Sets or lifts the hold of every version and looks that it is so. Resolves to the number of versions it had to change. */
  setHold(path: string, hold: boolean): Promise<number>;
}

export interface HoldChange {
  readonly id: string;
  readonly v: 'set' | 'release';
  readonly reason: string;
  /** Undefined: everything. */
  readonly sessionId?: string;
}

export type HoldResult =
  | { readonly ok: false; readonly refusal: ErasureRefusal }
  | {
      readonly ok: true;
      /** Undefined: the registry says so already. */
      readonly index: number | undefined;
      /** Objects that are as they should be now, and versions that had to be changed for it. */
      readonly objects: number;
      readonly changed: number;
      readonly notDone: readonly NotDone[];
      /** Logs that could not be read to their end: all of their objects count as holding the session. */
      readonly damaged: readonly string[];
    };

export interface HoldDeps extends Omit<ErasureDeps, 'ports'> {
  readonly ports: readonly HoldPort[];
}

/**
 * Sets a legal hold on a session or on everything, or releases one: in the registry first, then on the objects that hold it.
 * Objects that another hold covers stay held. Asked again, it finishes what was interrupted, covers what was archived since,
 * and says nothing twice.
 */
export async function changeHold(deps: HoldDeps, change: HoldChange): Promise<HoldResult> {
  const entries = await entriesOf(deps);
  if (entries === undefined) return refuse('no-registry', NO_REGISTRY);
  const decided = change.v === 'set' ? decideSetting(entries, change) : decideRelease(entries, change);
  if (!decided.ok) return decided;
  const { sessionId, isSaid } = decided;
  const fields = {
    id: change.id,
    v: change.v,
    reason: change.reason,
    ...(change.v === 'set' && sessionId !== undefined ? { sid: sessionId } : {}),
  };
  const index = isSaid ? undefined : await deps.registry.append([{ kind: 'hold', fields }]);
  if (deps.ports.length === 0) return { ok: true, index, objects: 0, changed: 0, notDone: [], damaged: [] };
  const others = await holdsNow(deps, change.id);
  if (others === undefined) return refuse('no-registry', NO_REGISTRY);
  const cover = await findCovered(deps.source, [sessionId, ...others.map((hold) => hold.sessionId)]);
  const isMeant = (path: string): boolean =>
    cover.isCovered(path, sessionId) &&
    (change.v === 'set' || !others.some((hold) => cover.isCovered(path, hold.sessionId)));
  return { ok: true, index, ...(await apply(deps, change.v === 'set', isMeant)), damaged: cover.damaged };
}

type Decided =
  | { readonly ok: true; readonly sessionId: string | undefined; readonly isSaid: boolean }
  | { readonly ok: false; readonly refusal: ErasureRefusal };

function decideSetting(entries: readonly RegistryEntry[], { id, sessionId, reason }: HoldChange): Decided {
  const standing = holdsIn(entries).find((hold) => hold.id === id);
  if (standing === undefined) return { ok: true, sessionId, isSaid: false };
  // Another entry under this id would silently free what it covers now.
  if (standing.sessionId !== sessionId || standing.reason !== reason)
    return refuse('other-hold', `hold ${id} is set already, on something else or for another reason`);
  return { ok: true, sessionId, isSaid: true };
}

function decideRelease(entries: readonly RegistryEntry[], { id }: HoldChange): Decided {
  const standing = holdsIn(entries).find((hold) => hold.id === id);
  if (standing !== undefined) return { ok: true, sessionId: standing.sessionId, isSaid: false };
  const former = entries.findLast(
    ({ kind, fields }) => kind === 'hold' && fields['id'] === id && fields['v'] === 'set',
  );
  if (former === undefined) return refuse('other-hold', `there is no hold ${id}`);
  return { ok: true, sessionId: textIn(former.fields, 'sid'), isSaid: true };
}

async function holdsNow(deps: HoldDeps, id: string): Promise<readonly Hold[] | undefined> {
  const entries = await entriesOf(deps);
  return entries === undefined ? undefined : holdsIn(entries).filter((hold) => hold.id !== id);
}

async function apply(
  { ports, progress }: HoldDeps,
  hold: boolean,
  isMeant: (path: string) => boolean,
): Promise<{ readonly objects: number; readonly changed: number; readonly notDone: readonly NotDone[] }> {
  const lists = await Promise.all(ports.map(async (port) => ({ port, paths: (await port.list()).filter(isMeant) })));
  const work = lists.flatMap(({ port, paths }) => paths.map((path) => ({ port, path })));
  let changed = 0;
  const notDone = await doEach(
    work,
    async ({ port, path }) => {
      const versions = await port.setHold(path, hold);
      changed += versions;
    },
    {
      nameOf: ({ port, path }) => `${hold ? 'hold on' : 'release of'} ${path} in ${port.label}`,
      done: (count) => progress?.(hold ? 'objects held' : 'objects released', count, work.length),
    },
  );
  return { objects: work.length - notDone.length, changed, notDone };
}

interface Cover {
  /** Whether the object holds something of the session; of every session for `undefined`. */
  isCovered(path: string, sessionId: string | undefined): boolean;
  readonly damaged: readonly string[];
}

/** Which segments and keys hold which of these sessions. What holds everything needs no reading. */
async function findCovered(source: RecordingSource, wanted: readonly (string | undefined)[]): Promise<Cover> {
  const sessions = new Set(wanted.filter((sessionId) => sessionId !== undefined));
  const places = new Map<string, Set<string>>([...sessions].map((sessionId) => [sessionId, new Set()]));
  const damaged = new Set<string>();
  if (sessions.size > 0) for (const log of await readPlaces(source, places)) damaged.add(log);
  return {
    damaged: [...damaged],
    isCovered(path, sessionId) {
      if (sessionId === undefined) return true;
      return damaged.has(path.slice(0, path.indexOf('/'))) || places.get(sessionId)?.has(placeOf(path)) === true;
    },
  };
}

/** `<ulid>/<number>` of a segment in any form, `<ulid>/keys/<number>` of a key. */
function placeOf(path: string): string {
  const [ulid = '', name = '', key = ''] = path.split('/');
  return name === 'keys' ? `${ulid}/keys/${Number.parseInt(key, 10)}` : `${ulid}/${Number.parseInt(name, 10)}`;
}

/** Adds the places of each session; resolves to the logs that cannot be read to their end. */
async function readPlaces(
  source: RecordingSource,
  places: ReadonlyMap<string, Set<string>>,
): Promise<readonly string[]> {
  const segments = await listFirsts(source);
  const records = readLog(source, { keepBody: () => false });
  for (;;) {
    const step = await records.next();
    if (step.done) return step.value.map(({ log }) => log);
    const { leaf, log, index } = step.value;
    const found = leaf.strand === undefined ? undefined : places.get(leaf.strand.sessionId);
    if (found === undefined) continue;
    const segment = segments.get(log)?.findLast(({ first }) => first <= index)?.segment;
    if (segment !== undefined) found.add(`${log}/${segment}`);
    if (leaf.kind === 'key') found.add(`${log}/keys/${Number(leaf.fields['n'])}`);
  }
}

async function listFirsts(
  source: RecordingSource,
): Promise<ReadonlyMap<string, readonly { readonly segment: number; readonly first: number }[]>> {
  const firsts = new Map<string, { readonly segment: number; readonly first: number }[]>();
  for (const { ulid, segments } of (await listRecording(source)).logs) {
    const list: { readonly segment: number; readonly first: number }[] = [];
    for (const { segment, whole, records } of segments) {
      const file = whole ?? records;
      const first = file === undefined ? undefined : await readSegmentFirst(source, file.path);
      if (first !== undefined) list.push({ segment, first });
    }
    firsts.set(ulid, list);
  }
  return firsts;
}
