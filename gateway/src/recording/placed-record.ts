import type { EntryKind, StrandLink } from '@piste/verifier';

/** A record on its way to the writer: everything but what only the log itself knows. Can be handed to another thread. */
export interface PlacedRecord {
  /** Names the record between the two sides; dense from 0. */
  readonly id: number;
  readonly kind: EntryKind;
  readonly sessionId: string | undefined;
  /** Canonical JSON. */
  readonly fields: string;
  /** Names and lengths of the bodies, which follow each other in `bytes`. */
  readonly bodies: readonly { readonly name: string; readonly byteLength: number }[];
  readonly bytes: ArrayBuffer | undefined;
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

/** The bodies of a record, as views. */
export function bodiesOf({
  bodies,
  bytes,
}: PlacedRecord): readonly { readonly name: string; readonly bytes: Uint8Array }[] {
  let at = 0;
  return bodies.map(({ name, byteLength }) => {
    const view = new Uint8Array(bytes ?? new ArrayBuffer(0), at, byteLength);
    at += byteLength;
    return { name, bytes: view };
  });
}
