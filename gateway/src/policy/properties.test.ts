import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Analysis, ColumnRef, Facts, ObjectName, Output, SourceSite } from '../sql/facts.js';
import type { CompiledApprovalRule, CompiledMaskingPolicy, ConnectionPolicy } from './compiled.js';
import { decide } from './decide.js';
import type { Decision } from './decision.js';
import { strictness } from './protection.js';

const agent = { issuer: 'https://issuer.example', subject: 'agent-1', groups: ['agents', 'readers'] };
const context = { database: 'D', schema: 'S', role: 'R', warehouse: undefined };

const objects: fc.Arbitrary<ObjectName> = fc.record({
  // Mostly ordinary tables: a question that is blocked for another reason says little about masks.
  database: fc.constantFrom('D', 'D', 'D', 'D', 'D', 'D', 'E', 'SNOWFLAKE'),
  schema: fc.constantFrom('S', 'S', 'S', 'S', 'S', 'S', 'INFORMATION_SCHEMA', ''),
  name: fc.constantFrom('A', 'A', 'B', 'B', 'TABLES', ''),
});
const columns: fc.Arbitrary<ColumnRef> = fc.record({ object: objects, column: fc.constantFrom('X', 'Y', 'x') });
const outputs: fc.Arbitrary<Output> = fc.oneof(
  columns.map((column) => ({ name: column.column, sources: [column], direct: column })),
  fc.array(columns, { maxLength: 3 }).map((sources) => ({ name: undefined, sources, direct: undefined })),
);
const classes = ['SELECT', 'SHOW', 'INSERT', 'UPDATE', 'DROP_TABLE', 'CTAS', 'CALL', 'PUT', 'USE_ROLE', 'GRANT', 'ODD'];

function sites(depth: number): fc.Arbitrary<SourceSite> {
  const view =
    depth === 0
      ? fc.constant(undefined)
      : fc
          .option(fc.array(sites(depth - 1), { maxLength: 2 }), { nil: undefined })
          .map((sources) => (sources === undefined ? undefined : { text: 'SELECT …', sources }));
  return fc.record({
    object: objects,
    start: fc.constant(0),
    end: fc.constant(0),
    columns: fc.constant(['X', 'Y', 'x'].map((name) => ({ name, type: 'text', tags: [] }))),
    view,
    unmaskable: fc.constantFrom(...Array.from({ length: 9 }, () => undefined), 'SAMPLE with a seed'),
  });
}

const selects: fc.Arbitrary<Facts> = fc
  .record({
    outputs: fc.array(outputs, { maxLength: 4 }),
    predicate: fc.array(columns, { maxLength: 2 }),
    computed: fc.array(columns, { maxLength: 1 }),
    revealing: fc.array(columns, { maxLength: 1 }),
    sources: fc.array(sites(2), { maxLength: 3 }),
    more: fc.array(objects, { maxLength: 1 }),
  })
  .map(({ more, ...query }) => {
    const reads = [...query.sources.map((source) => source.object), ...more];
    return { ...bare('SELECT', reads), query: { text: 'SELECT …', reads, ...query } };
  });
const others: fc.Arbitrary<Facts> = fc
  .record({
    class: fc.constantFrom(...classes),
    objects: fc.array(objects, { maxLength: 2 }),
    carriesQuery: fc.boolean(),
  })
  .map(({ class: name, objects: named, carriesQuery }) => ({ ...bare(name, named), carriesQuery }));
const unreads: fc.Arbitrary<Analysis> = fc
  .record({
    class: fc.constantFrom(...classes),
    kind: fc.constantFrom('dynamic' as const, 'unsupported' as const, 'unknown-object' as const),
  })
  .map(({ class: name, kind }) => ({ ...bare(name, []), read: false, kind, detail: 'x', needs: [] }));
const analyses: fc.Arbitrary<Analysis> = fc.oneof(selects, others, unreads);

function bare(name: string, named: readonly ObjectName[]): Facts {
  return {
    read: true,
    class: name,
    verb: name.replace(/_.*$/, ''),
    objectType: name.endsWith('TABLE') ? 'TABLE' : undefined,
    canonicalText: name.replaceAll('_', ' '),
    objects: named,
    query: undefined,
    effect: undefined,
    carriesQuery: false,
    moved: undefined,
    writes: [],
    temporary: [],
    defined: undefined,
    explained: undefined,
    unreadBecause: undefined,
    identifiers: ['A', 'X'],
    placeholders: 0,
  };
}

const globFor = (...names: readonly string[]) => fc.constantFrom('*', '*', ...names);
const glob = globFor('D', 'S', 'A', 'X', 'SNOWFLAKE');
const pattern = fc.record({ database: glob, schema: glob, object: glob });
const rules: fc.Arbitrary<CompiledApprovalRule> = fc
  .record({
    name: fc.constantFrom('r1', 'r2', 'r3'),
    action: fc.constantFrom('Allow' as const, 'Hold' as const, 'Block' as const),
    types: fc.option(fc.subarray(['Select', 'Insert', 'Drop', 'Unread', 'Call'] as const, { minLength: 1 }), {
      nil: undefined,
    }),
    objectTypes: fc.option(fc.constant(['Table'] as const), { nil: undefined }),
    objects: fc.option(fc.array(pattern, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  })
  .map(({ name, action, types, objectTypes, objects: patterns }) => ({
    name,
    action,
    match: { statementTypes: types, objectTypes, objects: patterns },
    approval: action === 'Hold' ? { groups: ['g'], users: [], minApprovals: 1, timeoutSeconds: 60 } : undefined,
    message: undefined,
    alternative: undefined,
  }));
const maskings: fc.Arbitrary<CompiledMaskingPolicy> = fc.record({
  name: fc.constantFrom('m1', 'm2'),
  enforcement: fc.constantFrom('Enforce' as const, 'DryRun' as const),
  onUnresolved: fc.constantFrom('Deny' as const, 'MaskAll' as const),
  predicates: fc.constantFrom('Mask' as const, 'Allow' as const, 'Deny' as const),
  rules: fc.array(
    fc.record({
      name: fc.constantFrom('a', 'b'),
      columns: fc.array(
        fc.record({
          database: globFor('D'),
          schema: globFor('S'),
          object: globFor('A', 'B'),
          column: globFor('X', 'Y'),
        }),
        {
          minLength: 1,
          maxLength: 2,
        },
      ),
      action: fc.constantFrom(
        { type: 'Redact' as const },
        { type: 'Null' as const },
        { type: 'Deny' as const },
        { type: 'Tokenize' as const, key: 'k', alphabet: 'Digits' as const },
      ),
      unless: fc.constantFrom([], [{ kind: 'Group' as const, name: 'readers' }]),
    }),
    { minLength: 1, maxLength: 2 },
  ),
});
const policies: fc.Arbitrary<ConnectionPolicy> = fc.record({
  connection: fc.constant('c'),
  revision: fc.constant('r'),
  allowedRoles: fc.constant(['R']),
  unmatchedObjects: fc.constantFrom('Allow' as const, 'Deny' as const),
  rules: fc.array(rules, { maxLength: 3 }),
  maskingPolicies: fc.array(maskings, { maxLength: 2 }),
  rejected: fc.constantFrom([], [], [], ['broken']),
});

const RANK = { block: 0, hold: 1, allow: 2 } as const;
const masked = (decision: Decision): ReadonlySet<number> =>
  new Set(decision.verdict === 'block' ? [] : decision.masks.map((mask) => mask.index));
const keyOf = ({ object, column }: ColumnRef): string =>
  [object.database, object.schema, object.name, column].join('/');
/** How much is hidden of each column that is replaced at its source. */
const replaced = (decision: Decision): ReadonlyMap<string, number> =>
  new Map(
    decision.verdict === 'block'
      ? []
      : decision.sourceMasks.map((mask) => [keyOf(mask.column), strictness(mask.action)] as const),
  );

/** The enforced policies that protect a column from anybody, told anew and more simply than the code under test does. */
function protecting({ object, column }: ColumnRef, policy: ConnectionPolicy): readonly CompiledMaskingPolicy[] {
  const fits = (wanted: string, name: string): boolean => wanted === '*' || wanted.toLowerCase() === name.toLowerCase();
  const isNamed = (wanted: CompiledMaskingPolicy['rules'][number]['columns'][number]): boolean =>
    fits(wanted.database, object.database) &&
    fits(wanted.schema, object.schema) &&
    (object.name === '' || fits(wanted.object, object.name)) &&
    fits(wanted.column, column);
  return policy.maskingPolicies.filter(
    (masking) => masking.enforcement === 'Enforce' && masking.rules.some((rule) => rule.columns.some(isNamed)),
  );
}

describe('decide, whatever it is asked', () => {
  test('answers the same to the same question', () => {
    fc.assert(
      fc.property(analyses, policies, (analysis, policy) => {
        expect(decide(analysis, agent, context, policy)).toEqual(decide(analysis, agent, context, policy));
      }),
      { numRuns: 300 },
    );
  });

  test('does not depend on the order of rules and policies', () => {
    fc.assert(
      fc.property(analyses, policies, (analysis, policy) => {
        const turned = {
          ...policy,
          rules: policy.rules.toReversed(),
          maskingPolicies: policy.maskingPolicies.toReversed(),
        };
        const [a, b] = [decide(analysis, agent, context, policy), decide(analysis, agent, context, turned)];
        expect(a.verdict).toBe(b.verdict);
        expect(masked(a)).toEqual(masked(b));
      }),
      { numRuns: 300 },
    );
  });

  test('a further masking policy never shows more, where objects need no policy', () => {
    fc.assert(
      fc.property(analyses, policies, maskings, (analysis, policy, more) => {
        const open: ConnectionPolicy = { ...policy, unmatchedObjects: 'Allow' };
        const both: ConnectionPolicy = { ...open, maskingPolicies: [...open.maskingPolicies, more] };
        const before = decide(analysis, agent, context, open);
        const after = decide(analysis, agent, context, both);
        if (after.verdict === 'block') return;
        const query = analysis.read ? analysis.query : undefined;
        const sources = replaced(after);
        if (before.verdict === 'block') {
          // What ran into a protected column may run on its mask; nothing else may begin to run.
          const values = before.reasons.filter(({ kind }) => kind.startsWith('protected-column-'));
          expect(values.length).toBeGreaterThan(0);
          expect(query).toBeDefined();
          expect(sources.size).toBeGreaterThan(0);
          return;
        }
        expect(RANK[after.verdict]).toBeLessThanOrEqual(RANK[before.verdict]);
        for (const [column, hidden] of replaced(before))
          expect(sources.get(column) ?? 0).toBeGreaterThanOrEqual(hidden);
        for (const index of masked(before)) {
          const output = query?.outputs[index];
          const hidden =
            masked(after).has(index) || (output?.sources ?? []).some((column) => sources.has(keyOf(column)));
          expect(hidden).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a further Block rule never widens, and one that fits everything blocks', () => {
    fc.assert(
      fc.property(analyses, policies, rules, (analysis, policy, more) => {
        const before = decide(analysis, agent, context, policy);
        const after = decide(analysis, agent, context, {
          ...policy,
          rules: [...policy.rules, { ...more, action: 'Block' }],
        });
        expect(RANK[after.verdict]).toBeLessThanOrEqual(RANK[before.verdict]);
        const all: CompiledApprovalRule = {
          ...more,
          action: 'Block',
          match: { statementTypes: undefined, objectTypes: undefined, objects: undefined },
        };
        expect(decide(analysis, agent, context, { ...policy, rules: [...policy.rules, all] }).verdict).toBe('block');
      }),
      { numRuns: 300 },
    );
  });

  test('no protected value leaves without a mask', () => {
    let judged = 0;
    fc.assert(
      fc.property(selects, policies, (analysis, policy) => {
        const stranger = { ...agent, groups: [] };
        const decision = decide(analysis, stranger, context, policy);
        if (decision.verdict === 'block') return;
        if (analysis.query?.predicate.some((column) => protecting(column, policy).length > 0)) judged += 1;
        const sources = replaced(decision);
        const isRaw = (column: ColumnRef): boolean =>
          protecting(column, policy).length > 0 && !sources.has(keyOf(column));
        analysis.query?.outputs.forEach((output, index) => {
          if (output.sources.some(isRaw)) expect(masked(decision)).toContain(index);
          const isProtectedCopy = output.direct !== undefined && protecting(output.direct, policy).length > 0;
          if (isProtectedCopy) expect(masked(decision)).toContain(index);
          const isSecond = decision.masks.some((mask) => mask.index === index && mask.barrier === 'second');
          expect(isSecond && output.sources.some(isRaw)).toBe(false);
        });
        for (const column of analysis.query?.predicate ?? []) {
          const modes = protecting(column, policy).map((masking) => masking.predicates);
          expect(modes).not.toContain('Deny');
          if (isRaw(column)) expect(new Set(modes)).toEqual(new Set(['Allow']));
        }
      }),
      { numRuns: 2000 },
    );
    expect(judged).toBeGreaterThan(10);
  });

  test('nothing is replaced where nothing can be', () => {
    const isStuck = (site: SourceSite): boolean => site.unmaskable !== undefined;
    const needs = (site: SourceSite, names: ReadonlySet<string>): boolean =>
      site.columns.some((column) => names.has(keyOf({ object: site.object, column: column.name }))) ||
      (site.view?.sources ?? []).some((behind) => needs(behind, names));
    const walk = (site: SourceSite): readonly SourceSite[] => [site, ...(site.view?.sources ?? []).flatMap(walk)];
    fc.assert(
      fc.property(selects, policies, (analysis, policy) => {
        const decision = decide(analysis, agent, context, policy);
        const names = new Set(replaced(decision).keys());
        const stuck = (analysis.query?.sources ?? []).flatMap(walk).filter(isStuck);
        for (const site of stuck) expect(needs(site, names)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('an unread query is always blocked', () => {
    fc.assert(
      fc.property(unreads, policies, (analysis, policy) => {
        if (!['SELECT', 'SHOW', 'CALL', 'ODD'].includes(analysis.class)) return;
        expect(decide(analysis, agent, context, policy).verdict).toBe('block');
      }),
      { numRuns: 300 },
    );
  });
});
