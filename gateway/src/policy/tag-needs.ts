import type { ConnectionPolicy } from './compiled.js';

/** What tags have to be known: those of classification are system tags, which need a right of their own. */
export type TagNeeds = 'none' | 'tags' | 'categories';

const ORDER: readonly TagNeeds[] = ['none', 'tags', 'categories'];

/** What a policy has to know of tags. */
export function tagNeedsOf(policy: ConnectionPolicy): TagNeeds {
  const rules = policy.maskingPolicies.flatMap((masking) => masking.rules);
  if (rules.some((rule) => (rule.categories ?? []).length > 0 || rule.tags?.some(isSystemTag) === true))
    return 'categories';
  return rules.some((rule) => (rule.tags ?? []).length > 0) ? 'tags' : 'none';
}

/** Does a description that was made for the one need tell what the other needs? */
export function coversTags(made: TagNeeds, needed: TagNeeds): boolean {
  return ORDER.indexOf(made) >= ORDER.indexOf(needed);
}

const isSystemTag = (tag: { readonly name: string }): boolean => tag.name.toUpperCase().startsWith('SNOWFLAKE.');
