import { dirname } from 'node:path';
import type { DurableFile, FileOps } from './file-ops.js';

// A disk for the tests of durability: it fails, stops or loses power at a call of the test's choice.

/** The unit a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

/** One call of the writer. */
export interface DiskCall {
  /** From 0. */
  readonly number: number;
  readonly kind: 'makeDirectory' | 'createFile' | 'syncDirectory' | 'writev' | 'truncate' | 'sync' | 'close';
  readonly path: string;
  /** Bytes to write. */
  readonly bytes: number;
}

/** What happens at a call. `powerLoss` and `error` may leave any part of it done; `short` writes so many bytes. */
export type Fault =
  | { readonly kind: 'powerLoss' }
  | { readonly kind: 'error'; readonly code: string }
  | { readonly kind: 'short'; readonly bytes: number };

export type Random = () => number;

/** A random number in [0, 1) that is the same in every run: xorshift over 32 bits. */
export function createRandom(seed: number): Random {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

export interface FakeDisk {
  readonly files: FileOps;
  readonly calls: readonly DiskCall[];
  /** What a machine that lost power now would find, by path: any of the states that are possible. */
  survivors(random: Random): ReadonlyMap<string, Buffer>;
}

interface Node {
  data: Buffer;
  isNameDurable: boolean;
}

interface UnfinishedWrite {
  readonly node: Node;
  readonly bytes: Buffer;
  readonly position: number;
}

/** Creates an empty disk whose folder `root` is durable. */
export function createFakeDisk(
  root: string,
  faultAt: (call: DiskCall) => Fault | undefined = () => undefined,
): FakeDisk {
  const directories = new Map<string, { isNameDurable: boolean }>([[root, { isNameDurable: true }]]);
  const nodes = new Map<string, Node>();
  const calls: DiskCall[] = [];
  let unfinished: UnfinishedWrite | { readonly node: Node; readonly length: number } | undefined;
  let isOff = false;

  /** Counts a call; returns what is to be done of it, or throws what it fails with. */
  function enter(kind: DiskCall['kind'], path: string, bytes = 0): Fault | undefined {
    if (isOff) throw new Error('the power is off');
    const call = { number: calls.length, kind, path, bytes };
    calls.push(call);
    return faultAt(call);
  }

  function stop(fault: Fault): never {
    if (fault.kind === 'powerLoss') isOff = true;
    const code = fault.kind === 'error' ? fault.code : 'power loss';
    throw Object.assign(new Error(code), { code });
  }

  function enterWhole(kind: DiskCall['kind'], path: string): void {
    const fault = enter(kind, path);
    if (fault !== undefined && fault.kind !== 'short') stop(fault);
  }

  function openNode(path: string, node: Node): DurableFile {
    return {
      writev(buffers, position) {
        const bytes = Buffer.concat(buffers);
        const fault = enter('writev', path, bytes.byteLength);
        const taken = fault?.kind === 'short' ? Math.min(fault.bytes, bytes.byteLength) : bytes.byteLength;
        if (fault !== undefined && fault.kind !== 'short') {
          unfinished = { node, bytes, position };
          stop(fault);
        }
        node.data = overwrite(node.data, bytes.subarray(0, taken), position);
        return taken;
      },
      truncate(length) {
        const fault = enter('truncate', path);
        if (fault !== undefined && fault.kind !== 'short') {
          unfinished = { node, length };
          stop(fault);
        }
        node.data = node.data.subarray(0, length);
      },
      sync: () => enterWhole('sync', path),
      close: () => enterWhole('close', path),
    };
  }

  return {
    calls,
    files: {
      makeDirectory(path) {
        enterWhole('makeDirectory', path);
        for (let at = path; !directories.has(at); at = dirname(at)) directories.set(at, { isNameDurable: false });
      },
      createFile(path) {
        const node: Node = { data: Buffer.alloc(0), isNameDurable: false };
        const fault = enter('createFile', path);
        if (fault?.kind !== 'error') nodes.set(path, node);
        if (fault !== undefined && fault.kind !== 'short') stop(fault);
        return openNode(path, node);
      },
      syncDirectory(path) {
        enterWhole('syncDirectory', path);
        for (const [name, entry] of [...directories, ...nodes]) if (dirname(name) === path) entry.isNameDurable = true;
      },
    },
    survivors(random) {
      const lost = new Set<string>();
      for (const [path, { isNameDurable }] of directories) if (!isNameDurable && random() < 0.5) lost.add(path);
      const isLost = (path: string): boolean => path !== '/' && (lost.has(path) || isLost(dirname(path)));
      const kept = [...nodes].filter(([path, node]) => !isLost(path) && (node.isNameDurable || random() < 0.5));
      return new Map(
        kept.map(([path, node]) => {
          if (unfinished?.node !== node) return [path, node.data];
          if (!('bytes' in unfinished))
            return [path, random() < 0.5 ? node.data : node.data.subarray(0, unfinished.length)];
          return [path, tear(node.data, unfinished, random)];
        }),
      );
    },
  };
}

function overwrite(data: Buffer, bytes: Buffer, position: number): Buffer {
  const grown = Buffer.alloc(Math.max(data.byteLength, position + bytes.byteLength));
  data.copy(grown);
  bytes.copy(grown, position);
  return grown;
}

/** A write that was cut: any of its sectors may have arrived, the file may be as long as before or as it was to be. */
function tear(data: Buffer, { bytes, position }: UnfinishedWrite, random: Random): Buffer {
  const whole = overwrite(data, bytes, position);
  const length =
    random() < 0.3
      ? data.byteLength
      : data.byteLength + Math.floor(random() * (whole.byteLength - data.byteLength + 1));
  const arrival = [0, 0.5, 0.9, 1][Math.floor(random() * 4)] ?? 1;
  const hasGarbage = random() < 0.5;
  const torn = Buffer.alloc(length);
  data.copy(torn);
  for (let at = Math.floor(position / SECTOR_BYTES) * SECTOR_BYTES; at < length; at += SECTOR_BYTES) {
    const end = Math.min(length, at + SECTOR_BYTES);
    if (random() < arrival) whole.copy(torn, at, at, end);
    else if (hasGarbage)
      for (let byte = Math.max(at, data.byteLength); byte < end; byte += 1) torn[byte] = Math.floor(random() * 256);
  }
  return torn;
}
