import { checkWellFormed, toTtlMs } from './admissible.js';
import type { Store, Versioned } from './store.js';
import { StoreUnavailable } from './store-unavailable.js';

export interface MemoryStoreDeps {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

interface Slot {
  readonly value: string;
  readonly version: string;
  readonly expiresAtMs: number;
}

/** How often expired values that nobody asks for are dropped. */
const SWEEP_EVERY_MS = 30_000;

/**
 * A store inside this process: for a single gateway, and for tests. Its content ends with the process.
 * It behaves as the Redis store does, including refusal of every call after `close`.
 */
export function createMemoryStore(deps: MemoryStoreDeps): Store {
  const slots = new Map<string, Slot>();
  const watchers = new Map<string, Set<() => void>>();
  let writes = 0;
  let nextSweepMs = 0;
  let isClosed = false;

  function begin(): number {
    if (isClosed) throw new StoreUnavailable('closed');
    const now = deps.clock();
    if (now >= nextSweepMs) {
      nextSweepMs = now + SWEEP_EVERY_MS;
      for (const [key, slot] of slots) if (slot.expiresAtMs <= now) slots.delete(key);
    }
    return now;
  }

  function read(key: string, now: number): Slot | undefined {
    const slot = slots.get(key);
    if (slot === undefined || slot.expiresAtMs > now) return slot;
    slots.delete(key);
    return undefined;
  }

  function write(key: string, value: string, expiresAtMs: number): void {
    writes += 1;
    slots.set(key, { value, version: writes.toString(36), expiresAtMs });
    announce(key);
  }

  function announce(key: string): void {
    for (const onChange of watchers.get(key) ?? []) queueMicrotask(onChange);
  }

  return {
    async get(key): Promise<Versioned | undefined> {
      const slot = read(key, begin());
      return slot && { value: slot.value, version: slot.version };
    },
    async create(key, value, ttlSeconds) {
      checkWellFormed(key, value);
      const ttlMs = toTtlMs(ttlSeconds);
      const now = begin();
      if (read(key, now) !== undefined) return false;
      write(key, value, now + ttlMs);
      return true;
    },
    async replace(key, version, value, ttlSeconds) {
      checkWellFormed(key, value);
      const ttlMs = toTtlMs(ttlSeconds);
      const now = begin();
      if (read(key, now)?.version !== version) return false;
      write(key, value, now + ttlMs);
      return true;
    },
    async touch(key, ttlSeconds) {
      const ttlMs = toTtlMs(ttlSeconds);
      const now = begin();
      const slot = read(key, now);
      if (slot === undefined) return false;
      slots.set(key, { ...slot, expiresAtMs: now + ttlMs });
      return true;
    },
    async delete(key, version) {
      const slot = read(key, begin());
      if (slot === undefined || (version !== undefined && slot.version !== version)) return false;
      slots.delete(key);
      announce(key);
      return true;
    },
    async keys(prefix, limit) {
      const now = begin();
      const found: string[] = [];
      for (const [key, slot] of slots) {
        if (found.length >= limit) break;
        if (key.startsWith(prefix) && slot.expiresAtMs > now) found.push(key);
      }
      return found;
    },
    async watch(key, onChange) {
      begin();
      // A watcher of its own, so that the same function may watch twice and stop once.
      const watcher = (): void => {
        if (watchers.get(key)?.has(watcher) === true) onChange();
      };
      const ofKey = watchers.get(key) ?? new Set();
      watchers.set(key, ofKey.add(watcher));
      return () => {
        ofKey.delete(watcher);
        if (ofKey.size === 0 && watchers.get(key) === ofKey) watchers.delete(key);
      };
    },
    async ping() {
      begin();
    },
    async close() {
      isClosed = true;
      slots.clear();
      watchers.clear();
    },
  };
}
