import type { ObjectType, StatementType } from '@piste/crds';
import type { MaskAction } from './decision.js';

/** Globs (`*` = any run) over the parts of an object's name as Snowflake stores it. */
export interface ObjectPattern {
  readonly database: string;
  readonly schema: string;
  readonly object: string;
}

export interface ColumnPattern extends ObjectPattern {
  readonly column: string;
}

export interface TagPattern {
  /** DATABASE.SCHEMA.TAG. */
  readonly name: string;
  /** Undefined: whatever the value. */
  readonly value: string | undefined;
}

/** Who is exempt from a masking rule, and until when. */
export type Exemption = (
  | { readonly kind: 'Group'; readonly name: string }
  /** `iss#sub`, or a bare subject. */
  | { readonly kind: 'User'; readonly name: string }
  | { readonly kind: 'Claim'; readonly name: string; readonly value: string }
) & {
  /** For people. */
  readonly reason?: string;
  /** RFC 3339; from then on the exemption no longer holds. */
  readonly expiresAt?: string;
};

/** A column is protected when any entry of any list fits; a list that is absent has no entries. */
export interface CompiledMaskingRule {
  readonly name: string;
  readonly columns: readonly ColumnPattern[];
  readonly tags?: readonly TagPattern[];
  /** Semantic categories, upper case. */
  readonly categories?: readonly string[];
  /** Words of the MaskingPolicy schema: `VARCHAR`, `NUMBER`, … */
  readonly dataTypes?: readonly string[];
  readonly action: MaskAction | { readonly type: 'Deny' };
  readonly unless: readonly Exemption[];
}

/**
 * What predicates see of a protected column: masked values, since it is replaced at its source (Mask); real values, while
 * results are masked (Allow); a statement with such a predicate is refused (Deny).
 */
export type PredicateMode = 'Allow' | 'Mask' | 'Deny';

export interface CompiledMaskingPolicy {
  readonly name: string;
  /** Statements that touch a protected column wait for their records, whatever the mode. */
  readonly recording?: 'Strict';
  readonly enforcement: 'Enforce' | 'DryRun';
  /** Absent: Mask. */
  readonly predicates?: PredicateMode;
  /**
   * What happens to an output that mixes a protected column that is not replaced at its source with anything else: refused,
   * or replaced by NULL whole.
   */
  readonly onUnresolved: 'Deny' | 'MaskAll';
  readonly rules: readonly CompiledMaskingRule[];
}

export type DetectionCategory = 'Email' | 'Phone' | 'Card' | 'Ssn' | 'Iban' | 'Secret';

/** What happens to values of results that no rule names and that look protected. */
export interface Detection {
  readonly mode: 'Audit' | 'Mask' | 'Deny';
  /** Sorted, without duplicates. */
  readonly categories: readonly DetectionCategory[];
}

export interface CompiledApprovalRule {
  readonly name: string;
  /** Statements the rule speaks about wait for their records, whatever the mode. */
  readonly recording?: 'Strict';
  readonly action: 'Allow' | 'Hold' | 'Block';
  /** Undefined part = the rule does not ask. Words are those of the ApprovalRule schema. */
  readonly match: {
    readonly statementTypes: readonly StatementType[] | undefined;
    readonly objectTypes: readonly ObjectType[] | undefined;
    readonly objects: readonly ObjectPattern[] | undefined;
  };
  /** Present exactly for Hold. */
  readonly approval:
    | {
        readonly groups: readonly string[];
        readonly users: readonly string[];
        readonly minApprovals: number;
        readonly timeoutSeconds: number;
      }
    | undefined;
  readonly message: string | undefined;
  readonly alternative: string | undefined;
}

/** All that is in force for one connection. Frozen, plain JSON: its digest is the revision. */
export interface ConnectionPolicy {
  readonly connection: string;
  readonly revision: string;
  /** Roles a session may switch to, as Snowflake stores them. */
  readonly allowedRoles: readonly string[];
  readonly unmatchedObjects: 'Deny' | 'Allow';
  readonly rules: readonly CompiledApprovalRule[];
  readonly maskingPolicies: readonly CompiledMaskingPolicy[];
  /** The strictest mode of all policies that look into results, for the categories of all; undefined where none looks. */
  readonly detection?: Detection | undefined;
  /** Policies and rules that target this connection and did not compile: everything they might protect is denied. */
  readonly rejected: readonly string[];
}

/** The part of a requester that policy looks at. `claims` absent means no claim is proven. */
export interface Requester {
  readonly issuer: string;
  readonly subject: string;
  readonly groups: readonly string[];
  readonly claims?: Readonly<Record<string, string | readonly string[]>>;
}
