import type { Random } from './random.js';
import { copyWorld, makeFrame, splitFrames, type World } from './world.js';

/** A copy of a world with one thing changed, and which. */
export interface Mutant {
  readonly world: World;
  readonly what: string;
}

type Mutation = (world: World, random: Random, others: readonly World[]) => string | undefined;

/** Changes one thing (sometimes two) that needs no key: bytes, frames, files, or the trust file. */
export function mutate(worlds: readonly World[], random: Random): Mutant {
  for (;;) {
    const world = copyWorld(random.pick(worlds));
    const changes: string[] = [];
    do {
      const [name, mutation] = random.pick(MUTATIONS);
      const change = mutation(world, random, worlds);
      if (change !== undefined) changes.push(`${name} ${change}`);
    } while (random.chance(4));
    if (changes.length > 0) return { world, what: `${world.name}: ${changes.join('; ')}` };
  }
}

const segments = (world: World): string[] => [...world.files.keys()].filter((path) => /\.(seg|sfr|sfb)$/.test(path));

/** Applies a change to one file's bytes. */
const toFile =
  (change: (bytes: Buffer, random: Random) => readonly [Buffer, string], which = segments): Mutation =>
  (world, random) => {
    const paths = which(world);
    if (paths.length === 0) return undefined;
    const path = random.pick(paths);
    const [bytes, what] = change(world.files.get(path) ?? Buffer.alloc(0), random);
    world.files.set(path, bytes);
    return `${path} ${what}`;
  };

/** Applies a change to the list of a file's frames. */
const toFrames = (change: (frames: Buffer[], random: Random) => string): Mutation =>
  toFile((bytes, random) => {
    const { frames, rest } = splitFrames(bytes);
    const list = frames.map((frame) => Buffer.from(frame.bytes));
    if (list.length === 0) return [bytes, 'left alone'];
    const what = change(list, random);
    return [Buffer.concat([...list, rest]), what];
  });

function flipBit(bytes: Buffer, random: Random): readonly [Buffer, string] {
  if (bytes.length === 0) return [bytes, 'left alone'];
  const at = random.below(bytes.length);
  const bit = random.below(8);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
  return [bytes, `byte ${at} bit ${bit}`];
}

/** Cuts anywhere, or exactly between two frames. */
function cut(bytes: Buffer, random: Random): readonly [Buffer, string] {
  const ends = splitFrames(bytes).frames.map((frame) => frame.bytes.byteOffset - bytes.byteOffset + frame.bytes.length);
  const at = random.chance(2) && ends.length > 0 ? random.pick(ends) : random.below(bytes.length + 1);
  return [bytes.subarray(0, at), `at ${at}`];
}

function append(bytes: Buffer, random: Random): readonly [Buffer, string] {
  const more = Buffer.alloc(1 + random.below(40), random.pick([0, 0, 0, 1, 0x50]));
  return [Buffer.concat([bytes, more]), `${more.length} bytes ${more.readUInt8(0)}`];
}

function blank(bytes: Buffer, random: Random): readonly [Buffer, string] {
  const from = random.below(bytes.length);
  const to = random.chance(3) ? bytes.length : Math.min(bytes.length, from + 1 + random.below(600));
  return [bytes.fill(0, from, to), `${from} to ${to}`];
}

function dropFrame(frames: Buffer[], random: Random): string {
  const at = random.below(frames.length);
  frames.splice(at, 1);
  return `frame ${at}`;
}

function doubleFrame(frames: Buffer[], random: Random): string {
  const from = random.below(frames.length);
  const to = random.below(frames.length + 1);
  frames.splice(to, 0, ...frames.slice(from, from + 1));
  return `frame ${from} again at ${to}`;
}

function swapFrames(frames: Buffer[], random: Random): string {
  const a = random.below(frames.length);
  const b = random.chance(2) ? Math.min(a + 1, frames.length - 1) : random.below(frames.length);
  [frames[a], frames[b]] = [frames[b] ?? Buffer.alloc(0), frames[a] ?? Buffer.alloc(0)];
  return `frames ${a} and ${b}`;
}

/** Changes a payload, the type or the flags, and repairs the CRC. */
function repairFrame(frames: Buffer[], random: Random): string {
  const at = random.below(frames.length);
  const frame = frames[at] ?? Buffer.alloc(16);
  const payload = Buffer.from(frame.subarray(16));
  const type = random.chance(5) ? random.below(6) : frame.readUInt8(4);
  const [, what] = random.chance(5) ? [payload, 'as it was'] : flipBit(payload, random);
  const flags = random.chance(12) ? 1 : 0;
  frames[at] = makeFrame(type, payload, flags);
  return `frame ${at} ${what}, type ${type}, flags ${flags}`;
}

function cutRepaired(frames: Buffer[], random: Random): string {
  const at = random.below(frames.length);
  const frame = frames[at] ?? Buffer.alloc(16);
  const length = random.below(frame.length - 15);
  frames[at] = makeFrame(frame.readUInt8(4), Buffer.from(frame.subarray(16, 16 + length)));
  return `frame ${at} to ${length}`;
}

const removeFile: Mutation = (world, random) => {
  if (world.files.size === 0) return undefined;
  const path = random.pick([...world.files.keys()]);
  world.files.delete(path);
  return path;
};

const addFile: Mutation = (world, random) => {
  const folder = [...world.files.keys()][0]?.split('/')[0] ?? '01M83FTSR0SXY4HBNHSMKGJ52J';
  const path = random.pick([
    'note.txt',
    `${folder}/note.txt`,
    `${folder}/keys/0.age`,
    `${folder}/keys/1.age`,
    `${folder}/keys/00.age`,
    `${folder}/keys/x`,
    `${folder}/00000003.seg`,
    `${folder}/00000000.seg`,
    `${folder}/1.seg`,
    `${folder}/00000002.sfb`,
    '01M83FTSR9SXY4HBNHSMKGJ52Z/00000001.seg',
    '01M83FTSR9SXY4HBNHSMKGJ52Z/keys/0.age',
    '81M83FTSR9SXY4HBNHSMKGJ52Z/00000001.seg',
    '01M83FTSR9SXY4HBNHSMKGJ52I/00000001.seg',
  ]);
  world.files.set(path, Buffer.alloc(random.pick([0, 0, 20]), random.pick([0, 7])));
  return path;
};

const copyFile: Mutation = (world, random, others) => {
  const other = random.pick(others);
  if (other.files.size === 0) return undefined;
  const path = random.pick([...other.files.keys()]);
  world.files.set(path, Buffer.from(other.files.get(path) ?? []));
  return `${path} of ${other.name}`;
};

const renameFile: Mutation = (world, random) => {
  const paths = segments(world);
  if (paths.length === 0) return undefined;
  const path = random.pick(paths);
  const to = random.chance(3)
    ? path.replace(/^01M83FTSR[01]/, random.pick(['01M83FTSR0', '01M83FTSR1', '01M83FTSR2']))
    : path.replace(/\d{8}\.(seg|sfr|sfb)$/, `0000000${1 + random.below(3)}.${random.pick(['seg', 'sfr', 'sfb'])}`);
  const bytes = world.files.get(path) ?? Buffer.alloc(0);
  world.files.delete(path);
  world.files.set(to, bytes);
  return `${path} to ${to}`;
};

const splice: Mutation = (world, random, others) => {
  const other = random.pick(others);
  const [to, from] = [segments(world), segments(other)];
  if (to.length === 0 || from.length === 0) return undefined;
  const [into, of] = [random.pick(to), random.pick(from)];
  const { frames, rest } = splitFrames(world.files.get(into) ?? Buffer.alloc(0));
  const foreign = splitFrames(other.files.get(of) ?? Buffer.alloc(0)).frames;
  const [at, start, count] = [random.below(frames.length + 1), random.below(foreign.length), 1 + random.below(3)];
  const list = frames.map((frame) => frame.bytes);
  list.splice(at, random.below(count + 1), ...foreign.slice(start, start + count).map((frame) => frame.bytes));
  world.files.set(into, Buffer.concat([...list, rest]));
  return `${into} frame ${at}: ${count} of ${other.name} ${of} ${start}`;
};

/** A segment that is cut behind a commit is the log somebody could have seen earlier. */
const cutBehindCommit: Mutation = (world, random) => {
  const paths = segments(world).filter((path) => !path.endsWith('.sfb'));
  if (paths.length === 0) return undefined;
  const path = random.pick(paths);
  const { frames } = splitFrames(world.files.get(path) ?? Buffer.alloc(0));
  const ends = frames.flatMap((frame, index) => (frame.type === 4 || frame.type === 1 ? [index + 1] : []));
  if (ends.length === 0) return undefined;
  const keep = random.pick(ends);
  const tail = random.pick([0, 0, 3, 30]);
  world.files.set(
    path,
    Buffer.concat([...frames.slice(0, keep).map((frame) => frame.bytes), Buffer.alloc(tail, random.pick([0, 0x50]))]),
  );
  return `${path} after frame ${keep}, ${tail} bytes`;
};

interface TrustText {
  [member: string]: unknown;
  writers: string[];
  checkpoints: { [member: string]: unknown }[];
}

function parsedTrust(text: string): TrustText | undefined {
  try {
    return JSON.parse(text) as TrustText;
  } catch {
    return undefined;
  }
}

const toTrust: Mutation = (world, random, others) => {
  const trust = parsedTrust(world.trust);
  const other = parsedTrust(random.pick(others).trust);
  if (trust === undefined || other === undefined || !Array.isArray(trust.checkpoints)) return undefined;
  const [kept] = trust.checkpoints;
  const [name, change] = random.pick(
    Object.entries({
      'without writers': () => trust.writers.splice(0, 1),
      'without checkpoints': () => trust.checkpoints.splice(0, 1),
      'without notes': () => {
        for (const one of trust.checkpoints) delete one['note'];
      },
      'size less': () => kept && Object.assign(kept, { size: Number(kept['size']) - 1, note: undefined }),
      'size more': () => kept && Object.assign(kept, { size: Number(kept['size']) + 1, note: undefined }),
      'size 0': () => kept && Object.assign(kept, { size: 0, note: undefined }),
      'size with a note': () => kept && Object.assign(kept, { size: Number(kept['size']) + 1 }),
      'other root': () => kept && Object.assign(kept, { root: `${'A'.repeat(43)}=`, note: undefined }),
      'other origin': () =>
        kept && Object.assign(kept, { origin: String(kept['origin']).replace(/^[^/]*/, 'x'), note: undefined }),
      'writers of another': () => trust.writers.push(...other.writers),
      'writers instead': () => Object.assign(trust, { writers: other.writers }),
      'checkpoints of another': () => trust.checkpoints.push(...other.checkpoints),
      'registry of another': () => Object.assign(trust, { registry: other['registry'] ?? trust['registry'] }),
      'registry of a writer': () => Object.assign(trust, { registry: other.writers[0] }),
      'without registry': () => delete trust['registry'],
      'a member more': () => Object.assign(trust, { more: 1 }),
      'a member less': () => delete trust[random.pick(Object.keys(trust))],
      'version 2': () => Object.assign(trust, { v: random.pick([2, '1', null]) }),
      empty: () => Object.assign(trust, { writers: [], checkpoints: [], registry: undefined }),
    }),
  );
  change();
  world.trust = JSON.stringify(trust, undefined, random.pick([0, 1]));
  return name;
};

/** Unknown members of a checkpoint are left out: the document forbids them, and `parseTrust` reads past them. */
const hasUnknownMember = (text: string): boolean =>
  parsedTrust(text)?.checkpoints?.some?.((one) =>
    Object.keys(one).some((name) => !/^(origin|size|root|note)$/.test(name)),
  ) ?? false;

const flipTrust: Mutation = (world, random) => {
  const bytes = Buffer.from(world.trust);
  const [, what] = flipBit(bytes, random);
  const flipped = bytes.toString('latin1').replaceAll(/[\u0080-\uffff]/g, '?');
  if (hasUnknownMember(flipped)) return undefined;
  world.trust = flipped;
  return what;
};

const keyFiles = (world: World): string[] => [...world.files.keys()].filter((path) => path.endsWith('.age'));

const MUTATIONS: readonly (readonly [string, Mutation])[] = [
  ['flip', toFile(flipBit)],
  ['cut', toFile(cut)],
  ['append', toFile(append)],
  ['blank', toFile(blank)],
  ['drop', toFrames(dropFrame)],
  ['double', toFrames(doubleFrame)],
  ['swap', toFrames(swapFrames)],
  ['repair', toFrames(repairFrame)],
  ['repair', toFrames(repairFrame)],
  ['shorten', toFrames(cutRepaired)],
  ['remove', removeFile],
  ['add', addFile],
  ['copy', copyFile],
  ['rename', renameFile],
  ['splice', splice],
  ['behind', cutBehindCommit],
  ['behind', cutBehindCommit],
  ['trust', toTrust],
  ['trust', toTrust],
  ['trust', toTrust],
  ['trust bit', flipTrust],
  ['key file', toFile(flipBit, keyFiles)],
];
