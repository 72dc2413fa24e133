import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WireClient } from '../harness/wire-client.js';
import { type Playground, startPlayground } from '../playground/playground.js';
import { loginByHand } from './callers.js';
import { ALWAYS_REFUSED, DISGUISES, EXPRESSIONS, PREDICATES } from './evasions.js';

const policy = (predicates: 'Allow' | 'Deny'): string => `apiVersion: piste.dev/v1alpha1
kind: MaskingPolicy
metadata: { name: customer-pii }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  predicates: ${predicates}
  rules:
    - name: everything
      match:
        columns:
          - { database: CRM, schema: "*", object: "*", column: EMAIL }
          - { database: CRM, schema: "*", object: "*", column: SSN }
          - { database: CRM, schema: "*", object: CUSTOMERS, column: NAME }
          - { database: CRM, schema: "*", object: CUSTOMERS, column: BALANCE }
      action: { type: Redact }
`;

/** Plain values of the demonstration data that no answer may hold. */
const TELLING = /@example\.|900-\d\d-|Brandt/;

function startWith(predicates: 'Allow' | 'Deny'): {
  readonly ask: WireClient['run'];
  readonly received: readonly string[];
} {
  let playground: Playground;
  let wire: WireClient;
  const received: string[] = [];
  beforeAll(async () => {
    playground = await startPlayground({ resources: { 'masking.yaml': policy(predicates) } });
    wire = await loginByHand(playground);
  }, 60_000);
  afterAll(() => playground?.stop());
  return {
    received,
    async ask(sqlText, more) {
      const answer = await wire.run(sqlText, more);
      received.push(JSON.stringify(answer.data['rowset'] ?? answer.message));
      return answer;
    },
  };
}

describe('real predicates, masked outputs', () => {
  const { ask, received } = startWith('Allow');

  test('a filter finds the row, and its values stay hidden', async () => {
    const answer = await ask("SELECT id, email, balance FROM customers WHERE email = 'ada.brandt@example.com'");
    expect(answer.data['rowset']).toEqual([['1', '***', null]]);
  });

  test.each(EXPRESSIONS)('%s is refused, for the result cannot be masked', async (_what, sqlText) => {
    expect(await ask(sqlText)).toMatchObject({ success: false, code: '861403' });
  });

  test.each(PREDICATES)('%s is answered, or refused where it could fail by a value', async (_what, sqlText) => {
    const { success, code } = await ask(sqlText);
    expect({ success, code }).toEqual(success ? { success: true, code: null } : { success, code: '861403' });
  });

  test.each(DISGUISES)('%s brings nothing out', async (_what, sqlText) => {
    await ask(sqlText);
    expect(received.at(-1)).not.toMatch(TELLING);
  });

  test.each(ALWAYS_REFUSED)('%s is refused', async (_what, sqlText, code) => {
    expect(await ask(sqlText)).toMatchObject({ success: false, code: expect.stringMatching(code) });
  });

  test('no answer held a protected value', () => {
    expect(received.filter((answer) => TELLING.test(answer))).toEqual([]);
  });
});

describe('no predicates on protected columns', () => {
  const { ask, received } = startWith('Deny');

  test.each(PREDICATES)('%s is refused', async (_what, sqlText) => {
    expect(await ask(sqlText)).toMatchObject({ success: false, code: '861404' });
  });

  test.each(EXPRESSIONS)('%s works on the mask, or is refused as a predicate', async (_what, sqlText) => {
    const { success, code } = await ask(sqlText);
    expect({ success, code }).toEqual(success ? { success: true, code: null } : { success, code: '861404' });
  });

  test('no answer held a protected value', () => {
    expect(received.length).toBeGreaterThan(20);
    expect(received.filter((answer) => TELLING.test(answer))).toEqual([]);
  });
});
