import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';

/** A recording and its trust file, in memory. Paths are below the recording. */
export interface World {
  readonly name: string;
  readonly files: Map<string, Buffer>;
  trust: string;
}

/** One frame of a segment with the bytes it came from. */
export interface Frame {
  readonly type: number;
  readonly bytes: Buffer;
  readonly payload: Buffer;
}

const HEADER_BYTES = 16;

/** Reads the vectors, in the order of their names. */
export async function readWorlds(folder: string): Promise<World[]> {
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const worlds: World[] = [];
  for (const { name } of names.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const files = new Map<string, Buffer>();
    const base = join(folder, name, 'recording');
    const found = await readdir(base, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of found.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(base.length + 1), await readFile(path));
    }
    worlds.push({
      name,
      files: new Map([...files].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      trust: await readFile(join(folder, name, 'trust.json'), 'utf8'),
    });
  }
  return worlds;
}

export function copyWorld(world: World): World {
  return {
    name: world.name,
    files: new Map([...world.files].map(([path, bytes]) => [path, Buffer.from(bytes)])),
    trust: world.trust,
  };
}

/** Puts a world on disk, in place of what was there. */
export async function placeWorld(world: World, folder: string): Promise<{ dir: string; trust: string }> {
  await rm(folder, { recursive: true, force: true });
  const dir = join(folder, 'recording');
  await mkdir(dir, { recursive: true });
  for (const [path, bytes] of world.files) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), bytes);
  }
  const trust = join(folder, 'trust.json');
  await writeFile(trust, world.trust);
  return { dir, trust };
}

/** The whole frames at the start of a file, and what is left. */
export function splitFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length && bytes.toString('latin1', at, at + 4) === 'PSTR') {
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 8);
    if (end > bytes.length) break;
    frames.push({
      type: bytes.readUInt8(at + 4),
      bytes: bytes.subarray(at, end),
      payload: bytes.subarray(at + HEADER_BYTES, end),
    });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** A frame with a CRC that fits, whatever it says. */
export function makeFrame(type: number, payload: Buffer, flags = 0): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('PSTR', 'latin1');
  header.writeUInt8(type, 4);
  header.writeUInt8(flags, 5);
  header.writeUInt32BE(payload.length, 8);
  header.writeUInt32BE(crc32(payload, crc32(header.subarray(0, 12))), 12);
  return Buffer.concat([header, payload]);
}
