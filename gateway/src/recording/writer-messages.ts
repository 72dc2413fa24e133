import type { Acknowledgement, Checkpoint, CommittedGroup } from './placed-record.js';
import type { RecordColumns } from './record-columns.js';

/** What the recording asks of its writer, in order. */
export type ToWriter =
  | { readonly type: 'append'; readonly records: RecordColumns }
  | { readonly type: 'checkpoint' }
  /** End the segment being written, so that it can be archived. */
  | { readonly type: 'finish-segment' }
  /** The last message: everything before it is committed, then the files are closed and the key is forgotten. */
  | { readonly type: 'close' };

/** Acknowledgements column by column: between threads, a list of objects costs several times as much. */
export interface AcknowledgedColumns {
  readonly ids: readonly number[];
  readonly indexes: readonly number[];
  /** 64 characters each. */
  readonly leafHashes: string;
  readonly strandNumbers: readonly (number | undefined)[];
  /** By position; most records have none. */
  readonly tagSignatures: ReadonlyMap<number, string>;
}

const HASH_CHARACTERS = 64;

export function toColumns(list: readonly Acknowledgement[]): AcknowledgedColumns {
  return {
    ids: list.map(({ id }) => id),
    indexes: list.map(({ index }) => index),
    leafHashes: list.map(({ leafHash }) => leafHash).join(''),
    strandNumbers: list.map(({ strandNumber }) => strandNumber),
    tagSignatures: new Map(
      list.flatMap(({ tagSignature }, position) => (tagSignature === undefined ? [] : [[position, tagSignature]])),
    ),
  };
}

export function fromColumns(columns: AcknowledgedColumns): readonly Acknowledgement[] {
  const { ids, indexes, leafHashes, strandNumbers, tagSignatures } = columns;
  return ids.map((id, position) => ({
    id,
    index: indexes[position] ?? 0,
    leafHash: leafHashes.slice(position * HASH_CHARACTERS, (position + 1) * HASH_CHARACTERS),
    strandNumber: strandNumbers[position],
    tagSignature: tagSignatures.get(position),
  }));
}

/** What the writer says, in order. */
export type FromWriter =
  | { readonly type: 'opened'; readonly vkey: string }
  | {
      readonly type: 'committed';
      readonly acknowledged: AcknowledgedColumns;
      readonly group: CommittedGroup;
      /** Memory of bodies that the writer has done with; changes hands. */
      readonly slabs: readonly ArrayBuffer[];
    }
  /** One record cannot be encoded; the log goes on. */
  | { readonly type: 'refused'; readonly id: number; readonly why: string }
  /** A write or sync failed. Nothing is acknowledged any more. */
  | { readonly type: 'failed'; readonly why: string }
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly type: 'segment-finished'; readonly segment: number }
  | {
      readonly type: 'closed';
      readonly checkpoint: Checkpoint;
      readonly segment: number;
      readonly complaint: string | undefined;
    };

/** What a writer is made of, in a form that another thread can be handed. */
export interface WriterSettings {
  /** The log's own directory. */
  readonly directory: string;
  readonly origin: string;
  readonly segmentBytes: number;
  /** age recipients (`age1…`) that session keys are wrapped to; with none, bodies are stored as they are. */
  readonly recipients: readonly string[];
}

/** The way to a writer, wherever it runs. */
export interface WriterLink {
  /** The buffers change hands with the message. */
  post(message: ToWriter, transferred?: readonly ArrayBuffer[]): void;
  /** While held, the writer keeps the process alive. */
  hold(isHeld: boolean): void;
}

/** Who hears what a writer says. */
export interface WriterListener {
  heard(message: FromWriter): void;
  /** The writer is gone without having said so. */
  lost(error: Error): void;
}
