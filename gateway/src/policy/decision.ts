import type { ColumnRef, ObjectName } from '../sql/facts.js';

/** How protected values of one output column are replaced. */
export type MaskAction =
  | { readonly type: 'Redact' }
  | { readonly type: 'Null' }
  | { readonly type: 'Partial'; readonly keepFirst: number; readonly keepLast: number; readonly replacement: string }
  /** `key` names a key held by `masking`; key bytes never stand in a decision. */
  | { readonly type: 'Hash'; readonly key: string }
  /** The beginning of the unit a date or timestamp lies in; other types become NULL. */
  | { readonly type: 'DateTruncate'; readonly unit: 'Year' | 'Quarter' | 'Month' | 'Week' | 'Day' | 'Hour' }
  /** Lower bound of the bucket a number falls into; other types become NULL. */
  | { readonly type: 'Bucket'; readonly size: number }
  /** One value for all; NULL where the column's type cannot hold it. */
  | { readonly type: 'Constant'; readonly value: string }
  /** FF1 over the characters of `alphabet`, others stay in place; only the gateway can compute it. */
  | { readonly type: 'Tokenize'; readonly key: string; readonly alphabet: 'Digits' | 'Alphanumeric' };

/** An obligation: output column `index` must leave only through `action`. */
export interface MaskObligation {
  readonly index: number;
  /** The name the result must carry, where known. */
  readonly name: string | undefined;
  readonly action: MaskAction;
  readonly policy: string;
  readonly rule: string;
  readonly column: ColumnRef;
  /**
   * `only`: nothing else hides the values. `second`: they were masked at the source already, and a value that already is what
   * the action gives stays as it is.
   */
  readonly barrier: 'only' | 'second';
}

/**
 * A column that is replaced where it is read, before the statement can use it: every reference to its table becomes a query
 * that masks it.
 */
export interface SourceMask {
  /** With `traits`, which say the type the mask keeps. */
  readonly column: ColumnRef;
  readonly action: MaskAction;
  readonly policy: string;
  readonly rule: string;
}

/** Why a decision fell as it did. Closed vocabulary. */
export type ReasonKind =
  | 'allowed-by-default'
  | 'allowed-by-rule'
  | 'blocked-by-rule'
  | 'held-by-rule'
  | 'no-rule-admits'
  | 'unread'
  | 'role-not-offered'
  | 'parameter-not-allowed'
  | 'protected-column-denied'
  | 'protected-column-not-direct'
  | 'protected-column-in-predicate'
  | 'protected-column-moved'
  | 'object-without-policy'
  | 'policy-rejected'
  | 'placeholder-written-back'
  | 'masked'
  | 'dry-run';

export interface Reason {
  readonly kind: ReasonKind;
  /** Name of the ApprovalRule or MaskingPolicy/rule, where one spoke. */
  readonly rule: string | undefined;
  /** One sentence for people; no literals of the statement. */
  readonly message: string;
}

/** What approving needs, taken from the strictest matching rules together. */
export interface ApprovalDemand {
  readonly rules: readonly string[];
  /** Each is one rule's set of approvers; every set must be satisfied. */
  readonly quorums: readonly Quorum[];
  /** Shortest of the matching rules. */
  readonly timeoutSeconds: number;
  /** The rules' own sentences for the approver. */
  readonly messages: readonly string[];
}

export interface Quorum {
  readonly rule: string;
  readonly groups: readonly string[];
  /** `iss#sub` or bare subject of single users. */
  readonly users: readonly string[];
  readonly minApprovals: number;
}

/** What the statement may do. `hold` becomes `allow` by an approval bound to `bindingHash`, nothing else. */
export type Decision = {
  readonly class: string;
  readonly objects: readonly ObjectName[];
  readonly reasons: readonly Reason[];
  /** Revision of the snapshot that decided. */
  readonly policyRevision: string;
  /** What policies in DryRun would have changed if they were enforced; absent where nothing. */
  readonly dryRun?: DryRun;
  /** The policies and rules that want the statement recorded in `strict`, whatever the mode; absent where none does. */
  readonly strictBy?: readonly string[];
} & (
  | {
      readonly verdict: 'allow';
      readonly masks: readonly MaskObligation[];
      readonly sourceMasks: readonly SourceMask[];
      readonly outputs: OutputExpectation | undefined;
    }
  | {
      readonly verdict: 'hold';
      readonly masks: readonly MaskObligation[];
      readonly sourceMasks: readonly SourceMask[];
      readonly outputs: OutputExpectation | undefined;
      readonly approval: ApprovalDemand;
    }
  | { readonly verdict: 'block'; readonly denial: import('../errors.js').Denial }
);

/** A decision as it would have been with every policy enforced. */
export interface DryRun {
  readonly verdict: 'allow' | 'hold' | 'block';
  /** Columns that would have been masked and are not. */
  readonly masked: readonly WouldMask[];
  /** Why the statement would have been blocked and is not. */
  readonly blocked: readonly Reason[];
}

export interface WouldMask {
  readonly column: ColumnRef;
  readonly action: MaskAction['type'];
  readonly policy: string;
  readonly rule: string;
}

/** What the row type of the result must look like; undefined for statements that are not queries. */
export interface OutputExpectation {
  /** One entry per output column; undefined where the name is not known beforehand. */
  readonly names: readonly (string | undefined)[];
  /** True when a protected column takes part: upstream error texts are then replaced. */
  readonly touchesProtected: boolean;
}
