import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CLI = 'gateway/dist/cli/main.js';
const TIMEOUT_MS = 30_000;

/** What a command left behind. */
export interface PisteRun {
  readonly exitCode: number | null;
  /** Standard output and standard error as they arrived. */
  readonly text: string;
  /** Standard output alone. */
  readonly out: string;
  readonly lines: readonly string[];
}

/** The compiled command. */
export const PISTE_CLI = fileURLToPath(new URL(`../../../${CLI}`, import.meta.url));

/** What to type in the root of the repository for `piste`; npx finds the Node that was installed with it. */
export const PISTE_COMMAND = `npx node ${CLI}`;

/** Runs the `piste` command in a process of its own, as a person would. */
export async function runPiste(...args: readonly string[]): Promise<PisteRun> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  const parts: string[] = [];
  const out: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => parts.push(part));
  child.stdout.on('data', (part: string) => out.push(part));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const text = parts.join('');
  return { exitCode, text, out: out.join(''), lines: text.trimEnd().split('\n') };
}

/** Runs a command that answers with JSON. @throws Error when it does not. */
export async function askPiste<T>(...args: readonly string[]): Promise<T> {
  const { exitCode, text, out } = await runPiste(...args, '--json');
  try {
    return JSON.parse(out) as T;
  } catch (error) {
    throw new Error(`piste ${args.join(' ')} ended with ${exitCode} and said: ${text}`, { cause: error });
  }
}

/** A record as `piste sessions play --json` prints it, as far as the demo looks. */
export interface PlayedRecord {
  readonly log: string;
  readonly index: number;
  readonly leafHash: string;
  readonly kind: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly bodies: Readonly<Record<string, { readonly text?: string }>>;
}

/** A session as `piste sessions list --json` prints it, as far as the demo looks. */
export interface ListedSession {
  readonly id: string;
  readonly principal: string;
  readonly statements: number;
  readonly closedMs?: number;
}

/** A verdict as `piste audit verify --json` prints it, as far as the demo looks. */
export interface Verdict {
  readonly outcome: string;
  readonly counts: { readonly records: number; readonly logs: number };
  readonly logs: readonly { readonly ulid: string }[];
  readonly findings: readonly {
    readonly severity: string;
    readonly code: string;
    readonly log?: string;
    readonly index?: number;
    readonly segment?: number;
    readonly offset?: number;
  }[];
}
