import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { CliIo } from '../io.js';

/** Where an export goes. */
export interface Output {
  /** Takes text in any pieces; what is small is written together. */
  write(text: string): Promise<void>;
  /** What was written stands where it was asked for. */
  finish(): Promise<void>;
  /** Nothing half-written stands there. */
  abandon(): Promise<void>;
}

const PIECE_CHARACTERS = 256 * 1024;

/** Standard output, or a file only its owner may read, which appears under its name once it is whole. */
export async function openOutput(path: string | undefined, io: CliIo): Promise<Output> {
  if (path === undefined) return inPieces({ write: io.write, finish: async () => {}, abandon: async () => {} });
  const partial = `${path}.partial`;
  await rm(partial, { force: true });
  const file = await open(partial, 'wx', 0o600);
  return inPieces({
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
  });
}

function inPieces(output: Output): Output {
  let pieces: string[] = [];
  let characters = 0;
  const flush = async (): Promise<void> => {
    const text = pieces.join('');
    pieces = [];
    characters = 0;
    if (text !== '') await output.write(text);
  };
  return {
    async write(text) {
      pieces.push(text);
      characters += text.length;
      if (characters >= PIECE_CHARACTERS) await flush();
    },
    async finish() {
      await flush();
      await output.finish();
    },
    abandon: () => output.abandon(),
  };
}

async function writeAll(file: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten;
}
