import { loadDemoData } from './demo-data.js';
import type { Fault } from './faults.js';
import type { Counters } from './history.js';
import { textOf } from './parameters.js';
import { type Call, type Parts, toFields } from './parts.js';
import type { Expiry } from './sessions.js';

/** What happened since the start or the last reset. */
export function readCounters(parts: Parts): Counters {
  return {
    ...parts.counts,
    repeatedRequests: parts.queries.repeated,
    chunkFetches: parts.chunks.fetches,
    openSessions: parts.sessions.list().length,
  };
}

/** Empties history and counters and forgets waiting faults; sessions and data stay. */
export function resetObservations(parts: Parts): void {
  parts.queries.resetHistory();
  parts.chunks.resetCounters();
  parts.faults.clear();
  for (const name of Object.keys(parts.counts) as (keyof Parts['counts'])[]) parts.counts[name] = 0;
}

/** The `/stand-in/…` endpoints for tests; undefined for an unknown one. They are guarded by nothing: test equipment. */
export async function control(parts: Parts, call: Call): Promise<unknown> {
  const fields = toFields(call.body);
  switch (call.path) {
    case 'GET /stand-in/history':
      return parts.queries.history();
    case 'GET /stand-in/counters':
      return readCounters(parts);
    case 'POST /stand-in/reset':
      resetObservations(parts);
      return { ok: true };
    case 'POST /stand-in/reload-demo-data':
      await loadDemoData(parts.catalog);
      return { ok: true };
    case 'POST /stand-in/faults':
      parts.faults.add(fields as Fault);
      return { ok: true };
    case 'POST /stand-in/hold':
      parts.queries.holdNext({
        pattern: new RegExp(textOf(fields['pattern']), 'i'),
        polls: Number(fields['polls'] ?? 1),
      });
      return { ok: true };
    case 'POST /stand-in/expire': {
      const sessionId = fields['sessionId'];
      const what = (textOf(fields['what']) || 'session-token') as Expiry;
      return { expired: parts.sessions.expire(what, typeof sessionId === 'number' ? sessionId : undefined) };
    }
    default:
      return undefined;
  }
}
