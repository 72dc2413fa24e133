import { describe, expect, test } from '@jest/globals';
import type { Binding } from './binding.js';
import { bindingHash } from './binding.js';
import type { Decision } from './decision.js';
import { hashStatement, isPermit, permitApproved, permitFor, permitInternal } from './permit.js';

const binding: Binding = {
  connection: 'prod',
  account: 'ACME-PROD1',
  canonicalText: 'DROP DATABASE CRM',
  binds: undefined,
  parameters: undefined,
  role: 'R',
  warehouse: undefined,
  database: undefined,
  schema: undefined,
};
const common = {
  class: 'DROP_DATABASE',
  objects: [],
  reasons: [],
  policyRevision: 'rev',
  masks: [],
  sourceMasks: [],
  outputs: undefined,
};
const allowed: Decision = { ...common, verdict: 'allow' };
const held: Decision = {
  ...common,
  verdict: 'hold',
  approval: { rules: [], quorums: [], timeoutSeconds: 60, messages: [] },
};
const approved = { id: 'a1', state: 'approved', bindingHash: bindingHash(binding) } as const;

describe('permits', () => {
  test('an allowing decision gives a permit for exactly its binding', () => {
    const permit = permitFor(allowed, binding);
    expect(permit).toMatchObject({
      verdict: 'allow',
      connection: 'prod',
      policyRevision: 'rev',
      statementHash: hashStatement('DROP DATABASE CRM', undefined),
      bindingHash: bindingHash(binding),
    });
    expect(isPermit(permit)).toBe(true);
  });

  test('a look-alike is not a permit', () => {
    expect(isPermit({ ...permitFor(allowed, binding) })).toBe(false);
  });

  test('a held decision gives no permit without an approval', () => {
    expect(() => permitFor(held, binding)).toThrow(TypeError);
    expect(() => permitApproved(held, { ...approved, state: 'pending' }, binding)).toThrow(TypeError);
    expect(() => permitApproved(allowed, approved, binding)).toThrow(TypeError);
  });

  test('an approval of the same binding gives a permit that names it', () => {
    const outcome = permitApproved(held, approved, binding);
    expect(outcome.ok && outcome.permit).toMatchObject({ verdict: 'approved', approvalId: 'a1' });
  });

  test.each([
    ['text', { canonicalText: 'DROP DATABASE HR' }],
    ['binds', { binds: '{}' }],
    ['role', { role: 'S' }],
    ['schema', { schema: '' }],
    ['account', { account: 'OTHER' }],
  ] as const)('an approval does not carry over to another %s', (_what, change) => {
    const outcome = permitApproved(held, approved, { ...binding, ...change });
    expect(outcome).toMatchObject({ ok: false, denial: { code: 'PISTE-1305' } });
  });

  test('the gateway permits its own statements by purpose', () => {
    expect(permitInternal('catalogue', binding)).toMatchObject({ verdict: 'internal', purpose: 'catalogue' });
  });
});
