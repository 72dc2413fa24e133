import type { Store } from './store.js';

/*
 * A lease says who does something that only one gateway should do at a time. It ends by itself `ttlSeconds` after the
 * last acquire or renew, so a holder that was paused for longer may still believe in it: whatever a lease guards must
 * itself survive two doing it, by versions or idempotence.
 *
 * `holder` is unique per process start. A value read back as one's own is one's own, also after a call whose outcome
 * was lost; so acquiring twice by the same holder is a renewal.
 */

/** True when `holder` now has the lease, for `ttlSeconds` from now. Rejects with StoreUnavailable. */
export async function acquireLease(store: Store, key: string, holder: string, ttlSeconds: number): Promise<boolean> {
  if (await store.create(key, holder, ttlSeconds)) return true;
  return renewLease(store, key, holder, ttlSeconds);
}

/** Extends a lease still held by `holder`; false when it is lost, and then the work must stop. Rejects with StoreUnavailable. */
export async function renewLease(store: Store, key: string, holder: string, ttlSeconds: number): Promise<boolean> {
  const current = await store.get(key);
  if (current?.value !== holder) return false;
  if (await store.replace(key, current.version, holder, ttlSeconds)) return true;
  // Another renewal of the same holder may have come first.
  return isLeaseHeld(store, key, holder);
}

/** Gives up a lease held by `holder`; false when it was lost before. Never ends the lease of another. */
export async function releaseLease(store: Store, key: string, holder: string): Promise<boolean> {
  const current = await store.get(key);
  if (current?.value !== holder) return false;
  return store.delete(key, current.version);
}

/** True while `holder` has the lease. Rejects with StoreUnavailable. */
export async function isLeaseHeld(store: Store, key: string, holder: string): Promise<boolean> {
  return (await store.get(key))?.value === holder;
}
