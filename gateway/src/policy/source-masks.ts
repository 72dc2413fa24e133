import { deny } from '../errors.js';
import type { CatalogColumn, ColumnRef, MaskableQuery, ObjectName, SourceSite } from '../sql/facts.js';
import type { MaskAction, SourceMask } from './decision.js';
import type { Finding } from './finding.js';
import { finding } from './finding.js';
import type { Guard, Guarded } from './guard.js';
import { columnKey, objectKey } from './keys.js';
import { showObject } from './patterns.js';

/** What is replaced where a query reads it. */
export interface SourceMasking {
  readonly masks: readonly SourceMask[];
  /** Sources that would have to be replaced and cannot be. */
  readonly findings: readonly Finding[];
  /** True for a column of which the query only ever sees masked values. */
  readonly isMasked: (column: ColumnRef) => boolean;
  /** All columns of a table or view the query reads; none where they are not known. */
  readonly columnsOf: (object: ObjectName) => readonly CatalogColumn[];
}

/**
 * A mask for every protected column of every table and view the query reads, mentioned or not, behind views too, unless its
 * rule leaves it to the result. `isCarried` names columns whose values also come into the query by another way than its
 * sources (an earlier result, a variable): those do not count as masked.
 */
export function maskingAtSource(
  query: MaskableQuery,
  guard: Guard,
  isCarried: (column: ColumnRef) => boolean,
): SourceMasking {
  const masks = new Map<string, SourceMask>();
  const columns = new Map<string, readonly CatalogColumn[]>();
  const findings: Finding[] = [];

  /** The first mask that the site, or anything behind it, needs. */
  function visit(site: SourceSite): SourceMask | undefined {
    const { object } = site;
    columns.set(objectKey(object), site.columns);
    const own = site.columns.flatMap((traits) => maskOf(guard({ object, column: traits.name, traits }), traits) ?? []);
    for (const mask of own) masks.set(columnKey(mask.column), mask);
    const behind = (site.view?.sources ?? []).map(visit).find((mask) => mask !== undefined);
    const needed = own[0] ?? behind;
    if (needed !== undefined && site.unmaskable !== undefined) {
      const form = `${site.unmaskable} on ${showObject(object)}, which holds protected columns`;
      const rule = `${needed.policy}/${needed.rule}`;
      findings.push(finding('protected-column-not-direct', deny.cannotMask(form), rule));
    }
    return needed;
  }

  query.sources.forEach(visit);
  return {
    masks: [...masks.values()],
    findings,
    isMasked: (column) => masks.has(columnKey(column)) && !isCarried(column),
    columnsOf: (object) => columns.get(objectKey(object)) ?? [],
  };
}

function maskOf(guarded: Guarded, traits: CatalogColumn): SourceMask | undefined {
  const { strictest } = guarded;
  const action = sourceAction(guarded);
  if (strictest === undefined || action === undefined) return undefined;
  const { object, column } = guarded.column;
  return {
    column: { object, column, traits },
    action,
    policy: strictest.policy.name,
    rule: strictest.rule.name,
  };
}

/** What a column becomes at its source; undefined where its rule leaves it to the result, or nothing protects it. */
function sourceAction(guarded: Guarded): MaskAction | undefined {
  const action = guarded.strictest?.rule.action;
  // A statement that uses the column is refused; replaced all the same, in case a use was not seen.
  if (action?.type === 'Deny') return { type: 'Null' };
  if (action === undefined || action.type === 'Tokenize' || guarded.predicates === 'Allow') return undefined;
  return action;
}
