/** `note` informs; `cannot-conclude` stands in the way of a verdict; `tampered` is one. */
export type Severity = 'note' | 'cannot-conclude' | 'tampered';

/** One thing the verifier has to say. */
export interface Finding {
  readonly severity: Severity;
  /** Stable, see docs/recording-format.md. */
  readonly code: string;
  readonly message: string;
  /** ULID of the log it is about. */
  readonly log?: string;
  /** Record it is about. */
  readonly index?: number;
  /** Where in the files, for damage without an index. */
  readonly segment?: number;
  readonly offset?: number;
}
