import { describe, expect, test } from '@jest/globals';
import { FIRST_ULID, TEST_KEY, WRAPPED_KEY } from '../fixture/corpus.js';
import { createLogBuilder, trustIn } from '../fixture/log-builder.js';
import { archive } from '../fixture/split-segment.js';
import { verifyFiles } from '../fixture/verdicts.js';
import type { EntryKind, EntryValue } from '../format/entry.js';
import { sha256 } from '../format/merkle.js';
import { hashStatement } from './statement-hashes.js';

const SESSION = 'session-1';

interface Delivery {
  readonly kind?: EntryKind;
  readonly fields?: Readonly<Record<string, EntryValue>>;
  readonly bodies: Readonly<Record<string, Uint8Array | string>>;
  /** What left; its count and digest stand in the record. */
  readonly left: Uint8Array | string;
}

interface Shape {
  readonly encrypted?: boolean;
  readonly withoutBodies?: boolean;
  readonly deep?: boolean;
  readonly withKey?: boolean;
}

/** `severity code` of each finding about a log with one answer. */
async function foundIn(
  { kind = 'response', fields = {}, bodies, left }: Delivery,
  { encrypted = false, withoutBodies = false, deep = true, withKey = false }: Shape = {},
): Promise<readonly string[]> {
  const log = createLogBuilder(FIRST_ULID, { open: { mode: 'strict', enc: encrypted ? 'gcm' : 'none' } });
  log.add({ kind: 'session.open', session: SESSION, fields: { connection: 'c', account: 'a' } });
  const key = encrypted ? log.addKey(SESSION, WRAPPED_KEY, TEST_KEY) : undefined;
  const statementHash = hashStatement(Buffer.from('select 1'), undefined);
  log.add({
    kind: 'request',
    session: SESSION,
    fields: { qid: 'q', dec: { v: 'allow' } },
    bodies: { sql: 'select 1' },
    statementHash,
  });
  const bytes = Buffer.from(left);
  const out = { len: bytes.byteLength, sha: sha256(bytes).toString('hex') };
  log.add({
    kind,
    session: SESSION,
    fields: { qid: 'q', rows: 1, out, ...fields },
    bodies,
    ...(key === undefined ? {} : { key }),
  });
  log.close();
  const files = withoutBodies ? archive(log.files()) : log.files();
  if (withoutBodies) files.delete(`${FIRST_ULID}/00000001.sfb`);
  const { findings } = await verifyFiles(files, trustIn([log]), {
    deep,
    ...(withKey ? { openKey: async () => TEST_KEY } : {}),
  });
  return findings
    .filter(({ code }) => code.startsWith('answer'))
    .map(({ severity, code, index }) => [severity, code, index].filter((part) => part !== undefined).join(' '));
}

const HEAD = '{"queryId":"q","rowtype":[{"name":"Größe"}]}';
const TAIL = '},"code":null,"message":null,"success":true}';
const json = (rows: string, head = HEAD): string => `{"data":${head.slice(0, -1)},"rowset":${rows}${TAIL}`;
const arrow = (rows: Uint8Array): string =>
  `{"data":${HEAD.slice(0, -1)},"rowsetBase64":"${Buffer.from(rows).toString('base64')}"${TAIL}`;
const LONG = Buffer.alloc(1_048_576 + 100_001, 'a long body ');

const RIGHT: readonly (readonly [string, Delivery])[] = [
  ['rows as JSON', { fields: { fmt: 'json' }, bodies: { head: HEAD, rows: '[["1"]]' }, left: json('[["1"]]') }],
  ['no rows', { fields: { fmt: 'json', rows: 0 }, bodies: { head: HEAD, rows: '[]' }, left: json('[]') }],
  [
    'rows as Arrow',
    { fields: { fmt: 'arrow' }, bodies: { head: HEAD, rows: 'ARROW' }, left: arrow(Buffer.from('ARROW')) },
  ],
  ['many rows as Arrow', { fields: { fmt: 'arrow' }, bodies: { head: HEAD, rows: LONG }, left: arrow(LONG) }],
  ['a refusal', { fields: { code: '1', rows: 0 }, bodies: { head: '{"code":"1"}' }, left: '{"code":"1"}' }],
  ['what was withheld', { kind: 'response.withheld', bodies: { head: '{"code":"1"}' }, left: '{"code":"1"}' }],
  ['a statement refused early', { kind: 'request.refused', bodies: { submitted: 'x', head: '{}' }, left: '{}' }],
  ['a request refused unread', { kind: 'request.refused', bodies: {}, left: '{"code":"1"}' }],
  ['a part', { kind: 'chunk', fields: { fmt: 'json', n: 0 }, bodies: { rows: '["1"],["2"]' }, left: '["1"],["2"]' }],
  ['a part as Arrow', { kind: 'chunk', fields: { fmt: 'arrow', n: 0 }, bodies: { rows: LONG }, left: LONG }],
];

const WRONG: readonly (readonly [string, Delivery])[] = [
  ['other rows', { fields: { fmt: 'json' }, bodies: { head: HEAD, rows: '[["1"]]' }, left: json('[["2"]]') }],
  ['more rows', { fields: { fmt: 'json' }, bodies: { head: HEAD, rows: '[["1"]]' }, left: json('[["1"],["2"]]') }],
  ['fewer rows', { fields: { fmt: 'json' }, bodies: { head: HEAD, rows: '[["1"],["2"]]' }, left: json('[["1"]]') }],
  ['another head', { fields: { fmt: 'json' }, bodies: { head: '{}', rows: '[]' }, left: json('[]') }],
  ['no rows kept', { fields: { fmt: 'json' }, bodies: { head: HEAD }, left: json('[]') }],
  [
    'other Arrow',
    { fields: { fmt: 'arrow' }, bodies: { head: HEAD, rows: 'ARROW' }, left: arrow(Buffer.from('ARROX')) },
  ],
  ['another refusal', { fields: { code: '1' }, bodies: { head: '{"code":"1"}' }, left: '{"code":"2"}' }],
  ['another part', { kind: 'chunk', fields: { n: 0 }, bodies: { rows: '["1"]' }, left: '["2"]' }],
  ['nothing', { kind: 'chunk', fields: { n: 0 }, bodies: { rows: '["1"]' }, left: '' }],
];

describe('an answer compared with its bodies', () => {
  test.each(RIGHT)('that is %s is what left', async (_, delivery) => {
    expect(await foundIn(delivery)).toEqual([]);
  });

  test.each(RIGHT)('that is %s and encrypted is what left', async (_, delivery) => {
    expect(await foundIn(delivery, { encrypted: true, withKey: true })).toEqual([]);
  });

  test.each(WRONG)('where %s left is proof', async (_, delivery) => {
    expect(await foundIn(delivery)).toEqual(['tampered answer-mismatch 3']);
    expect(await foundIn(delivery, { encrypted: true, withKey: true })).toEqual(['tampered answer-mismatch 4']);
    expect(await foundIn(delivery, { encrypted: true, withKey: true })).toEqual(['tampered answer-mismatch 4']);
  });

  test.each(WRONG)('where %s left is not looked at unless asked for', async (_, delivery) => {
    expect(await foundIn(delivery, { deep: false })).toEqual([]);
  });

  test.each<readonly [string, Shape]>([
    ['encrypted', { encrypted: true }],
    ['gone', { withoutBodies: true }],
  ])('whose bodies are %s is not compared, and that is said', async (_, shape) => {
    for (const [, delivery] of WRONG) expect(await foundIn(delivery, shape)).toEqual(['note answers-not-compared']);
  });

  test('with further parts is not compared, and that is said', async () => {
    const fields = { fmt: 'json', parts: 2 };
    expect(await foundIn({ fields, bodies: { head: HEAD, rows: '[]' }, left: json('[]') })).toEqual([
      'note answers-not-compared',
    ]);
  });
});

describe('a part whose rows stand in several records', () => {
  type Piece = Readonly<Record<string, EntryValue>> & { readonly rows?: string };
  const PIECES: readonly Piece[] = [
    { qid: 'q', n: 0, id: 'a', p: 0, rows: '["1"],' },
    { qid: 'q', n: 0, id: 'a', p: 1, rows: '["2"],' },
  ];

  async function found(
    pieces: readonly Piece[],
    named: EntryValue = { id: 'a', count: 2 },
    withoutBodies = false,
  ): Promise<readonly string[]> {
    const log = createLogBuilder(FIRST_ULID, { open: { mode: 'strict', enc: 'none' } });
    log.add({ kind: 'session.open', session: SESSION, fields: { connection: 'c', account: 'a' } });
    const statementHash = hashStatement(Buffer.from('select 1'), undefined);
    const asked = { kind: 'request', session: SESSION, statementHash, bodies: { sql: 'select 1' } } as const;
    log.add({ ...asked, fields: { qid: 'q', dec: { v: 'allow' } } });
    for (const { rows = '', ...fields } of pieces)
      log.add({ kind: 'chunk.piece', session: SESSION, fields, bodies: { rows } });
    const bytes = Buffer.from('["1"],["2"],["3"]');
    const out = { len: bytes.byteLength, sha: sha256(bytes).toString('hex') };
    log.add({
      kind: 'chunk',
      session: SESSION,
      fields: { qid: 'q', n: 0, rows: 3, fmt: 'json', out, pieces: named },
      bodies: { rows: '["3"]' },
    });
    log.close();
    const files = withoutBodies ? archive(log.files()) : log.files();
    if (withoutBodies) files.delete(`${FIRST_ULID}/00000001.sfb`);
    const { findings } = await verifyFiles(files, trustIn([log]), { deep: true });
    return findings.filter(({ code }) => code.startsWith('answer')).map(({ severity, code }) => `${severity} ${code}`);
  }

  const [first, second] = PIECES as [Piece, Piece];
  const other: readonly Piece[] = PIECES.map((piece) => ({ ...piece, id: 'b', rows: '["9"],' }));

  test.each<readonly [string, readonly Piece[]]>([
    ['its pieces', PIECES],
    ['pieces of another delivery among them', [first, ...other, second]],
    ['pieces of a delivery that was refused', [{ ...first, id: 'c' }, ...PIECES]],
  ])('is what left with %s', async (_, pieces) => {
    expect(await found(pieces)).toEqual([]);
  });

  test.each<readonly [string, readonly Piece[]]>([
    ['a piece missing', [first]],
    ['the first missing', [second]],
    ['none', []],
    ['other order', [second, first]],
    ['a piece twice', [first, first, second]],
    ['other rows', [first, { ...second, rows: '["7"],' }]],
    ['a piece of another part', [first, { ...second, n: 1 }]],
    ['a piece of another statement', [first, { ...second, qid: 'r' }]],
  ])('is proof with %s', async (_, pieces) => {
    expect(await found(pieces)).toEqual(['tampered answer-mismatch']);
  });

  test.each<readonly [string, EntryValue]>([
    ['another count', { id: 'a', count: 1 }],
    ['another delivery', { id: 'b', count: 2 }],
    ['a text', 'a'],
  ])('is proof where it names %s', async (_, named) => {
    expect(await found(PIECES, named)).toEqual(['tampered answer-mismatch']);
  });

  test('is left out where its rows are not here', async () => {
    expect(await found(PIECES, undefined, true)).toEqual(['note answers-not-compared']);
  });

  test('says that the statement ran, and needs one', async () => {
    const log = createLogBuilder(FIRST_ULID, { open: { mode: 'strict', enc: 'none' } });
    log.add({ kind: 'session.open', session: SESSION, fields: { connection: 'c', account: 'a' } });
    log.add({ kind: 'chunk.piece', session: SESSION, fields: { ...first, rows: 1 }, bodies: { rows: 'x' } });
    log.add({ kind: 'chunk.piece', session: SESSION, fields: { n: 0, id: 'z', p: 0 }, bodies: { rows: 'x' } });
    log.close();
    const { findings } = await verifyFiles(log.files(), trustIn([log]), {});
    expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
      'tampered no-query-id',
      'tampered orphan-response',
    ]);
  });
});
