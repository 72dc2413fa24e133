import { readClaim } from './claim-path.js';
import type { GroupRule } from './trusted-issuer.js';

/** Groups the rules give for these claims. A claim that is an array of strings fulfils a rule when one member does. */
export function groupsByRule(claims: unknown, rules: readonly GroupRule[]): readonly string[] {
  return rules.flatMap((rule) => {
    const claim = readClaim(claims, rule.claim);
    const values = Array.isArray(claim) ? claim : [claim];
    return values.some((value) => typeof value === 'string' && fulfils(rule, value)) ? rule.groups : [];
  });
}

/** Every test the rule sets must hold; a rule without a test holds for nothing. */
function fulfils(rule: GroupRule, value: string): boolean {
  const { equals, prefix, pattern } = rule;
  if (equals === undefined && prefix === undefined && pattern === undefined) return false;
  if (equals !== undefined && value !== equals) return false;
  // An empty prefix would admit everything by accident.
  if (prefix !== undefined && (prefix === '' || !value.startsWith(prefix))) return false;
  return pattern === undefined || matchesPattern(pattern, value);
}

/**
 * Whether `value` as a whole fits `pattern`, where each `*` stands for any characters, none included, and all else for
 * itself. Pieces between stars are found from left to right, so the work is bounded by pattern times value.
 */
export function matchesPattern(pattern: string, value: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return value === first;
  if (!value.startsWith(first)) return false;
  let from = first.length;
  for (const piece of rest) {
    const found = value.indexOf(piece, from);
    if (found === -1) return false;
    from = found + piece.length;
  }
  return value.length - last.length >= from && value.endsWith(last);
}
