import type { SessionEffect, SessionFacts } from '../sql/facts.js';

/** Session variables after a statement that succeeded; one whose value cannot be told is left out, and so refused where it is read. */
export function variablesAfter(
  before: SessionFacts['variables'],
  effect: SessionEffect | undefined,
): SessionFacts['variables'] {
  if (effect?.kind !== 'variable') return before;
  const after = new Map(Object.entries(before));
  for (const { name, change, sources } of effect.variables) {
    if (change === 'unset' || sources === undefined) after.delete(name);
    else after.set(name, sources);
  }
  return Object.fromEntries(after);
}
