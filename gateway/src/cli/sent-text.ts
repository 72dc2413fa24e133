import type { Decision } from '../policy/index.js';
import type { Analysis } from '../sql/index.js';

/** The text that would leave for Snowflake; undefined where none would. */
export function sentText(analysis: Analysis, decision: Decision): string | undefined {
  if (decision.verdict === 'block') return undefined;
  return analysis.canonicalText;
}
