import { loadAllTypes } from './all-types.js';
import { Catalog } from './catalog.js';
import { Chunks } from './chunks.js';
import { readCounters, resetObservations } from './control.js';
import { loadDemoData } from './demo-data.js';
import { type Fault, Faults } from './faults.js';
import type { Counters, HistoryEntry } from './history.js';
import { listen } from './http.js';
import { type StandInOptions, toSettings } from './options.js';
import type { Parts } from './parts.js';
import { Queries } from './queries.js';
import { route } from './routes.js';
import { type Expiry, Sessions } from './sessions.js';

export type { Fault, FaultTarget } from './faults.js';
export type { Counters, HistoryEntry } from './history.js';
export { fingerprint } from './login.js';
export type { ChunkGuard, StandInOptions, StandInUser } from './options.js';
export type { Expiry } from './sessions.js';

/**
 * A Snowflake account for tests and demos: the real wire protocol over plain HTTP in front of DuckDB in memory.
 * Everything in process here can be done over HTTP as well (`/stand-in/…`), for callers in another process.
 */
export type StandIn = {
  /** Base URL for `accessUrl`, e.g. `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly chunkPort: number;
  /** Every statement that arrived, oldest first. */
  readonly history: () => readonly HistoryEntry[];
  readonly counters: () => Counters;
  /** Empties history, counters and waiting faults; sessions and data stay. */
  readonly reset: () => void;
  readonly injectFault: (fault: Fault) => void;
  /** The next statement whose text matches is answered "in progress" that many times. */
  readonly holdNext: (pattern: RegExp, polls: number) => void;
  /** Ends tokens or sessions now and returns how many. */
  readonly expire: (what: Expiry, sessionId?: number) => number;
  /** Cancels what runs, closes ports and connections. */
  readonly close: () => Promise<void>;
};

/** Starts a stand-in. @throws if a port is taken. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const settings = toSettings(options);
  const clock = () => Date.now();
  const catalog = await Catalog.open(clock);
  for (const name of ['COMPUTE_WH', 'AGENT_WH']) catalog.warehouses.add(name);
  for (const name of ['ANALYST', 'SUPPORT', 'SYSADMIN', 'PUBLIC']) catalog.roles.add(name);
  if (settings.demoData) await loadDemoData(catalog);
  if (settings.demoData && settings.allTypes) await loadAllTypes(catalog);
  const faults = new Faults();
  let chunkPort = 0;
  const chunks = new Chunks(settings.chunkGuard, () => settings.chunkBaseUrl ?? `http://${settings.host}:${chunkPort}`);
  const sessions = new Sessions(clock, settings);
  const { account, users, fileTransfer } = settings;
  const queries = new Queries({ catalog, account, users, fileTransfer, clock });
  const counts = {
    logins: 0,
    failedLogins: 0,
    renewals: 0,
    heartbeats: 0,
    logouts: 0,
    telemetry: 0,
    statements: 0,
    cancels: 0,
    polls: 0,
  };
  const parts: Parts = { settings, catalog, sessions, queries, chunks, faults, clock, counts };
  const chunkListener = await listen({ host: settings.host, port: settings.chunkPort }, faults, async (request) =>
    chunks.serve(request),
  );
  chunkPort = chunkListener.port;
  const listener = await listen(
    { host: settings.host, port: settings.port },
    faults,
    async (request) => await route(parts, request),
  );
  return {
    url: `http://${settings.host}:${listener.port}`,
    host: settings.host,
    port: listener.port,
    chunkPort,
    history: () => queries.history(),
    counters: () => readCounters(parts),
    reset: () => resetObservations(parts),
    injectFault: (fault) => faults.add(fault),
    holdNext: (pattern, polls) => queries.holdNext({ pattern, polls }),
    expire: (what, sessionId) => sessions.expire(what, sessionId),
    close: async () => {
      await queries.close();
      await Promise.all([listener.close(), chunkListener.close()]);
      const open = sessions.list();
      sessions.close();
      await Promise.all(open.map(async (session) => await session.tail));
      catalog.close();
    },
  };
}
