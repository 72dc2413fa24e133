import { type Denial, deny } from '../errors.js';
import type { Analysis } from '../sql/facts.js';
import { classGroup } from './classes.js';
import type { Decision } from './decision.js';
import { isPlaceholder } from './placeholder.js';

/** What a request says besides its text. */
export interface RequestTraits {
  readonly describeOnly: boolean;
  /** Bind values by placeholder, as drivers send them. */
  readonly bindings: Readonly<Record<string, unknown>> | undefined;
}

/** Why a statement that its text would admit is refused for how it was asked; undefined where nothing speaks against it. */
export function checkRequest(
  analysis: Analysis,
  decision: Exclude<Decision, { verdict: 'block' }>,
  { describeOnly, bindings }: RequestTraits,
): Denial | undefined {
  if (!analysis.read && analysis.canonicalText === undefined) return deny.unread(analysis.detail);
  if (describeOnly && decision.verdict === 'hold' && decision.outputs === undefined) {
    return deny.badRequest('a statement that needs approval cannot be described first; execute it directly');
  }
  if (classGroup(analysis) === 'row-change' && bindings !== undefined && bindsPlaceholder(bindings)) {
    return deny.maskedWriteBack('a bind value');
  }
  return undefined;
}

/** A masked value that an agent read and now writes back would replace the real one. */
function bindsPlaceholder(bindings: Readonly<Record<string, unknown>>): boolean {
  return Object.values(bindings).some((binding) => {
    const value = typeof binding === 'object' && binding !== null && 'value' in binding ? binding.value : undefined;
    const cells: readonly unknown[] = Array.isArray(value) ? value : [value];
    return cells.some((cell) => typeof cell === 'string' && isPlaceholder(cell));
  });
}
