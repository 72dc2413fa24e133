import { deny, GatewayError } from '../errors.js';
import type { Timers } from './waiting.js';

/**
 * Lets so many parts of large results into memory as there is place for, from before they are fetched until their bytes are gone, so
 * that neither a slow disk nor slow drivers make the gateway hold more. Who waits is served in order, as far as one result does not
 * take more than its share.
 */
export interface PartsGate {
  /**
   * Resolves to what gives the place back. Rejects with `GatewayError` when there is none in time, and when `signal` says that
   * nobody waits any more.
   */
  enter(result: string, bytes: number, signal: AbortSignal): Promise<() => void>;
}

export interface PartsGateDeps {
  readonly maxBytes: number;
  readonly timers: Pick<Timers, 'after'>;
  readonly onChange: (bytes: number) => void;
}

const MAX_PARTS_PER_RESULT = 4;
/** Drivers ask again for a part that is refused then. */
const WAIT_MS = 20_000;

interface Waiting {
  readonly result: string;
  readonly bytes: number;
  readonly go: () => void;
}

export function createPartsGate({ maxBytes, timers, onChange }: PartsGateDeps): PartsGate {
  const waiting: Waiting[] = [];
  const inside = new Map<string, number>();
  let held = 0;

  const countOf = (result: string): number => inside.get(result) ?? 0;

  function change({ result, bytes }: Waiting, by: 1 | -1): void {
    held += by * bytes;
    const count = countOf(result) + by;
    if (count === 0) inside.delete(result);
    else inside.set(result, count);
    onChange(held);
  }

  function admit(): void {
    for (const one of waiting.slice()) {
      if (countOf(one.result) >= MAX_PARTS_PER_RESULT) continue;
      // One that is larger than all the place there is comes in alone. Smaller ones do not overtake it.
      if (held > 0 && held + one.bytes > maxBytes) return;
      waiting.splice(waiting.indexOf(one), 1);
      change(one, 1);
      one.go();
    }
  }

  return {
    async enter(result, bytes, signal) {
      const entered = Promise.withResolvers<void>();
      const one: Waiting = { result, bytes, go: entered.resolve };
      const giveUp = (): void => {
        const at = waiting.indexOf(one);
        if (at === -1) return;
        waiting.splice(at, 1);
        entered.reject(new GatewayError('a result part found no place in time', deny.tooManyParts()));
        admit();
      };
      const stopTimer = timers.after(WAIT_MS, giveUp);
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.push(one);
      admit();
      if (signal.aborted) giveUp();
      try {
        await entered.promise;
      } finally {
        stopTimer();
        signal.removeEventListener('abort', giveUp);
      }
      let isInside = true;
      return () => {
        if (!isInside) return;
        isInside = false;
        change(one, -1);
        admit();
      };
    },
  };
}
