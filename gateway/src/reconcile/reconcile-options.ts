import type { TagUse } from './judge-late.js';

export interface ReconcileOptions {
  readonly nowMs: number;
  /** How late the history may be: what is younger is not missed yet. */
  readonly viewLagMs: number;
  /** The service user; rows of others are not judged. Undefined: every row is the service user's. */
  readonly user?: string | undefined;
  /** Rows and statements from here on are judged; by default from the oldest record on. */
  readonly sinceMs?: number | undefined;
  /** Statements from here on are missed where no row stands for them; by default the same. */
  readonly statementsSinceMs?: number | undefined;
  /** How far the history was read; by default up to now. */
  readonly untilMs?: number | undefined;
  /** The SnowflakeConnection the history is of; needed where the records are of several. */
  readonly connection?: string | undefined;
  /** Verifier keys (vkey) of writers that are known from a trust file. */
  readonly writers?: readonly string[] | undefined;
  /** Verifier keys (vkey) that the deployment's registry names, and whether these are all of them. */
  readonly registered?: { readonly writers: readonly string[]; readonly isWhole: boolean } | undefined;
  /** The records were read after the history: a row without a record is then not a matter of an older copy. */
  readonly recordsAreNewer?: boolean | undefined;
  /** Logs (ULID) to which that does not apply: of them a copy is here, and their writers may hold more. */
  readonly copies?: ReadonlySet<string> | undefined;
  readonly signatures?: 'all' | 'needed' | undefined;
  /** The account has hybrid tables, whose short statements Snowflake does not list. */
  readonly hybridTables?: boolean | undefined;
  /** Why the history is known not to be whole. */
  readonly historyComplaint?: string | undefined;
  /** Queries under tags whose records were not here either, from former comparisons, by writer and index. */
  readonly earlierTags?: ReadonlyMap<string, TagUse> | undefined;
  /** Told of such queries, for the next comparison. */
  readonly tellTag?: ((place: string, use: TagUse) => void) | undefined;
  /** Secrets under which digests of a gateway's own records stand, by their tags. Others' texts are then not compared. */
  readonly blinds?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Why the records are known not to be all of them. */
  readonly recordingComplaint?: string | undefined;
}

/** Up to here the history shows everything. */
export const settledUntil = ({ nowMs, viewLagMs, untilMs }: ReconcileOptions): number =>
  Math.min(nowMs - viewLagMs, untilMs ?? nowMs);
