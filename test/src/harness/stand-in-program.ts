import { fileURLToPath } from 'node:url';
import type { Counters, Expiry, Fault, HistoryEntry, StandInOptions } from '../stand-in/index.js';
import { startProgram } from './child.js';

/** What tests may ask a stand-in and do to it over HTTP. */
export type StandInControl = {
  /** Every statement that arrived, oldest first. */
  readonly history: () => Promise<readonly HistoryEntry[]>;
  readonly counters: () => Promise<Counters>;
  /** Empties history, counters and waiting faults; sessions and data stay. */
  readonly reset: () => Promise<void>;
  readonly injectFault: (fault: Fault) => Promise<void>;
  /** The next statement whose text matches the pattern (any case) is answered "in progress" that many times. */
  readonly holdNext: (pattern: string, polls: number) => Promise<void>;
  /** Ends tokens or sessions now. */
  readonly expire: (what: Expiry, sessionId?: number) => Promise<void>;
};

/** A stand-in in a process of its own, for suites that run inside jest, where native DuckDB has no place. */
export type StandInProgram = StandInControl & {
  readonly url: string;
  readonly port: number;
  readonly chunkPort: number;
  readonly stop: () => Promise<void>;
};

/** Starts the compiled stand-in. @throws Error with its output if it does not come up. */
export async function startStandInProgram(options: StandInOptions = {}): Promise<StandInProgram> {
  const program = fileURLToPath(new URL('../stand-in/main.js', import.meta.url));
  const child = await startProgram(program, [JSON.stringify(options)]);
  const url = String(child.ready['url']);
  return {
    ...controlStandIn(url),
    url,
    port: Number(child.ready['port']),
    chunkPort: Number(child.ready['chunkPort']),
    stop: async () => void (await child.stop()),
  };
}

/** Speaks to the control endpoints of a stand-in that runs at `url`. Every call throws when it is refused. */
export function controlStandIn(url: string): StandInControl {
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/stand-in/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`stand-in control ${path} answered ${response.status}`);
    return await response.json();
  };
  return {
    history: async () => (await call('GET', 'history')) as readonly HistoryEntry[],
    counters: async () => (await call('GET', 'counters')) as Counters,
    reset: async () => void (await call('POST', 'reset')),
    injectFault: async (fault) => void (await call('POST', 'faults', fault)),
    holdNext: async (pattern, polls) => void (await call('POST', 'hold', { pattern, polls })),
    expire: async (what, sessionId) => void (await call('POST', 'expire', { what, sessionId })),
  };
}
