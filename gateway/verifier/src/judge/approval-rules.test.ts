import { describe, expect, test } from '@jest/globals';
import { FIRST_ULID, SECOND_ULID } from '../fixture/corpus.js';
import { type BuiltRecord, createLogBuilder, type LogBuilder, trustIn } from '../fixture/log-builder.js';
import { verifyFiles } from '../fixture/verdicts.js';
import { hashStatement } from './statement-hashes.js';

const SESSION = 'session-1';
const BOB = { iss: 'i', sub: 'bob' };
const ANN = { iss: 'i', sub: 'ann' };
const HASH = 'a'.repeat(64);
const TEXT = 'drop table t';
const PERMIT = hashStatement(Buffer.from(TEXT), undefined);

type Fields = NonNullable<BuiltRecord['fields']>;

const QUORUMS = [{ rule: 'r', n: 1, grp: [], usr: ['i#ann', 'bob', 'eve'] }];
const opened: BuiltRecord = { kind: 'session.open', session: SESSION, fields: { who: BOB } };
const held = (fields: Fields = {}): BuiltRecord => ({
  kind: 'request',
  session: SESSION,
  fields: { qid: 'q', dec: { v: 'hold' }, hash: HASH, ...fields },
  bodies: { sql: TEXT },
});
const asked = (fields: Fields = {}): BuiltRecord => ({
  kind: 'approval.request',
  session: SESSION,
  fields: { qid: 'q', apr: 'a', hash: HASH, quorums: QUORUMS, ...fields },
});
const vote = (fields: Fields = {}): BuiltRecord => ({
  kind: 'approval.vote',
  fields: { apr: 'a', qid: 'q', ...ANN, choice: 'approve', ...fields },
});
const approved = (fields: Fields = {}, without: readonly string[] = []): BuiltRecord => ({
  kind: 'decision',
  session: SESSION,
  fields: Object.fromEntries(
    Object.entries({ qid: 'q', apr: 'a', v: 'approved', hash: HASH, ...fields }).filter(
      ([name]) => !without.includes(name),
    ),
  ),
});

function built(ulid: string, records: readonly BuiltRecord[]): LogBuilder {
  const log = createLogBuilder(ulid, { open: { mode: 'strict' } });
  for (const record of records) log.add(record);
  log.close();
  return log;
}

/** `severity code index` of each finding about statements. */
async function foundIn(...logs: readonly LogBuilder[]): Promise<readonly string[]> {
  const files = new Map(logs.flatMap((log) => [...log.files()]));
  const { findings } = await verifyFiles(files, trustIn(logs));
  return findings.map(({ severity, code, index }) => `${severity} ${code} ${index}`);
}

describe('what the rules ask for', () => {
  const quorum = { rule: 'r', n: 1, grp: ['owners'], usr: ['i#ann'] };
  const ONE = { iss: 'i', sub: 'one#two' };
  test.each<readonly [string, Fields['x'] | undefined, Fields, boolean]>([
    ['a user by issuer and subject', [quorum], {}, true],
    ['a user of another issuer', [{ ...quorum, usr: ['j#ann'] }], {}, false],
    ['a member of a group', [{ ...quorum, usr: [] }], { grp: ['x', 'owners'] }, true],
    ['a member of another group', [{ ...quorum, usr: [] }], { grp: ['x'] }, false],
    ['groups that are no list of texts', [{ ...quorum, usr: [] }], { grp: ['owners', 1] }, false],
    ['a subject that looks like an issuer and a subject', [{ ...quorum, usr: ['one#two'] }], ONE, false],
    ['that subject with its issuer', [{ ...quorum, usr: ['i#one#two'] }], ONE, true],
    ['two rules, one of them not met', [quorum, { ...quorum, usr: [] }], {}, false],
    ['nobody', [{ ...quorum, grp: [], usr: [] }], {}, false],
    ['no approval', [{ ...quorum, n: 0 }], {}, false],
    ['a number of approvals that is none', [{ ...quorum, n: '1' }], {}, false],
    ['users that are no list', [{ ...quorum, usr: 'i#ann' }], {}, false],
    ['something that is no demand', [quorum, null], {}, false],
    ['an empty list', [], {}, false],
    ['nothing that can be read', 'ann', {}, false],
  ])('%s', async (_what, quorums, voter, isMet) => {
    const votes = [{ ...ANN, ...voter, choice: 'approve' }];
    const records = [opened, held(), asked({ quorums: quorums ?? null }), vote(voter), approved({ votes })];
    expect(await foundIn(built(FIRST_ULID, records))).toEqual(isMet ? [] : ['tampered approved-by-too-few 5']);
  });
});

describe('an approval', () => {
  test.each<readonly [string, readonly BuiltRecord[], readonly string[]]>([
    ['by somebody else', [opened, held(), asked(), vote(), approved()], []],
    ['of a request that names who asked', [held({ who: BOB }), asked(), vote(), approved()], []],
    [
      'by the one who opened the session',
      [opened, held(), asked(), vote(BOB), approved()],
      ['tampered approved-by-requester 5'],
    ],
    [
      'by the one whom only the request names',
      [held({ who: ANN }), asked(), vote(), approved()],
      ['tampered approved-by-requester 4'],
    ],
    [
      'by the one whom the request names, in a session of another',
      [opened, held({ who: ANN }), asked(), vote(), approved()],
      ['tampered approved-by-requester 5'],
    ],
    ['of a session nobody opened here', [held(), asked(), vote(), approved()], []],
    ['without a query id', [held(), asked(), vote(), approved({}, ['qid'])], ['tampered no-query-id 4']],
    ['without a vote', [held(), asked(), approved()], ['tampered approved-without-vote 3']],
    [
      'with a vote that was recorded for another',
      [held(), asked(), vote({ apr: 'b' }), approved()],
      ['tampered approved-without-vote 4'],
    ],
    [
      'with a vote whose voter has no name',
      [held(), asked(), vote(), approved({ votes: [{ choice: 'approve' }] })],
      ['tampered approved-without-vote 4'],
    ],
    ['of nothing that was held', [asked(), vote(), approved()], ['tampered approved-without-request 3']],
    ['of nothing that was asked', [held(), vote(), approved()], ['tampered approved-without-request 3']],
    ['without a hash', [held(), asked(), vote(), approved({}, ['hash'])], ['tampered approval-mismatch 4']],
    [
      'of something else',
      [held(), asked({ hash: 'b'.repeat(64) }), vote(), approved()],
      ['tampered approval-mismatch 4'],
    ],
    [
      'of something else, by nobody, says only the first',
      [held(), asked({ hash: 'b'.repeat(64) }), approved()],
      ['tampered approval-mismatch 3'],
    ],
    [
      'with a permit for another text',
      [held(), asked(), vote(), { ...approved(), statementHash: 'b'.repeat(64) }],
      ['tampered approval-mismatch 4'],
    ],
    ['with its permit', [held(), asked(), vote(), { ...approved(), statementHash: PERMIT }], []],
    ['of the second of two that were held', [held({ hash: 'b'.repeat(64) }), held(), asked(), vote(), approved()], []],
  ])('%s', async (_, records, expected) => {
    expect(await foundIn(built(FIRST_ULID, records))).toEqual(expected);
  });

  test('of what was held in another log, by the one who asked there', async () => {
    const logs = [
      built(FIRST_ULID, [opened, held(), asked()]),
      built(SECOND_ULID, [{ ...vote(BOB) }, { ...approved() }]),
    ];
    expect(await foundIn(...logs)).toEqual(['tampered approved-by-requester 2']);
  });
});

describe('a request', () => {
  const request = (fields: Fields, statementHash?: string): BuiltRecord => ({
    kind: 'request',
    session: SESSION,
    fields,
    bodies: { sql: TEXT },
    ...(statementHash === undefined ? {} : { statementHash }),
  });
  const wrong = 'b'.repeat(64);
  const allowed = { qid: 'q', dec: { v: 'allow' } };

  test.each<readonly [string, readonly BuiltRecord[], readonly string[]]>([
    ['for its text', [request(allowed, PERMIT)], []],
    ['for another text', [request(allowed, wrong)], ['tampered permit-mismatch 1']],
    ['without a query id', [request({ dec: { v: 'allow' } }, PERMIT)], ['tampered no-query-id 1']],
    [
      'without a query id, for another text',
      [request({ dec: { v: 'allow' } }, wrong)],
      ['tampered no-query-id 1', 'tampered permit-mismatch 1'],
    ],
    [
      'bound to another place and permitted for another text',
      [
        { kind: 'session.open', session: SESSION, fields: { connection: 'c', account: 'a' } },
        request({ ...allowed, ctx: {}, hash: wrong }, wrong),
      ],
      ['tampered permit-mismatch 2', 'tampered binding-mismatch 2'],
    ],
  ])('%s', async (_, records, expected) => {
    expect(await foundIn(built(FIRST_ULID, records))).toEqual(expected);
  });
});
