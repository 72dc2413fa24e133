import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { maskAtSource } from '../pipeline/mask-at-source.js';
import { compileFolderOffline } from '../resources/index.js';
import { readCatalog, readSurroundings } from './explain-catalog.js';
import { judge } from './explain-judge.js';
import { TESTDATA } from './run-fixture.js';

const NOW = Date.UTC(2026, 0, 1);
const EXAMPLE = join(TESTDATA, 'example');
const file = readCatalog(JSON.parse(await readFile(join(EXAMPLE, 'catalog.json'), 'utf8')), 'catalog.json');
const { connections, maskingKeys } = await compileFolderOffline(join(EXAMPLE, 'resources'), NOW);

test.each([
  'SELECT name, email, customer_id FROM customers',
  'SELECT c.customer_id, contact FROM contacts, customers AS c WHERE c.email = ? OR c.ssn = ?',
  'SELECT o.amount FROM orders AS o JOIN customers USING (customer_id) WHERE customers.city = :1',
  'SELECT amount FROM orders WHERE order_id = ?',
  'SELECT COUNT(*) FROM tickets',
])('what would be sent for %s is what the pipeline sends', (sql) => {
  const policy = connections.get('prod')?.policy;
  if (policy === undefined) throw new Error('the example has no connection prod');
  const who = { issuer: '', subject: '', groups: ['analysts'] };
  const { analysis, decision, sent } = judge({
    sql,
    who,
    surroundings: readSurroundings({}, file, 'test'),
    policy,
    nowMs: NOW,
  });
  if (!analysis.read || analysis.query === undefined || decision.verdict !== 'allow') throw new Error('not allowed');
  const masks = decision.sourceMasks;
  const question = { query: analysis.query, masks, keys: maskingKeys, bindings: undefined, describeOnly: false };
  expect({ ok: true, text: sent }).toEqual({ ...maskAtSource(question), keyBindings: undefined });
});
