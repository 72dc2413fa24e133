import {
  type EntryValue,
  erasuresIn,
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
  type ErasureResult,
  entriesOf,
  type Kept,
  NO_REGISTRY,
  type NotDone,
  refuse,
} from './erasure.js';
import type { ErasurePort, ErasureState } from './erasure-port.js';
import { readSegmentFirst } from './segment-first.js';

const DAY_MS = 86_400_000;
/** An entry of the registry has at most 65 535 bytes, and a range in it at most about 130. */
const MAX_RANGES = 300;
const MAX_SEGMENTS = 20_000;

export interface Retention {
  /** Bodies of segments all of whose records are older go. */
  readonly days: number;
  readonly reason: string;
}

/**
 * Removes archived bodies that are older than the retention, under no hold, and not locked where they lie. The registry names
 * the segments before the first goes. Segments that are not archived keep their bodies. Asked again, it finishes what was
 * interrupted and says nothing twice.
 */
export async function pruneBodies(deps: ErasureDeps, retention: Retention): Promise<ErasureResult> {
  const entries = await entriesOf(deps);
  if (entries === undefined) return refuse('no-registry', NO_REGISTRY);
  const held = heldBy(entries);
  if (typeof held === 'string') return refuse('held', held);
  const beforeMs = deps.nowMs() - retention.days * DAY_MS;
  const { segments, damaged } = await findOldBodies(deps.source, beforeMs, held);
  const { free, kept, notDone } = await sortByState(deps, segments);
  if (free.length === 0 && kept.length === 0 && notDone.length === 0)
    return refuse('nothing', 'no archived bodies are old enough and free of holds');
  const total: Total = { index: undefined, removed: 0, absent: 0, notDone: [...notDone] };
  for (const batch of toBatches(free)) {
    const refusal = await pruneBatch({ deps, retention, beforeMs, held, entries }, batch, total);
    if (refusal === undefined) continue;
    if (total.removed === 0) return refuse('held', refusal);
    total.notDone.push({ what: 'the remaining bodies', why: refusal });
    break;
  }
  return { ok: true, ...total, kept, damaged };
}

/** The sessions under a hold, or why nothing at all may be removed. */
function heldBy(entries: readonly RegistryEntry[]): ReadonlySet<string> | string {
  const holds = holdsIn(entries);
  const all = holds.find(({ sessionId }) => sessionId === undefined);
  if (all !== undefined) return `hold ${all.id} protects everything: ${all.reason}`;
  return new Set(holds.flatMap(({ sessionId }) => sessionId ?? []));
}

interface Total {
  index: number | undefined;
  removed: number;
  absent: number;
  readonly notDone: NotDone[];
}

interface Pruning {
  readonly deps: ErasureDeps;
  readonly retention: Retention;
  readonly beforeMs: number;
  /** What was taken into account when the segments were chosen. */
  readonly held: ReadonlySet<string>;
  readonly entries: readonly RegistryEntry[];
}

/** Says what goes, then removes it. Resolves to why it did not, when a hold was set meanwhile. */
async function pruneBatch(pruning: Pruning, batch: readonly FoundSegment[], total: Total): Promise<string | undefined> {
  const { deps, retention, beforeMs, held, entries } = pruning;
  const said = erasuresIn({ entries });
  const unsaid = batch.filter(({ origin, segment }) => said.bodies(origin, segment) === undefined);
  if (unsaid.length > 0) {
    const fields = { before: beforeMs, days: retention.days, reason: retention.reason, bodies: toRanges(unsaid) };
    total.index = await deps.registry.append([{ kind: 'retention', fields }]);
  }
  // Somebody may have set a hold since the registry was read: the entry alone removes nothing.
  const now = await entriesOf(deps);
  const heldNow = now === undefined ? NO_REGISTRY : heldBy(now);
  if (typeof heldNow === 'string') return heldNow;
  if ([...heldNow].some((sessionId) => !held.has(sessionId))) return 'a hold was set meanwhile: run it again';
  const work = batch.flatMap((found) => found.ports.map((port) => ({ port, found })));
  const notDone = await doEach(
    work,
    async ({ port, found: { ulid, segment } }) => {
      if (await port.removeBodies(ulid, segment)) total.removed += 1;
      else total.absent += 1;
    },
    {
      nameOf: ({ port, found }) => nameOf(found, port),
      done: (count) => deps.progress?.('bodies removed', count, work.length),
    },
  );
  total.notDone.push(...notDone);
  return undefined;
}

interface FoundSegment {
  readonly ulid: string;
  readonly origin: string;
  readonly segment: number;
  /** Where its bodies lie. */
  readonly ports: readonly ErasurePort[];
}

function nameOf({ ulid, segment }: Pick<FoundSegment, 'ulid' | 'segment'>, { label }: ErasurePort): string {
  return `bodies of segment ${segment} of ${ulid} in ${label}`;
}

/** Bodies go everywhere or nowhere: what one place must keep stays in the others, too. */
async function sortByState(
  { ports, progress }: ErasureDeps,
  segments: readonly Omit<FoundSegment, 'ports'>[],
): Promise<{ readonly free: readonly FoundSegment[]; readonly kept: readonly Kept[]; notDone: readonly NotDone[] }> {
  const lists = await Promise.all(ports.map(async (port) => ({ port, bodies: await port.bodies() })));
  const there = segments
    .map((found) => ({
      ...found,
      ports: lists.filter(({ bodies }) => bodies.has(`${found.ulid}/${found.segment}`)).map(({ port }) => port),
    }))
    .filter((found) => found.ports.length > 0);
  const states = new Map<FoundSegment, ErasureState | undefined>();
  const notDone = await doEach(there, async (found) => void states.set(found, await keepingOf(found)), {
    nameOf: (found) => nameOf(found, found.ports.at(-1) as ErasurePort),
    done: (count) => progress?.('bodies looked at', count, there.length),
  });
  const kept = there.flatMap((found): readonly Kept[] => {
    const state = states.get(found);
    if (state === undefined) return [];
    const what = `bodies of segment ${found.segment} of ${found.ulid}`;
    return [{ what, untilMs: state.kind === 'locked' ? state.untilMs : undefined }];
  });
  return { free: there.filter((found) => states.has(found) && states.get(found) === undefined), kept, notDone };
}

/** The state that keeps the bodies, or nothing. */
async function keepingOf({ ulid, segment, ports }: FoundSegment): Promise<ErasureState | undefined> {
  const states = await Promise.all(ports.map((port) => port.stateOfBodies(ulid, segment)));
  return states.find(({ kind }) => kind === 'held') ?? states.find(({ kind }) => kind === 'locked');
}

/** Segments of one log whose bodies lie archived, by the index of their first record. */
interface Candidate {
  readonly segment: number;
  readonly first: number;
  readonly isArchived: boolean;
  isOld: boolean;
}

async function findOldBodies(
  source: RecordingSource,
  beforeMs: number,
  held: ReadonlySet<string>,
): Promise<{ readonly segments: readonly Omit<FoundSegment, 'ports'>[]; readonly damaged: readonly string[] }> {
  const candidates = await listCandidates(source);
  const origins = new Map<string, string>();
  const records = readLog(source, { keepBody: () => false });
  for (;;) {
    const step = await records.next();
    if (step.done) {
      const damaged = new Set(step.value.map(({ log }) => log));
      const segments = [...candidates].flatMap(([ulid, list]) =>
        // Of a log that cannot be read to its end nobody knows what else stands in a segment.
        damaged.has(ulid)
          ? []
          : list
              .filter(({ isArchived, isOld }) => isArchived && isOld)
              .map(({ segment }) => ({ ulid, origin: origins.get(ulid) ?? '', segment })),
      );
      return { segments, damaged: [...damaged] };
    }
    const { leaf, log, index } = step.value;
    if (leaf.kind === 'writer.open') origins.set(log, textIn(leaf.fields, 'origin') ?? '');
    const place = candidates.get(log)?.findLast(({ first }) => first <= index);
    const isHeld = leaf.strand !== undefined && held.has(leaf.strand.sessionId);
    if (place !== undefined && (leaf.timeMs >= beforeMs || isHeld)) place.isOld = false;
  }
}

async function listCandidates(source: RecordingSource): Promise<ReadonlyMap<string, readonly Candidate[]>> {
  const candidates = new Map<string, Candidate[]>();
  for (const { ulid, segments } of (await listRecording(source)).logs) {
    const list: Candidate[] = [];
    for (const { segment, whole, records } of segments) {
      const file = whole ?? records;
      const first = file === undefined ? undefined : await readSegmentFirst(source, file.path);
      if (first !== undefined) list.push({ segment, first, isArchived: whole === undefined, isOld: true });
    }
    candidates.set(ulid, list);
  }
  return candidates;
}

function toBatches(segments: readonly FoundSegment[]): readonly (readonly FoundSegment[])[] {
  const batches: FoundSegment[][] = [];
  let ranges = 0;
  for (const found of segments) {
    const batch = batches.at(-1);
    const last = batch?.at(-1);
    const isNext = last?.ulid === found.ulid && last.segment === found.segment - 1;
    if (!isNext) ranges += 1;
    if (batch === undefined || ranges > MAX_RANGES || batch.length >= MAX_SEGMENTS) {
      batches.push([found]);
      ranges = 1;
    } else batch.push(found);
  }
  return batches;
}

/** `{origin, segs: [first, last, first, last …]}` per log. */
function toRanges(segments: readonly FoundSegment[]): readonly EntryValue[] {
  const ranges = new Map<string, number[]>();
  for (const { origin, segment } of segments) {
    const list = ranges.get(origin) ?? [];
    if (list.at(-1) === segment - 1) list[list.length - 1] = segment;
    else list.push(segment, segment);
    ranges.set(origin, list);
  }
  return [...ranges].map(([origin, segs]) => ({ origin, segs }));
}
