import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { CliIo } from './io.js';
import { runCli } from './run.js';

export const TESTDATA = fileURLToPath(new URL('../../testdata/cli/', import.meta.url));
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
/** Set to write the golden files from what the commands print now; look at the difference before keeping it. */
export const UPDATE = process.env['PISTE_UPDATE_GOLDEN'] === '1';

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly slept: readonly number[];
}

/** One command line in this process, and all it said. */
export async function run(argv: readonly string[], over: Partial<CliIo> = {}): Promise<Run> {
  const out: string[] = [];
  const err: string[] = [];
  const slept: number[] = [];
  const code = await runCli(argv, {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    write: async (text) => {
      out.push(text);
    },
    input: Readable.from([]),
    isTerminal: false,
    isWatched: false,
    environment: {},
    claimant: () => ({ user: 'ann', host: 'desk' }),
    nowMs: () => Date.UTC(2026, 0, 1),
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
    },
    stopped: () => new Promise(() => undefined),
    version: '1.2.3',
    ...over,
  });
  return { code, out: out.join(''), err: err.join(''), slept };
}

/** The text of the golden file of that name, which is written first where that was asked for. */
export async function golden(name: string, text: string): Promise<string> {
  if (UPDATE) await writeFile(join(TESTDATA, name), text);
  return readFile(join(TESTDATA, name), 'utf8');
}
