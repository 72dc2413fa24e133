import { createNoteSigner } from '@piste/verifier';
import {
  type Built,
  canonical,
  type Fields,
  type Item,
  type Json,
  type Log,
  leafHash,
  ODD,
  sha256,
  treeRoot,
} from './leaves.js';
import type { Mutant } from './mutations.js';
import type { Random } from './random.js';
import { makeTrust } from './trust-forgeries.js';
import { makeFrame, splitFrames, type World } from './world.js';

/**
 * What somebody with the key could have written: the logs of a vector, with records added, dropped, exchanged or changed, and then
 * built and signed anew. Nothing here looks at what a writer would do, so most of it breaks a rule, and some of it none.
 */

/** Vectors whose logs lie in whole segments and can be read back without looking for damage. */
export function forgeable(worlds: readonly World[]): World[] {
  return worlds.filter((world) => {
    const paths = [...world.files.keys()];
    return paths.length > 0 && paths.every((path) => /\.(seg|age)$/.test(path)) && sized(world) < 100_000;
  });
}

const sized = (world: World): number => [...world.files.values()].reduce((sum, bytes) => sum + bytes.length, 0);

function readLogs(world: World): Log[] {
  const logs = new Map<string, Log>();
  for (const [path, bytes] of world.files) {
    const ulid = path.slice(0, 26);
    if (!path.endsWith('.seg')) continue;
    const log = logs.get(ulid) ?? { ulid, origin: `test/w/${ulid}`, groups: [], segments: new Set([0]) };
    logs.set(ulid, log);
    log.segments.add(log.groups.length);
    readGroups(log, bytes);
  }
  return [...logs.values()].filter((log) => log.groups.length > 0);
}

function readGroups(log: Log, bytes: Buffer): void {
  let group: Item[] = [];
  let bodies: Buffer[] = [];
  for (const { type, payload } of splitFrames(bytes).frames) {
    if (type === 2) bodies.push(payload);
    if (type === 3) {
      group.push({ leaf: JSON.parse(payload.toString()) as Fields, bodies });
      bodies = [];
    }
    if (type === 4) {
      if (group.length > 0) log.groups.push(group);
      group = [];
    }
  }
}

/** Makes one forged world, and says how. */
export function forge(worlds: readonly World[], random: Random): Mutant {
  for (;;) {
    const source = random.pick(worlds);
    const logs = readLogs(source);
    if (logs.length === 0) continue;
    const what = Array.from({ length: random.below(4) }, () => changeLog(random.pick(logs), random));
    const rename = new Map<string, string>();
    const files = new Map([...source.files].filter(([path]) => path.endsWith('.age')));
    const built = logs.map((log) => build(log, rename, files, random));
    const { trust, said } = makeTrust(built, files, random);
    return { world: { name: source.name, files, trust }, what: [`${source.name}:`, ...what, said].join(' | ') };
  }
}

const WHO = [
  { iss: 'i', sub: 'alice' },
  { iss: 'i', sub: 'bob' },
  { iss: 'j', sub: 'alice' },
];
const QIDS = ['q0', 'q1', 'q'];
const HASHES = ['a'.repeat(64), 'b'.repeat(64)];

const statementHash = (text: string): string => sha256(`${Buffer.byteLength(text)}\n${text}-`).toString('hex');

/** Records of a statement's life, with few different words, so that they meet. */
function protocolItem(random: Random): Item {
  const qid = random.pick(QIDS);
  const apr = random.pick(['a1', 'a2']);
  const hash = random.pick(HASHES);
  const who = random.pick(WHO);
  const maybe = (fields: Fields): Fields => (random.chance(2) ? fields : {});
  const permit = (text: string): Fields =>
    random.chance(3) ? {} : { st: statementHash(random.chance(6) ? 'other' : text) };
  const text = random.pick(['select 0', 'select 1']);
  const leaf = (k: string, f: Fields, more: Fields = {}): Fields => ({ v: 1, k, sid: 'session-1', ...more, f });
  const body = (name: string, bytes: string): [Fields, Buffer[]] => [
    { b: [{ d: '', enc: 'raw', len: 0, n: name, p: 0 }] },
    [Buffer.from(bytes)],
  ];
  const [sql, sqlBodies] = body('sql', text);
  const [rows, rowsBodies] = body('rows', '[]');
  const vote = { ...who, choice: random.pick(['approve', 'deny']) };
  return random.pick<() => Item>([
    () => ({
      leaf: leaf(
        'request',
        {
          ...(random.chance(12) ? {} : { qid }),
          dec: { v: random.pick(['allow', 'hold', 'block']), ...maybe({ apr }) },
          ...maybe({ hash }),
          ...maybe({ who }),
        },
        { ...sql, ...permit(text) },
      ),
      bodies: sqlBodies,
    }),
    () => ({
      leaf: leaf('approval.request', { qid, apr, hash, rules: [], quorums: quorums(random), expires: 1, cls: 'x' }),
      bodies: [],
    }),
    () => ({
      leaf: leaf('approval.vote', {
        qid,
        apr,
        ...vote,
        ...maybe({ grp: groups(random) }),
        ...(random.chance(6) ? { refused: 'late' } : {}),
      }),
      bodies: [],
    }),
    () => ({
      leaf: leaf(
        'decision',
        {
          ...(random.chance(12) ? {} : { qid }),
          ...(random.chance(12) ? {} : { apr }),
          ...(random.chance(12) ? {} : { hash }),
          v: random.pick(['approved', 'approved', 'denied', 'expired']),
          ...maybe({ votes: [vote] }),
        },
        permit(text),
      ),
      bodies: [],
    }),
    () => ({
      leaf: leaf(
        'response',
        {
          ...(random.chance(8) ? {} : { qid }),
          ...maybe({ rows: 1 }),
          ...maybe({ code: null }),
          ...maybe({ upq: 'u' }),
        },
        maybe(rows),
      ),
      bodies: rowsBodies,
    }),
    () => ({
      leaf: leaf('response.withheld', { ...(random.chance(8) ? {} : { qid }), code: '1', why: 'x' }),
      bodies: [],
    }),
    () => ({
      leaf: leaf(
        random.pick(['chunk', 'chunk.piece']),
        { ...(random.chance(8) ? {} : { qid }), n: 1, ...maybe({ rows: 1 }) },
        rows,
      ),
      bodies: rowsBodies,
    }),
    () => ({ leaf: leaf('session.open', { account: 'a', ...maybe({ connection: 'c' }), who }), bodies: [] }),
    () => ({ leaf: { v: 1, k: 'gap', f: loss(random) }, bodies: [] }),
    () => ({ leaf: { v: 1, k: 'mode.change', f: modeOf(random) }, bodies: [] }),
    () => ({ leaf: life(random, qid, apr, hash), bodies: [] }),
    () => ({ leaf: leaf('key', madeKey(random)), bodies: [] }),
    () => ({ leaf: leaf('session.close', { why: 'logout', strands: strands(random) }), bodies: [] }),
    () => ({ leaf: { v: 1, k: 'writer.sealed', f: seal(random) }, bodies: [] }),
  ])();
}

/** A key, often the next of its log, with one of two blinds. */
function madeKey(random: Random): Fields {
  const [wrapped = '', check = ''] = HASHES;
  const fields: Fields = { n: random.below(2), wrapped, check, recipients: ['age1'], blind: random.pick(HASHES) };
  if (random.chance(12)) delete fields[random.pick(Object.keys(fields))];
  return fields;
}

/** What a log says it lost. */
function loss(random: Random): Fields {
  const requests: Fields = random.chance(3) ? {} : { requests: random.below(2) };
  return { count: 1, ...requests, ...(random.chance(2) ? { from: random.pick([0, 9_000_000_000_000, 'x']) } : {}) };
}

function modeOf(random: Random): Fields {
  const connection: Fields = random.chance(2) ? { connection: random.pick(['c', 'd']) } : {};
  return { ...connection, mode: random.pick(['strict', 'observe', 'observe', '', 1]) };
}

const groups = (random: Random): Json => random.pick<Json>([['g'], ['g', 'h'], [], ['h', 1], 'g']);

/** Demands, some of which nobody can meet or read. */
function quorums(random: Random): Json {
  const quorum = (): Json => ({
    rule: 'r',
    n: random.pick([1, 1, 1, 2, 0]),
    grp: groups(random),
    usr: random.pick<Json>([[], ['bob', 'ann'], ['i#bob'], ['j#bob'], 'bob']),
  });
  return random.pick<Json>([[quorum()], [quorum()], [quorum(), quorum()], [], null]);
}

/** One of the records a release rests on, all of one statement and hash. */
function life(random: Random, qid: string, apr: string, hash: string): Fields {
  return random.pick<Fields>([
    { v: 1, k: 'request', sid: 'session-1', f: { qid, dec: { v: 'hold' }, hash } },
    {
      v: 1,
      k: 'approval.request',
      sid: 'session-1',
      f: { qid, apr, hash, quorums: [{ n: 1, grp: [], usr: ['bob'] }] },
    },
    { v: 1, k: 'approval.vote', f: { apr, qid, iss: 'i', sub: 'bob', choice: 'approve' } },
    { v: 1, k: 'decision', sid: 'session-1', f: { qid, apr, v: 'approved', hash } },
  ]);
}

const ORIGINS = [
  'test/w/01M83FTSR0SXY4HBNHSMKGJ52J',
  'test/w/01M83FTSR1SXY4HBNHSMKGJ52K',
  'test/w/01M83FTSP0SXY4HBNHSMKGJ52J',
  'x',
];

function strands(random: Random): Json {
  return random.pick<Json>([
    null,
    [],
    [[random.pick(ORIGINS), random.below(3), random.pick([...HASHES, 'zz'])]],
    [[random.pick(ORIGINS)]],
  ]);
}

/** What a start found of another log, true only by chance. */
function seal(random: Random): Fields {
  const fields: Fields = {
    origin: random.pick(ORIGINS),
    vkey: 'x',
    size: random.below(4),
    root: `${'A'.repeat(43)}=`,
    closed: random.chance(2),
    torn: random.pick([0, 5]),
  };
  if (random.chance(3)) delete fields[random.pick(Object.keys(fields))];
  return fields;
}

function fixBodies(item: Item): Item {
  if (item.leaf['b'] === undefined) item.bodies = [];
  return item;
}

/** Changes one log, and says what. */
function changeLog(log: Log, random: Random): string {
  const group = random.pick(log.groups);
  const at = random.below(group.length);
  const item = group[at];
  if (item === undefined) return 'nothing';
  switch (random.below(12)) {
    case 0:
      group.splice(at, 1);
      log.groups = log.groups.filter((one) => one.length > 0);
      if (log.groups.length === 0) log.groups.push([item]);
      return `drop ${canonical(item.leaf['k'] ?? null)}`;
    case 1: {
      const again = { leaf: structuredClone(item.leaf), bodies: item.bodies };
      group.splice(random.below(group.length + 1), 0, again);
      return `double ${canonical(item.leaf['k'] ?? null)}`;
    }
    case 2:
      log.segments.add(1 + random.below(log.groups.length));
      return 'roll';
    case 3:
      return changeTop(item, random);
    case 4:
    case 5:
      return changeField(item, random);
    case 6: {
      const other = random.pick(log.groups);
      const to = random.below(other.length + 1);
      group.splice(at, 1);
      other.splice(to, 0, item);
      log.groups = log.groups.filter((one) => one.length > 0);
      return `move ${canonical(item.leaf['k'] ?? null)}`;
    }
    default: {
      const added = Array.from({ length: 1 + random.below(6) }, () => fixBodies(protocolItem(random)));
      const last = log.groups.at(-1)?.at(-1)?.leaf['k'] === 'writer.close' ? log.groups.at(-1) : undefined;
      const into = last !== undefined && !random.chance(12) ? last : group;
      into.splice(into === last ? into.length - 1 : random.below(into.length + 1), 0, ...added);
      return `add ${added.map(({ leaf }) => `${canonical(leaf)}`).join(' ')}`;
    }
  }
}

function changeTop(item: Item, random: Random): string {
  const name = random.pick(['v', 'k', 't', 'm', 'sid', 'ss', 'sp', 'ln', 'st', 'b', 'f', 'x', 'é']);
  item.keepStrand = random.chance(2);
  if (random.chance(4)) delete item.leaf[name];
  else item.leaf[name] = random.pick(ODD);
  return `${name} = ${(JSON.stringify(item.leaf[name]) ?? 'absent').slice(0, 60)}${item.keepStrand ? ' kept' : ''}`;
}

function changeField(item: Item, random: Random): string {
  const fields = (typeof item.leaf['f'] === 'object' && item.leaf['f'] !== null ? item.leaf['f'] : {}) as Fields;
  const named = Object.keys(fields);
  const name =
    random.chance(4) || named.length === 0
      ? random.pick(['x', 'qid', 'mode', 'cert', 'rows', 'strands', '__proto__'])
      : random.pick(named);
  const changed: Fields = { ...fields };
  if (random.chance(4)) delete changed[name];
  else
    Object.defineProperty(changed, name, {
      value: random.pick(ODD),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  if (Object.keys(changed).length > 0) item.leaf['f'] = changed;
  else delete item.leaf['f'];
  return `${canonical(item.leaf['k'] ?? null)} f.${name} = ${(JSON.stringify(changed[name]) ?? 'absent').slice(0, 60)}`;
}

const ORIGINAL_KEY = /test\/w\/[0-9A-Z]{26}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}/g;

/** Builds a log's files: chains, digests, roots and signatures are as they should be. */
function build(log: Log, rename: Map<string, string>, files: Map<string, Buffer>, random: Random): Built {
  const signer = createNoteSigner(log.origin);
  const leaves: Buffer[] = [];
  const before: Buffer[] = [];
  const strands = new Map<Json, { count: number; head: string }>();
  let previous = Buffer.alloc(32);
  let [wall, mono, segment] = [0, 0, 0];
  let parts: Buffer[] = [];
  const place = (): void => {
    if (segment > 0) files.set(`${log.ulid}/${String(segment).padStart(8, '0')}.seg`, Buffer.concat(parts));
    parts = [];
  };
  for (const [number, group] of log.groups.entries()) {
    if (number === 0 || log.segments.has(number)) {
      place();
      segment++;
      const header = {
        first: leaves.length,
        format: 'piste-recording',
        origin: log.origin,
        prev: previous.toString('base64'),
        seg: segment,
        v: 1,
      };
      parts.push(makeFrame(1, Buffer.from(canonical(header))));
    }
    for (const item of group) {
      const { leaf } = item;
      before.push(leafHash(Buffer.from(canonical(leaf))));
      if (Array.isArray(leaf['b'])) renewParts(leaf, item.bodies);
      for (const body of item.bodies) parts.push(makeFrame(2, body));
      [wall, mono] = [Number(leaf['t'] ?? wall), Number(leaf['m'] ?? mono)];
      if (leaf['t'] === undefined && leaf['v'] === 1) leaf['t'] = Number.isSafeInteger(wall) ? wall : 0;
      if (leaf['m'] === undefined && leaf['v'] === 1) leaf['m'] = Number.isSafeInteger(mono) ? mono : 0;
      const strand = strands.get(leaf['sid'] ?? null) ?? { count: 0, head: '' };
      if (leaf['sid'] !== undefined && item.keepStrand !== true) {
        leaf['ss'] = strand.count;
        if (strand.count > 0) leaf['sp'] = strand.head;
        else delete leaf['sp'];
        if (strand.count > 0) delete leaf['ln'];
      }
      let text = canonical(leaf).replaceAll(ORIGINAL_KEY, (key) =>
        key.startsWith(`${log.origin}+`) ? signer.vkey : (rename.get(key) ?? key),
      );
      for (const [from, to] of rename) text = text.replaceAll(from, to);
      const bytes = Buffer.from(text);
      const hash = leafHash(bytes);
      strands.set(leaf['sid'] ?? null, { count: strand.count + 1, head: hash.toString('hex') });
      rename.set(before.at(-1)?.toString('hex') ?? '', hash.toString('hex'));
      leaves.push(hash);
      rename.set(treeRoot(before).toString('base64'), treeRoot(leaves).toString('base64'));
      parts.push(makeFrame(3, bytes));
    }
    const text = `${log.origin}\n${leaves.length}\n${treeRoot(leaves).toString('base64')}\nprev ${previous.toString('base64')}\n`;
    const note = Buffer.from(signer.signNote(text));
    parts.push(makeFrame(4, note));
    previous = sha256(note) as Buffer<ArrayBuffer>;
  }
  if (random.chance(8)) parts.push(random.pick([Buffer.alloc(40), makeFrame(2, Buffer.from('half')).subarray(0, 18)]));
  place();
  return { log, vkey: signer.vkey, leaves, signer };
}

function renewParts(leaf: Fields, bodies: readonly Buffer[]): void {
  leaf['b'] = (leaf['b'] as readonly Json[]).map((part, index) => {
    const stored = bodies[index];
    if (stored === undefined || typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return { ...(part as Fields), d: sha256(stored).toString('hex'), len: stored.length };
  });
}
