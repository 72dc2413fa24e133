import { describe, expect, test } from '@jest/globals';
import { analyze, type Catalog, type SessionContext } from '../sql/index.js';
import type { CompiledApprovalRule, CompiledMaskingPolicy, ConnectionPolicy, Requester } from './compiled.js';
import { decide } from './decide.js';
import { strictDemands } from './strict-recording.js';

const CONTEXT: SessionContext = {
  database: 'CRM',
  schema: 'PUBLIC',
  role: 'ANALYST',
  warehouse: 'WH',
  facts: { variables: {}, results: [] },
};
const AGENT: Requester = { issuer: 'i', subject: 'a', groups: ['agents'] };
const COLUMNS = ['ID', 'EMAIL', 'CITY'].map((name) => ({ name, type: 'text', tags: [] }));
const CATALOG: Catalog = {
  find: ({ name }) =>
    name === 'V'
      ? {
          kind: 'view',
          columns: [{ name: 'CONTACT', type: 'text', tags: [] }],
          definition: 'create view v as select email as contact from crm.public.customers',
        }
      : { kind: 'table', columns: COLUMNS },
};

const EMAILS: CompiledMaskingPolicy = {
  name: 'pii',
  recording: 'Strict',
  enforcement: 'Enforce',
  onUnresolved: 'Deny',
  rules: [
    {
      name: 'emails',
      columns: [{ database: 'CRM', schema: '*', object: 'CUSTOMERS', column: 'EMAIL' }],
      action: { type: 'Redact' },
      unless: [{ kind: 'Group', name: 'agents' }],
    },
  ],
};
const rule = (fields: Partial<CompiledApprovalRule>): CompiledApprovalRule => ({
  name: 'r',
  recording: 'Strict',
  action: 'Allow',
  match: { statementTypes: undefined, objectTypes: undefined, objects: undefined },
  approval: undefined,
  message: undefined,
  alternative: undefined,
  ...fields,
});

const POLICY: ConnectionPolicy = {
  connection: 'prod',
  revision: 'r1',
  allowedRoles: ['ANALYST'],
  unmatchedObjects: 'Allow',
  rules: [],
  maskingPolicies: [],
  rejected: [],
};

function demandsOf(sql: string, more: Partial<ConnectionPolicy>): readonly string[] | undefined {
  const policy = { ...POLICY, ...more };
  return decide(analyze(sql, CONTEXT, CATALOG), AGENT, CONTEXT, policy).strictBy;
}

describe('a masking policy that demands strict recording', () => {
  const demands = (sql: string, more: Partial<CompiledMaskingPolicy> = {}) =>
    demandsOf(sql, { maskingPolicies: [{ ...EMAILS, ...more }] });

  test.each([
    'select email from customers',
    'select id from customers where email is null',
    'select upper(email) from customers',
    'select contact from v',
    'select id from customers order by email',
    'create table copy as select email from customers',
    "update customers set email = 'x'",
    "insert into customers (id, email) values ('1', 'x')",
    'delete from customers',
    'alter table customers drop column email',
    'explain select email from customers',
    'set x = (select max(email) from customers)',
    'call anything()',
    'select nothing_known(email) from customers',
    'selec email from customers',
  ])('has a say in: %s', (sql) => {
    expect(demands(sql)).toEqual(['MaskingPolicy pii']);
  });

  test.each([
    'select 1',
    'select id, city from customers',
    'select count(*) from customers',
    'select email from suppliers',
    'delete from orders',
    'use schema hr',
    "alter session set timezone = 'UTC'",
    'set x = 1',
    'show tables',
    'describe table customers',
    'begin',
  ])('has none in: %s', (sql) => {
    expect(demands(sql)).toBeUndefined();
  });

  test('counts what is not known of a column as protected', () => {
    const tagged = {
      name: 'tagged',
      columns: [],
      tags: [{ name: 'A.B.PII', value: undefined }],
      action: { type: 'Redact' },
      unless: [],
    } as const;
    const columns = [{ name: 'ID', type: 'text' }];
    const analysis = analyze('select id from t', CONTEXT, { find: () => ({ kind: 'table', columns }) });
    const policy = { ...POLICY, maskingPolicies: [{ ...EMAILS, rules: [tagged] }] };
    expect(decide(analysis, AGENT, CONTEXT, policy).strictBy).toEqual(['MaskingPolicy pii']);
  });

  test('has a say in what a variable or an earlier result carries', () => {
    const email = { object: { database: 'CRM', schema: 'PUBLIC', name: 'CUSTOMERS' }, column: 'EMAIL' };
    const context = { ...CONTEXT, facts: { variables: { X: [email], Y: [] }, results: [] } };
    const demandsWith = (sql: string) =>
      strictDemands(analyze(sql, context, CATALOG), { ...POLICY, maskingPolicies: [EMAILS] });
    expect([demandsWith('select $x'), demandsWith('select $y')]).toEqual([['MaskingPolicy pii'], []]);
  });

  test('demands nothing in DryRun', () => {
    expect(demands('select email from customers', { enforcement: 'DryRun' })).toBeUndefined();
  });

  test('demands nothing without saying so', () => {
    const { recording: _, ...silent } = EMAILS;
    expect(demandsOf('select email from customers', { maskingPolicies: [silent] })).toBeUndefined();
  });
});

describe('a rule that demands strict recording', () => {
  const orders = { database: 'CRM', schema: '*', object: 'ORDERS' };

  test.each(['Allow', 'Hold', 'Block'] as const)('has a say in what it fits, with action %s', (action) => {
    const rules = [rule({ action, match: { statementTypes: ['Delete'], objectTypes: undefined, objects: [orders] } })];
    expect(demandsOf('delete from orders', { rules })).toEqual(['ApprovalRule r']);
    expect(demandsOf('delete from customers', { rules })).toBeUndefined();
    expect(demandsOf('select id from orders', { rules })).toBeUndefined();
  });

  test('to allow counts what may be meant, though it does not admit it', () => {
    const rules = [rule({ match: { statementTypes: ['Select'], objectTypes: undefined, objects: undefined } })];
    expect(demandsOf('selec 1', { rules })).toEqual(['ApprovalRule r']);
    expect(demandsOf('set x = (select max(id) from customers)', { rules })).toEqual(['ApprovalRule r']);
  });

  test('stands beside a policy, sorted', () => {
    expect(demandsOf('select email from customers', { rules: [rule({})], maskingPolicies: [EMAILS] })).toEqual([
      'ApprovalRule r',
      'MaskingPolicy pii',
    ]);
  });
});
