import type { EntryBody, EntryKind, StrandLink } from '@piste/verifier';

/** A record on its way to the writer: everything but what only the log itself knows. */
export interface PlacedRecord {
  /** Names the record between the two sides; dense from 0. */
  readonly id: number;
  readonly kind: EntryKind;
  readonly sessionId: string | undefined;
  /** Canonical JSON. */
  readonly fields: string;
  readonly bodies: readonly EntryBody[];
  readonly timeMs: number;
  readonly monotonicMicros: number;
  /** In the form it is recorded in, as every digest in `fields`. */
  readonly statementHash: string | undefined;
  /** What its digests are under; undefined where it has none and no bodies, and where bodies are not encrypted. */
  readonly blind: Uint8Array | undefined;
  readonly links: readonly StrandLink[] | 'unknown' | undefined;
}

/** Where a record came to stand, once it is durable. */
export interface Acknowledgement {
  readonly id: number;
  readonly index: number;
  /** Hex. */
  readonly leafHash: string;
  /** Number within the session's strand; undefined without a session. */
  readonly strandNumber: number | undefined;
  /** Only where the record let a statement run. */
  readonly tagSignature: string | undefined;
}

/** What one group commit did, for metrics. */
export interface CommittedGroup {
  readonly records: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** A checkpoint as it may be published: everything in it is already durable. */
export interface Checkpoint {
  readonly origin: string;
  /** Verifier key of the writer (C2SP vkey). */
  readonly vkey: string;
  readonly size: number;
  /** Base64, as in the note. */
  readonly root: string;
  /** C2SP checkpoint signed by the writer, without extension lines. */
  readonly note: string;
}
