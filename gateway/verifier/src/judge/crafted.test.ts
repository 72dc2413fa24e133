import { expect, test } from '@jest/globals';
import { FIRST_ULID } from '../fixture/corpus.js';
import { createLogBuilder, type LogBuilder, trustIn } from '../fixture/log-builder.js';
import { sayShortly, verifyFiles } from '../fixture/verdicts.js';

// Recordings that somebody with a writer's key made to keep the verifier from its verdict. Each took minutes, or ended in an error.

const HASH = 'a'.repeat(64);
const times = (count: number, work: (at: number) => void): void => {
  for (let at = 0; at < count; at += 1) work(at);
};

const CRAFTED: readonly (readonly [string, (log: LogBuilder) => void, string])[] = [
  [
    'one statement with thousands of held requests and answers',
    (log) => {
      times(6000, () => log.add({ kind: 'request', fields: { qid: 'q', dec: { v: 'hold' } } }));
      times(6000, () => log.add({ kind: 'response', fields: { qid: 'q', upq: 'x' } }));
    },
    'tampered ran-without-leave',
  ],
  [
    'one statement with thousands of releases',
    (log) => {
      times(2000, (at) => {
        log.add({
          kind: 'request',
          fields: { qid: 'q', dec: { v: 'allow', apr: 'a' }, hash: HASH },
          statementHash: HASH,
        });
        log.add({ kind: 'decision', fields: { qid: 'q', v: 'approved', apr: `b${at}`, hash: HASH } });
      });
      times(2000, () => log.add({ kind: 'response', fields: { qid: 'q', upq: 'x' } }));
    },
    'tampered permit-mismatch approved-without-request ran-without-leave',
  ],
  [
    'one approval with thousands of votes and decisions',
    (log) => {
      times(6000, (at) =>
        log.add({ kind: 'approval.vote', fields: { apr: 'a', iss: 'i', sub: `s${at}`, choice: 'approve' } }),
      );
      log.add({ kind: 'request', fields: { qid: 'q', dec: { v: 'hold' }, hash: HASH } });
      const usr = Array.from({ length: 2000 }, (_, at) => `s${3 * at}`);
      const quorums = [{ rule: 'r', n: 2000, grp: [], usr }];
      log.add({ kind: 'approval.request', fields: { qid: 'q', apr: 'a', hash: HASH, quorums } });
      times(1000, () => log.add({ kind: 'decision', fields: { qid: 'q', v: 'approved', apr: 'a', hash: HASH } }));
    },
    'sound',
  ],
  [
    'more findings than a call takes arguments',
    (log) => {
      const strands = Array.from({ length: 300 }, () => ['test/w/01M83FTSR0SXY4HBNHSMKGJ52A', 1, HASH]);
      times(500, (at) => log.add({ kind: 'session.close', session: `s${at}`, fields: { strands } }));
    },
    'cannot-conclude link-unresolved',
  ],
];

test.each(CRAFTED)(
  '%s: a verdict in time',
  async (_what, build, expected) => {
    const log = createLogBuilder(FIRST_ULID);
    log.commit();
    build(log);
    log.commit();
    log.close();
    expect(sayShortly(await verifyFiles(log.files(), trustIn([log])))).toBe(expected);
  },
  20_000,
);
