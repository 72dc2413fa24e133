import type { ColumnRef } from '../sql/facts.js';
import type { ConnectionPolicy, PredicateMode, Requester } from './compiled.js';
import { columnKey } from './keys.js';
import type { Protection } from './protection.js';
import { createProtections, strictestOf, strictestPredicates } from './protection.js';

/** A column and what protects it. */
export interface Guarded {
  readonly column: ColumnRef;
  readonly enforced: readonly Protection[];
  readonly dryRun: readonly Protection[];
  /** Of those enforced. */
  readonly strictest: Protection | undefined;
  readonly predicates: PredicateMode;
}

/** What is known of a column: the same for every mention of it. */
export type Guard = (column: ColumnRef) => Guarded;

/** Looks each column up once per question, however often the query mentions it. The first mention gives the traits. */
export function createGuard(who: Requester, policy: ConnectionPolicy, nowMs: number): Guard {
  const known = new Map<string, Guarded>();
  const protections = createProtections(who, policy, nowMs);
  return (column) => {
    const key = columnKey(column);
    const guarded = known.get(key) ?? guardOf(column, protections(column));
    known.set(key, guarded);
    return guarded;
  };
}

function guardOf(column: ColumnRef, protections: readonly Protection[]): Guarded {
  const enforced = protections.filter((protection) => protection.policy.enforcement === 'Enforce');
  return {
    column,
    enforced,
    dryRun: protections.filter((protection) => protection.policy.enforcement === 'DryRun'),
    strictest: strictestOf(enforced),
    predicates: strictestPredicates(enforced),
  };
}

export function isDenied({ strictest }: Guarded): boolean {
  return strictest?.rule.action.type === 'Deny';
}

/** Where a rule stands, for reasons and records. */
export function ruleName({ policy, rule }: Protection): string {
  return `${policy.name}/${rule.name}`;
}
