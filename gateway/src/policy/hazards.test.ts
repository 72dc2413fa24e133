import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Catalog, SessionContext } from '../sql/facts.js';
import { analyze, effectsOf } from '../sql/index.js';
import type { CompiledApprovalRule, ConnectionPolicy } from './compiled.js';
import { decide } from './decide.js';
import { HAZARD_DEFAULTS } from './hazards.js';

const context: SessionContext = { database: 'CRM', schema: 'PUBLIC', role: 'ANALYST', warehouse: 'WH' };
const catalog: Catalog = {
  find: () => ({ kind: 'table', columns: ['ID', 'CITY'].map((name) => ({ name, type: 'text' })) }),
};

function policy(...actions: readonly ('Allow' | 'Hold')[]): ConnectionPolicy {
  const rules = actions.map(
    (action): CompiledApprovalRule => ({
      name: action.toLowerCase(),
      action,
      match: { statementTypes: undefined, objectTypes: undefined, objects: undefined },
      approval: action === 'Hold' ? { groups: ['g'], users: [], minApprovals: 1, timeoutSeconds: 60 } : undefined,
      message: undefined,
      alternative: undefined,
    }),
  );
  return {
    connection: 'prod',
    revision: 'r',
    allowedRoles: ['ANALYST'],
    unmatchedObjects: 'Allow',
    rules,
    maskingPolicies: [],
    rejected: [],
  };
}

const verdict = (sql: string, under: ConnectionPolicy): string =>
  decide(analyze(sql, context, catalog), { issuer: 'i', subject: 's', groups: [] }, context, under).verdict;

describe('what a statement can do decides which rule is enough', () => {
  test.each([
    ['COPY INTO @out FROM (SELECT id FROM customers)', 'sends-out', 'Hold'],
    ['CALL p()', 'runs-code', 'Hold'],
    ['CREATE TASK t AS SELECT 1', 'runs-code', 'Hold'],
    ['GRANT SELECT ON TABLE customers TO ROLE analyst', 'weakens-protection', 'Hold'],
    ['GRANT SELECT ON TABLE customers TO SHARE s', 'shares', 'Hold'],
    ['DROP MASKING POLICY p', 'weakens-protection', 'Hold'],
    ['DROP TAG t', 'weakens-protection', 'Hold'],
    ['ALTER TABLE customers UNSET TAG t', 'weakens-protection', 'Hold'],
    ["CREATE STAGE s URL = 's3://b/'", 'sends-out', 'Hold'],
    ['CREATE SHARE s', 'shares', 'Hold'],
    ['CREATE TABLE t AS SELECT id FROM customers', 'moves-rows', 'Hold'],
    ['DROP TABLE customers', 'destroys', 'Allow'],
    ['TRUNCATE TABLE customers', 'destroys', 'Allow'],
    ["DELETE FROM customers WHERE id = '1'", 'destroys', 'Allow'],
  ] as const)('%s %s, so %s is needed', (sql, hazard, weakest) => {
    const facts = analyze(sql, context, catalog);
    expect(effectsOf(facts)).toContain(hazard);
    expect(HAZARD_DEFAULTS[hazard].admittedBy).toBe(weakest);
    expect(verdict(sql, policy())).toBe('block');
    expect(verdict(sql, policy('Allow'))).toBe(weakest === 'Allow' ? 'allow' : 'block');
    expect(verdict(sql, policy('Allow', 'Hold'))).toBe('hold');
  });

  test('is what docs/masking.md says', () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'masking.md'), 'utf8');
    const rows = Object.values(HAZARD_DEFAULTS).map(({ does, admittedBy }) => `| ${does} | ${admittedBy} |`);
    expect(page).toContain(['|---|---|', ...rows].join('\n'));
  });
});
