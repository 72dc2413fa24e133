import type { ObjectName } from '../sql/facts.js';
import type { CompiledApprovalRule } from './compiled.js';
import { matchesObject } from './patterns.js';

/** Views of INFORMATION_SCHEMA that hold names and types only: no view texts, no statement texts, no users. */
const NAMES_ONLY: ReadonlySet<string> = new Set(['COLUMNS', 'SCHEMATA', 'TABLES']);

const SHARED_DATABASE = 'SNOWFLAKE';
const METADATA_SCHEMA = 'INFORMATION_SCHEMA';

/**
 * `names` is metadata anybody may read; `system` is data about the account (query history holds literals of other
 * sessions); `ordinary` is everything else.
 */
export function systemKind(object: ObjectName): 'ordinary' | 'names' | 'system' {
  if (object.database.toUpperCase() === SHARED_DATABASE) return 'system';
  if (object.schema.toUpperCase() !== METADATA_SCHEMA) return 'ordinary';
  return object.schema === METADATA_SCHEMA && NAMES_ONLY.has(object.name) ? 'names' : 'system';
}

/** True when an Allow or Hold rule spells the system database or schema out; a `*` that happens to cover it is not enough. */
export function isSystemObjectAdmitted(object: ObjectName, rules: readonly CompiledApprovalRule[]): boolean {
  return rules.some(
    (rule) =>
      rule.action !== 'Block' &&
      (rule.match.objects ?? []).some(
        (pattern) =>
          (pattern.database === SHARED_DATABASE || pattern.schema === METADATA_SCHEMA) &&
          matchesObject(pattern, object, 'narrow'),
      ),
  );
}
