import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { CliIo } from '../io.js';

/** Where an export goes. */
export interface Output {
  write(text: string): Promise<void>;
  /** What was written stands where it was asked for. */
  finish(): Promise<void>;
  /** Nothing half-written stands there. */
  abandon(): Promise<void>;
}

/** Standard output, or a file only its owner may read, which appears under its name once it is whole. */
export async function openOutput(path: string | undefined, io: CliIo): Promise<Output> {
  if (path === undefined) return { write: io.write, finish: async () => undefined, abandon: async () => undefined };
  const partial = `${path}.partial`;
  await rm(partial, { force: true });
  const file = await open(partial, 'wx', 0o600);
  return {
    write: (text) => writeAll(file, text),
    async finish() {
      await file.sync();
      await file.close();
      await rename(partial, path);
    },
    async abandon() {
      await file.close();
      await rm(partial, { force: true });
    },
  };
}

async function writeAll(file: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten;
}
