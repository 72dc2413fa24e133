import {
  type EntryValue,
  holdsIn,
  listRecording,
  officersAt,
  officersWhoSigned,
  type RecordingSource,
  type RegistryEntry,
  readLog,
  readRegistry,
  SHRED_OFFICERS,
  textIn,
} from '@piste/verifier';
import type { ErasurePort } from './erasure-port.js';
import type { RegistryLog } from './registry-log.js';
import { readSegmentFirst } from './segment-first.js';

const DAY_MS = 86_400_000;

/** Why nothing was erased. Expected, not an error. */
export type ErasureRefusal =
  | { readonly kind: 'no-registry'; readonly message: string }
  | { readonly kind: 'held'; readonly message: string }
  | { readonly kind: 'not-authorized'; readonly message: string }
  | { readonly kind: 'nothing'; readonly message: string };

export type ErasureResult =
  | { readonly ok: false; readonly refusal: ErasureRefusal }
  | {
      readonly ok: true;
      /** Entry of the registry that says so. */
      readonly index: number;
      /** Objects removed, and those that were not there any more. */
      readonly removed: number;
      readonly absent: number;
      /** Logs that could not be read to their end: what stands behind may still be there. */
      readonly damaged: readonly string[];
    };

export interface ErasureDeps {
  readonly registry: RegistryLog;
  readonly source: RecordingSource;
  /** Where the registry's files are read; beside the recording by default. */
  readonly registrySource?: RecordingSource;
  readonly ports: readonly ErasurePort[];
  readonly nowMs: () => number;
}

function refuse(kind: ErasureRefusal['kind'], message: string): ErasureResult {
  return { ok: false, refusal: { kind, message } };
}

async function entriesOf({
  registry,
  source,
  registrySource,
}: ErasureDeps): Promise<readonly RegistryEntry[] | undefined> {
  const reading = await readRegistry(registrySource ?? source);
  const isOwn = reading.registry?.keys.at(-1)?.vkey === registry.vkey;
  return isOwn && reading.registry !== undefined ? reading.registry.entries : undefined;
}

const NO_REGISTRY = 'there is no whole registry of this identity beside the recording';

export interface Shredding {
  readonly sessionId: string;
  readonly reason: string;
  /** Signed notes of officers over `encodeShredText`. */
  readonly authorizations: readonly string[];
}

/**
 * Destroys the keys of a session in every writer: its bodies can never be read again, while every record and digest stays
 * provable. The registry says so before the first key goes. Needs two officers' agreement and no hold.
 */
export async function shredSession(deps: ErasureDeps, shredding: Shredding): Promise<ErasureResult> {
  const { registry, source, ports } = deps;
  const { sessionId, reason, authorizations } = shredding;
  const entries = await entriesOf(deps);
  if (entries === undefined) return refuse('no-registry', NO_REGISTRY);
  const hold = holdsIn(entries).find((each) => each.sessionId === undefined || each.sessionId === sessionId);
  if (hold !== undefined) return refuse('held', `hold ${hold.id} protects it: ${hold.reason}`);
  const request = { origin: registry.origin, sessionId, reason };
  const signed = await officersWhoSigned(request, authorizations, officersAt(entries, entries.length));
  if (signed.length < SHRED_OFFICERS)
    return refuse('not-authorized', `${signed.length} of ${SHRED_OFFICERS} different officers agreed to this reason`);
  const { keys, damaged } = await findKeys(source, sessionId);
  if (keys.length === 0) return refuse('nothing', 'no key of this session is in the recording');
  const fields = {
    sid: sessionId,
    reason,
    keys: keys.map(({ origin, number }) => ({ n: number, origin })),
    authorizations: [...authorizations],
  };
  const index = await registry.append([{ kind: 'shred', fields }]);
  const outcomes: boolean[] = [];
  for (const { ulid, number } of keys) for (const port of ports) outcomes.push(await port.removeKey(ulid, number));
  return { ok: true, index, ...count(outcomes), damaged };
}

function count(outcomes: readonly boolean[]): { readonly removed: number; readonly absent: number } {
  const removed = outcomes.filter(Boolean).length;
  return { removed, absent: outcomes.length - removed };
}

interface FoundKey {
  readonly ulid: string;
  readonly origin: string;
  readonly number: number;
}

async function findKeys(
  source: RecordingSource,
  sessionId: string,
): Promise<{ readonly keys: readonly FoundKey[]; readonly damaged: readonly string[] }> {
  const keys: FoundKey[] = [];
  const records = readLog(source, { keepBody: () => false });
  let origin = '';
  for (;;) {
    const step = await records.next();
    if (step.done) return { keys, damaged: step.value.map(({ log }) => log) };
    const { leaf, log } = step.value;
    if (leaf.kind === 'writer.open') origin = textIn(leaf.fields, 'origin') ?? '';
    if (leaf.kind === 'key' && leaf.strand?.sessionId === sessionId)
      keys.push({ ulid: log, origin, number: Number(leaf.fields['n']) });
  }
}

export interface Retention {
  /** Bodies of segments all of whose records are older go. */
  readonly days: number;
  readonly reason: string;
}

/**
 * Removes archived bodies that are older than the retention and under no hold. The registry names the segments before the
 * first goes. Segments that are not archived keep their bodies.
 */
export async function pruneBodies(deps: ErasureDeps, { days, reason }: Retention): Promise<ErasureResult> {
  const { registry, source, ports, nowMs } = deps;
  const entries = await entriesOf(deps);
  if (entries === undefined) return refuse('no-registry', NO_REGISTRY);
  const holds = holdsIn(entries);
  const all = holds.find(({ sessionId }) => sessionId === undefined);
  if (all !== undefined) return refuse('held', `hold ${all.id} protects everything: ${all.reason}`);
  const held = new Set(holds.flatMap(({ sessionId }) => sessionId ?? []));
  const beforeMs = nowMs() - days * DAY_MS;
  const { segments, damaged } = await findOldBodies(source, beforeMs, held);
  if (segments.length === 0) return refuse('nothing', 'no archived bodies are old enough and free of holds');
  const fields = { before: beforeMs, days, reason, bodies: toRanges(segments) };
  const index = await registry.append([{ kind: 'retention', fields }]);
  const outcomes: boolean[] = [];
  for (const { ulid, segment } of segments)
    for (const port of ports) outcomes.push(await port.removeBodies(ulid, segment));
  return { ok: true, index, ...count(outcomes), damaged };
}

interface FoundSegment {
  readonly ulid: string;
  readonly origin: string;
  readonly segment: number;
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
): Promise<{ readonly segments: readonly FoundSegment[]; readonly damaged: readonly string[] }> {
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
          : list.filter(isPrunable).map(({ segment }) => ({ ulid, origin: origins.get(ulid) ?? '', segment })),
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

function isPrunable({ isArchived, isOld }: Candidate): boolean {
  return isArchived && isOld;
}

async function listCandidates(source: RecordingSource): Promise<ReadonlyMap<string, readonly Candidate[]>> {
  const candidates = new Map<string, Candidate[]>();
  for (const { ulid, segments } of (await listRecording(source)).logs) {
    const list: Candidate[] = [];
    for (const { segment, whole, records, bodies } of segments) {
      const file = whole ?? records;
      const first = file === undefined ? undefined : await readSegmentFirst(source, file.path);
      if (first !== undefined)
        list.push({ segment, first, isArchived: whole === undefined && bodies !== undefined, isOld: true });
    }
    candidates.set(ulid, list);
  }
  return candidates;
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

/** Sets a legal hold on a session or on everything, or releases one. Resolves to the registry's entry. */
export function changeHold(
  registry: RegistryLog,
  hold: { readonly id: string; readonly v: 'set' | 'release'; readonly reason: string; readonly sessionId?: string },
): Promise<number> {
  const { id, v, reason, sessionId } = hold;
  const fields = { id, v, reason, ...(sessionId === undefined ? {} : { sid: sessionId }) };
  return registry.append([{ kind: 'hold', fields }]);
}
