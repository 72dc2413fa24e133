import { describe, expect, test } from '@jest/globals';
import type { AnswerRows } from './history-query.js';
import { checkServiceUser, type ServiceUser } from './service-user.js';

type Answers = Readonly<Record<'user' | 'describe' | 'policy', AnswerRows | undefined>>;

const rowsOf = (...rows: readonly Readonly<Record<string, string>>[]): AnswerRows =>
  rows.map((row) => new Map(Object.entries(row)));
const properties = (values: Readonly<Record<string, string>>): AnswerRows =>
  rowsOf(...Object.entries(values).map(([property, value]) => ({ property, property_value: value })));

const GUARDED: Answers = {
  user: rowsOf({ NAME: 'PISTE_SVC' }),
  describe: properties({ NAME: 'PISTE_SVC', TYPE: 'SERVICE', PASSWORD: 'null', HAS_PAT: 'false' }),
  policy: rowsOf({ key: 'NETWORK_POLICY', value: 'EGRESS' }),
};

const check = (answers: Answers, asked: string[] = []): Promise<ServiceUser> =>
  checkServiceUser({
    database: 'CRM',
    async ask(text, kind) {
      asked.push(text);
      return kind === 'SELECT' ? answers.user : kind === 'DESCRIBE' ? answers.describe : answers.policy;
    },
  });

describe('who else could use the service user', () => {
  test.each<readonly [string, Partial<Answers>, ServiceUser['verdict'], RegExp]>([
    ['nobody the account tells of', {}, 'guarded', /only the gateway's addresses is not checked/],
    ['a person', { describe: properties({ TYPE: 'PERSON' }) }, 'others-could', /TYPE is not SERVICE/],
    ['a person of old', { describe: properties({ TYPE: 'null' }) }, 'others-could', /TYPE is not SERVICE/],
    [
      'who knows a password',
      { describe: properties({ TYPE: 'SERVICE', PASSWORD: '********' }) },
      'others-could',
      /password/,
    ],
    ['who holds a token', { describe: properties({ TYPE: 'SERVICE', HAS_PAT: 'true' }) }, 'others-could', /tokens/],
    [
      'anybody from anywhere',
      { policy: rowsOf({ key: 'NETWORK_POLICY', value: '' }) },
      'others-could',
      /no network policy/,
    ],
    ['unknown without DESCRIBE USER', { describe: undefined }, 'not-checked', /type and password are not checked/],
    ['unknown without parameters', { policy: undefined }, 'not-checked', /network policy is not checked/],
    ['unknown without a name', { user: undefined }, 'not-checked', /not checked/],
    ['by older columns', { describe: rowsOf({ property: 'TYPE', value: 'PERSON' }) }, 'others-could', /TYPE/],
  ])('%s', async (_, change, verdict, reason) => {
    const user = await check({ ...GUARDED, ...change });
    expect([user.verdict, user.reasons.join('; ')]).toEqual([verdict, expect.stringMatching(reason)]);
  });

  test('is asked by its exact name', async () => {
    const asked: string[] = [];
    await check({ ...GUARDED, user: rowsOf({ NAME: 'a "b"' }) }, asked);
    expect(asked).toEqual([
      'SELECT CURRENT_USER() AS NAME',
      'DESCRIBE USER "a ""b"""',
      `SHOW PARAMETERS LIKE 'NETWORK_POLICY' FOR USER "a ""b"""`,
    ]);
  });
});
