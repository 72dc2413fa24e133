import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { loadTrust, verifyDirectory } from '@piste/verifier';
import { placeWorld, type World } from './world.js';

/** What a verifier says; `refused` where the trust file is none. */
export interface Opinion {
  readonly outcome: string;
  /** Severity, code, log and index of each finding, sorted. */
  readonly findings: readonly string[];
}

export interface TwoReaders {
  /** Asks both verifiers about a world. */
  ask(world: World): Promise<{ ours: Opinion; theirs: Opinion }>;
  close(): Promise<void>;
}

interface Told {
  readonly outcome: string;
  readonly findings?: readonly { severity: string; code: string; log?: string; index?: number }[];
}

/** Starts the Go verifier, which answers line by line; worlds are placed below `folder`. */
export function startReaders(program: string, folder: string): TwoReaders {
  const child: ChildProcessWithoutNullStreams = spawn(program, ['-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  const complaints: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => {
    for (const answer of waiting) answer(JSON.stringify({ outcome: `ended: ${complaints.join('').slice(0, 500)}` }));
  });
  return {
    ask: async (world) => {
      const place = await placeWorld(world, join(folder, 'world'));
      const answered = new Promise<string>((resolve) => waiting.push(resolve));
      child.stdin.write(`${JSON.stringify(place)}\n`);
      const loaded = await loadTrust(place.trust);
      const ours: Told = loaded.ok ? await verifyDirectory(place.dir, loaded.trust) : { outcome: 'refused' };
      return { ours: toOpinion(ours), theirs: toOpinion(JSON.parse(await answered) as Told) };
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function toOpinion({ outcome, findings = [] }: Told): Opinion {
  return {
    outcome,
    findings: findings
      .map(({ severity, code, log, index }) => [severity, code, log, index].join(' ').trim())
      .toSorted(),
  };
}
