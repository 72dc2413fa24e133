import { describe, expect, test } from '@jest/globals';
import { type Verdict, verifyDirectory } from '@piste/verifier';
import type { Recording } from './recording.js';
import {
  createFakeClock,
  entry,
  openTestRecording,
  permitOf,
  recordStory,
  trustIn,
  withDirectory,
} from './recording-fixture.js';

type Step = (recording: Recording) => Promise<unknown>;

async function verdictOn(steps: readonly Step[]): Promise<Verdict> {
  return withDirectory(async (directory) => {
    const recording = await openTestRecording(directory);
    await recording.append(entry('session.open', { who: { iss: 'i', sub: 'me' }, connection: 'c', account: 'a' }));
    for (const step of steps) await step(recording);
    await recording.close();
    return verifyDirectory(directory, await trustIn(recording));
  });
}

function codesOf(verdict: Verdict): readonly string[] {
  return verdict.findings.map(({ code }) => code);
}

function add(...[kind, fields, bodies]: Parameters<typeof entry>): Step {
  return (recording) => recording.append(entry(kind, fields, bodies));
}

function ask(verdict: string): Step {
  return add('request', { qid: 'q', dec: { v: verdict }, hash: 'h' }, { sql: 'drop' });
}

function permitted(apr: string | null, hash = 'h'): Step {
  const request = entry('request', { qid: 'q', dec: { v: 'allow', apr }, hash }, { sql: 'drop' });
  return (recording) => recording.recordRequest(permitOf('drop'), request);
}

function vote(sub: string, choice = 'approve', more: Readonly<Record<string, string>> = {}): Step {
  return add('approval.vote', { apr: 'a', iss: 'i', sub, choice, ...more });
}

function approvedBy(sub: string): Step {
  return add('decision', {
    qid: 'q',
    apr: 'a',
    v: 'approved',
    hash: 'h',
    votes: [{ iss: 'i', sub, choice: 'approve' }],
  });
}

function decideAndRelease(sql: string): Step {
  const decision = entry('decision', { qid: 'q', apr: 'a', v: 'approved', hash: 'h' });
  return (recording) => recording.recordRequest(permitOf(sql, 'approved'), decision);
}

const QUORUMS = [{ rule: 'r', n: 1, grp: [], usr: ['ann', 'bob', 'agent'] }];
const answer = add('response', { qid: 'q', rows: 1, upq: 'up' });
const held = [ask('hold'), add('approval.request', { qid: 'q', apr: 'a', hash: 'h', quorums: QUORUMS })];
const voted = vote('ann');
const approved = approvedBy('ann');

describe('verifying what the records say', () => {
  test('accepts the story of a session', () =>
    withDirectory(async (directory) => {
      const clock = createFakeClock();
      const recording = await openTestRecording(directory, { clock });
      await recordStory(recording, clock);
      await recording.close();
      expect(await verifyDirectory(directory, await trustIn(recording))).toMatchObject({
        outcome: 'sound',
        findings: [],
      });
    }));

  test.each<readonly [string, readonly Step[]]>([
    ['an allowed statement', [permitted(null), answer]],
    ['an approved one', [...held, voted, approved, permitted('a'), answer]],
    ['one released by the decision itself', [...held, voted, decideAndRelease('drop'), answer]],
    ['a refused one answered with its refusal', [ask('block'), add('response', { qid: 'q', rows: 0, code: '861201' })]],
    [
      'a vote that came too late beside one that counted',
      [...held, voted, vote('bob', 'approve', { refused: 'already-decided' }), approved],
    ],
  ])('accepts %s', async (_, steps) => {
    expect(await verdictOn(steps)).toMatchObject({ outcome: 'sound', findings: [] });
  });

  test.each<readonly [string, string, readonly Step[]]>([
    ['orphan-response', 'nobody asked', [answer]],
    ['orphan-response', 'it was asked only later', [answer, permitted(null)]],
    ['no-query-id', 'nobody knows what for', [add('response', { rows: 1 })]],
    ['ran-without-leave', 'it was blocked', [ask('block'), answer]],
    [
      'ran-without-leave',
      'it was blocked and a chunk was fetched',
      [ask('block'), add('chunk', { qid: 'q', n: 0, rows: 0 })],
    ],
    ['ran-without-leave', 'it was allowed without a permit', [ask('allow'), answer]],
    ['ran-without-leave', 'it was only voted for', [...held, voted, answer]],
    ['ran-without-leave', 'it was only approved', [...held, voted, approved, answer]],
    ['ran-without-leave', 'it was released without an approval', [...held, permitted(null), answer]],
    ['ran-without-leave', 'it was released before the approval', [...held, permitted('a'), voted, approved, answer]],
    ['ran-without-leave', 'it was released with another hash', [...held, voted, approved, permitted('a', 'x'), answer]],
    ['ran-without-leave', 'it ran before the release', [...held, voted, approved, answer, permitted('a')]],
    ['approved-without-vote', 'nobody voted', [...held, approved]],
    ['approved-without-vote', 'somebody else voted', [...held, voted, approvedBy('eve')]],
    ['approved-without-vote', 'the vote was a no', [...held, vote('ann', 'deny'), approved]],
    [
      'approved-without-vote',
      'the vote was refused',
      [...held, vote('ann', 'approve', { refused: 'not-an-approver' }), approved],
    ],
    ['approved-by-requester', 'the one who asked voted', [...held, vote('me'), approvedBy('me')]],
    ['approved-without-request', 'nothing was held', [voted, approved]],
    [
      'approval-mismatch',
      'the approval was for another hash',
      [ask('hold'), add('approval.request', { qid: 'q', apr: 'a', hash: 'x', quorums: QUORUMS }), voted, approved],
    ],
    ['approval-mismatch', 'the release was for another text', [...held, voted, decideAndRelease('drop more')]],
    [
      'binding-mismatch',
      'the context was another',
      [add('request', { qid: 'q', hash: 'h', ctx: { role: 'R' } }, { sql: 'x' })],
    ],
  ])('reports %s when %s', async (code, _, steps) => {
    const verdict = await verdictOn(steps);
    expect(codesOf(verdict)).toEqual([code]);
    expect(verdict.outcome).toBe('tampered');
  });

  test('only wonders about a response whose session began in a log that is not here', () =>
    withDirectory(async (directory) => {
      const recording = await openTestRecording(directory);
      await answer(recording);
      await recording.close();
      const verdict = await verifyDirectory(directory, await trustIn(recording));
      expect(verdict).toMatchObject({ outcome: 'cannot-conclude', findings: [{ code: 'orphan-response' }] });
    }));
});
