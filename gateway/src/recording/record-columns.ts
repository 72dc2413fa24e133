import type { EntryBody, EntryKind, StrandLink } from '@piste/verifier';
import type { PlacedRecord } from './placed-record.js';
import type { Slabs } from './slabs.js';

/** A batch of small bodies goes on with slabs of this size. */
const FULL_SLAB_BYTES = 256 * 1024;

/** Records column by column: between threads, a list of objects costs several times as much. */
export interface RecordColumns {
  readonly ids: readonly number[];
  readonly kinds: readonly EntryKind[];
  readonly sessionIds: readonly (string | undefined)[];
  readonly fields: readonly string[];
  readonly timesMs: readonly number[];
  readonly monotonicMicros: readonly number[];
  readonly bodyCounts: readonly number[];
  /** Of all bodies in order. */
  readonly bodyNames: readonly string[];
  readonly bodyLengths: readonly number[];
  /** In which slab, and where in it, the bodies of a record stand, one behind the other. */
  readonly slabNumbers: readonly number[];
  readonly slabOffsets: readonly number[];
  readonly slabs: readonly ArrayBuffer[];
  /** Each once; records of one session share theirs. */
  readonly blinds: readonly Uint8Array[];
  /** Which of `blinds`, -1 for none. */
  readonly blindNumbers: readonly number[];
  /** By position; most records have none. */
  readonly statementHashes: ReadonlyMap<number, string>;
  readonly links: ReadonlyMap<number, readonly StrandLink[] | 'unknown'>;
}

/** Records that will travel together. */
export interface RecordBatch {
  readonly size: number;
  /** Copies everything: the caller's bytes may change afterwards. */
  add(record: PlacedRecord): void;
  /** All that was added since the last call. */
  end(): RecordColumns;
}

function emptyColumns() {
  return {
    ids: [] as number[],
    kinds: [] as EntryKind[],
    sessionIds: [] as (string | undefined)[],
    fields: [] as string[],
    timesMs: [] as number[],
    monotonicMicros: [] as number[],
    bodyCounts: [] as number[],
    bodyNames: [] as string[],
    bodyLengths: [] as number[],
    slabNumbers: [] as number[],
    slabOffsets: [] as number[],
    slabs: [] as ArrayBuffer[],
    blinds: [] as Uint8Array[],
    blindNumbers: [] as number[],
    statementHashes: new Map<number, string>(),
    links: new Map<number, readonly StrandLink[] | 'unknown'>(),
  };
}

export function createRecordBatch(slabs: Slabs): RecordBatch {
  let columns = emptyColumns();
  let slab = new Uint8Array(0);
  let used = 0;

  function blindNumber(blind: Uint8Array | undefined): number {
    if (blind === undefined) return -1;
    const known = columns.blinds.indexOf(blind);
    return known < 0 ? columns.blinds.push(blind) - 1 : known;
  }

  function makeRoom(bytes: number): void {
    if (used + bytes <= slab.byteLength) return;
    // Few records need little memory, many shall not need many slabs.
    const buffer = slabs.take(Math.max(bytes, Math.min(2 * slab.byteLength, FULL_SLAB_BYTES)));
    slab = new Uint8Array(buffer);
    used = 0;
    columns.slabs.push(buffer);
  }

  return {
    get size() {
      return columns.ids.length;
    },
    add({ bodies, blind, statementHash, links, ...record }) {
      makeRoom(bodies.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
      const position = columns.ids.length;
      columns.ids.push(record.id);
      columns.kinds.push(record.kind);
      columns.sessionIds.push(record.sessionId);
      columns.fields.push(record.fields);
      columns.timesMs.push(record.timeMs);
      columns.monotonicMicros.push(record.monotonicMicros);
      columns.blindNumbers.push(blindNumber(blind));
      if (statementHash !== undefined) columns.statementHashes.set(position, statementHash);
      if (links !== undefined) columns.links.set(position, links);
      columns.bodyCounts.push(bodies.length);
      columns.slabNumbers.push(columns.slabs.length - 1);
      columns.slabOffsets.push(used);
      for (const { name, bytes } of bodies) {
        columns.bodyNames.push(name);
        columns.bodyLengths.push(bytes.byteLength);
        slab.set(bytes, used);
        used += bytes.byteLength;
      }
    },
    end() {
      const ended = columns;
      columns = emptyColumns();
      slab = new Uint8Array(0);
      used = 0;
      return ended;
    },
  };
}

/** The records, with bodies as views of the slabs. */
export function* recordsOf(columns: RecordColumns): Generator<PlacedRecord> {
  let body = 0;
  for (const [position, id] of columns.ids.entries()) {
    const slab = columns.slabs[columns.slabNumbers[position] ?? 0];
    let offset = columns.slabOffsets[position] ?? 0;
    const bodies: EntryBody[] = [];
    for (const end = body + (columns.bodyCounts[position] ?? 0); body < end; body += 1) {
      const byteLength = columns.bodyLengths[body] ?? 0;
      bodies.push({ name: columns.bodyNames[body] ?? '', bytes: new Uint8Array(slab ?? NOTHING, offset, byteLength) });
      offset += byteLength;
    }
    yield {
      id,
      kind: columns.kinds[position] as EntryKind,
      sessionId: columns.sessionIds[position],
      fields: columns.fields[position] as string,
      bodies,
      timeMs: columns.timesMs[position] as number,
      monotonicMicros: columns.monotonicMicros[position] as number,
      blind: columns.blinds[columns.blindNumbers[position] ?? -1],
      statementHash: columns.statementHashes.get(position),
      links: columns.links.get(position),
    };
  }
}

const NOTHING = new ArrayBuffer(0);
