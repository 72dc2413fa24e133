import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Analysis, ColumnRef, Facts, ObjectName, Output } from '../sql/facts.js';
import type { CompiledApprovalRule, CompiledMaskingPolicy, ConnectionPolicy } from './compiled.js';
import { decide } from './decide.js';
import type { Decision } from './decision.js';

const agent = { issuer: 'https://issuer.example', subject: 'agent-1', groups: ['agents', 'readers'] };
const context = { database: 'D', schema: 'S', role: 'R', warehouse: undefined };

const objects: fc.Arbitrary<ObjectName> = fc.record({
  database: fc.constantFrom('D', 'E', 'SNOWFLAKE'),
  schema: fc.constantFrom('S', 'INFORMATION_SCHEMA', ''),
  name: fc.constantFrom('A', 'B', 'TABLES', ''),
});
const columns: fc.Arbitrary<ColumnRef> = fc.record({ object: objects, column: fc.constantFrom('X', 'Y', 'x') });
const outputs: fc.Arbitrary<Output> = fc.oneof(
  columns.map((column) => ({ name: column.column, sources: [column], direct: column })),
  fc.array(columns, { maxLength: 3 }).map((sources) => ({ name: undefined, sources, direct: undefined })),
);
const classes = ['SELECT', 'SHOW', 'INSERT', 'UPDATE', 'DROP_TABLE', 'CTAS', 'CALL', 'PUT', 'USE_ROLE', 'GRANT', 'ODD'];

const selects: fc.Arbitrary<Facts> = fc
  .record({
    outputs: fc.array(outputs, { maxLength: 4 }),
    predicate: fc.array(columns, { maxLength: 2 }),
    computed: fc.array(columns, { maxLength: 1 }),
    revealing: fc.array(columns, { maxLength: 1 }),
    reads: fc.array(objects, { maxLength: 3 }),
  })
  .map((query) => ({ ...bare('SELECT', query.reads), query: { text: 'SELECT …', sources: [], ...query } }));
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

const glob = fc.constantFrom('*', 'D', 'S', 'A', 'X', 'SNOWFLAKE');
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
  rules: fc.array(
    fc.record({
      name: fc.constantFrom('a', 'b'),
      columns: fc.array(fc.record({ database: glob, schema: glob, object: glob, column: glob }), {
        minLength: 1,
        maxLength: 2,
      }),
      action: fc.constantFrom({ type: 'Redact' as const }, { type: 'Null' as const }, { type: 'Deny' as const }),
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

  test('a further masking policy never widens what runs where objects need no policy', () => {
    fc.assert(
      fc.property(analyses, policies, maskings, (analysis, policy, more) => {
        const open: ConnectionPolicy = { ...policy, unmatchedObjects: 'Allow' };
        const before = decide(analysis, agent, context, open);
        const after = decide(analysis, agent, context, { ...open, maskingPolicies: [...open.maskingPolicies, more] });
        const onlyMaskAllHides = before.verdict === 'block' && after.verdict !== 'block';
        expect(onlyMaskAllHides).toBe(false);
        expect(RANK[after.verdict]).toBeLessThanOrEqual(RANK[before.verdict]);
        if (after.verdict !== 'block') for (const index of masked(before)) expect(masked(after)).toContain(index);
      }),
      { numRuns: 500 },
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
    fc.assert(
      fc.property(selects, policies, (analysis, policy) => {
        const stranger = { ...agent, groups: [] };
        const decision = decide(analysis, stranger, context, policy);
        if (decision.verdict === 'block') return;
        const enforced = policy.maskingPolicies.filter((masking) => masking.enforcement === 'Enforce');
        const fits = (wanted: string, name: string): boolean =>
          wanted === '*' || wanted.toLowerCase() === name.toLowerCase();
        const isProtected = ({ object, column }: ColumnRef): boolean =>
          enforced.some((masking) =>
            masking.rules.some((rule) =>
              rule.columns.some(
                (wanted) =>
                  fits(wanted.database, object.database) &&
                  fits(wanted.schema, object.schema) &&
                  fits(wanted.object, object.name) &&
                  fits(wanted.column, column),
              ),
            ),
          );
        analysis.query?.outputs.forEach((output, index) => {
          if (output.sources.some(isProtected)) expect(masked(decision)).toContain(index);
        });
        expect(analysis.query?.predicate.some(isProtected)).toBe(false);
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
