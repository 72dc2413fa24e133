import { describe, expect, test } from '@jest/globals';
import { FIRST_ULID, OTHER_KEY, TEST_KEY, WRAPPED_KEY } from '../fixture/corpus.js';
import { type BuiltRecord, createLogBuilder, trustIn } from '../fixture/log-builder.js';
import { verifyFiles } from '../fixture/verdicts.js';
import { sha256 } from '../format/merkle.js';
import { bindingHash, hashStatement } from './statement-hashes.js';

const SESSION = 'session-1';
const TEXT = Buffer.from('select 1');
const HEAD = '{"code":"1"}';
const BOUND = bindingHash({
  connection: 'c',
  account: 'a',
  text: TEXT,
  binds: undefined,
  parameters: undefined,
  role: 'R',
  warehouse: undefined,
  database: undefined,
  schema: undefined,
});

const REQUEST: BuiltRecord = {
  kind: 'request',
  session: SESSION,
  fields: { qid: 'q', dec: { v: 'allow' }, ctx: { role: 'R', wh: null, db: null, sch: null }, hash: BOUND },
  bodies: { sql: TEXT },
  statementHash: hashStatement(TEXT, undefined),
};
const ANSWER: BuiltRecord = {
  kind: 'response',
  session: SESSION,
  fields: { qid: 'q', code: '1', rows: 0, out: { len: HEAD.length, sha: sha256(Buffer.from(HEAD)).toString('hex') } },
  bodies: { head: HEAD },
};

/** `severity code` of what is said of the texts and digests of a blinded session. */
async function foundIn(
  { request = REQUEST, answer = ANSWER }: { readonly request?: BuiltRecord; readonly answer?: BuiltRecord },
  secrets: Uint8Array | undefined = TEST_KEY,
): Promise<readonly string[]> {
  const log = createLogBuilder(FIRST_ULID, { open: { mode: 'strict', enc: 'gcm' } });
  const key = log.addKey(SESSION, WRAPPED_KEY, TEST_KEY);
  log.add({ kind: 'session.open', session: SESSION, fields: { connection: 'c', account: 'a' } });
  log.add({ ...request, key });
  log.add({ ...answer, key });
  log.close();
  const openKey = async () => secrets;
  const { findings } = await verifyFiles(log.files(), trustIn([log]), { deep: true, openKey });
  return findings.map(({ severity, code }) => `${severity} ${code}`);
}

const OTHER = 'd'.repeat(64);
const UNREAD = ['note texts-not-checked', 'note answers-not-compared'];

describe('digests under a blind', () => {
  test('are those of the texts, for whoever has the key', async () => {
    expect(await foundIn({})).toEqual([]);
  });

  test.each([
    ['st', { request: { ...REQUEST, statementHash: OTHER } }, 'permit-mismatch'],
    ['hash', { request: { ...REQUEST, fields: { ...REQUEST.fields, hash: OTHER } } }, 'binding-mismatch'],
    [
      'out',
      { answer: { ...ANSWER, fields: { ...ANSWER.fields, out: { len: HEAD.length, sha: OTHER } } } },
      'answer-mismatch',
    ],
  ] as const)('that are of something else are proof: %s', async (_, records, code) => {
    expect(await foundIn(records)).toEqual([`tampered ${code}`]);
  });

  test('that stand there as they are, are proof: no writer mixes the two', async () => {
    const asGiven = true;
    expect(await foundIn({ request: { ...REQUEST, asGiven } })).toEqual([
      'tampered permit-mismatch',
      'tampered binding-mismatch',
    ]);
    expect(await foundIn({ answer: { ...ANSWER, asGiven } })).toEqual(['tampered answer-mismatch']);
  });

  test.each([
    ['no key', undefined],
    ['another key', OTHER_KEY],
    ['the key without the blind', TEST_KEY.subarray(0, 32)],
    ['the key with another blind', Buffer.concat([TEST_KEY.subarray(0, 32), OTHER_KEY.subarray(32)])],
  ])('say nothing to somebody with %s', async (_, secrets) => {
    expect(await foundIn({}, secrets ?? new Uint8Array())).toEqual(UNREAD);
  });
});
