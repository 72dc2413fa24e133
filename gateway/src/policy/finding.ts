import type { Denial } from '../errors.js';
import type { Reason, ReasonKind } from './decision.js';

/** A reason to block together with what the caller is told. */
export interface Finding {
  readonly reason: Reason;
  readonly denial: Denial;
}

/** A finding whose sentence for people is the denial's own text. */
export function finding(kind: ReasonKind, denial: Denial, rule?: string): Finding {
  return { reason: reason(kind, denial.message, rule), denial };
}

export function reason(kind: ReasonKind, message: string, rule?: string): Reason {
  return { kind, rule, message };
}
