/** What one record says. Closed vocabulary, see docs/recording-format.md. */
export const ENTRY_KINDS = [
  'writer.open',
  'writer.sealed',
  'writer.close',
  'mode.change',
  'gap',
  'key',
  'clock.jump',
  'session.open',
  'session.close',
  'session.refused',
  'request',
  'request.refused',
  'control',
  'approval.request',
  'approval.vote',
  'decision',
  'response',
  'response.withheld',
  'chunk',
  'chunk.piece',
  'policy.loaded',
  'policy.rejected',
  'reconcile',
  'admin.access',
] as const;

export type EntryKind = (typeof ENTRY_KINDS)[number];

/** True for the kinds of this format version. */
export function isEntryKind(value: unknown): value is EntryKind {
  return ENTRY_KINDS.some((kind) => kind === value);
}

/** JSON the canonical encoder accepts: no floats, no undefined, integers within ±(2^53−1). */
export type EntryValue =
  | string
  | number
  | boolean
  | null
  | readonly EntryValue[]
  | { readonly [key: string]: EntryValue };

/** Bytes kept beside the entry and named in it by digest: SQL text, binds, delivered rows, a policy bundle. */
export interface EntryBody {
  /** Lower-case letters, digits and underscores; unique within its entry. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a caller hands to the log; position, time, strand numbers and digests are the log's own. */
export interface Entry {
  readonly kind: EntryKind;
  /** The gateway session this belongs to, if any. */
  readonly sessionId: string | undefined;
  /** Stand in the leaf under `f`, apart from what the log itself writes. */
  readonly fields: Readonly<Record<string, EntryValue>>;
  readonly bodies: readonly EntryBody[];
}
