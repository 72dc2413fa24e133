export { acquireLease, isLeaseHeld, releaseLease, renewLease } from './lease.js';
export { createMemoryStore, type MemoryStoreDeps } from './memory-store.js';
export type { RedisTls, StoreLog } from './redis-connection.js';
export { createRedisStore, type RedisStoreDeps, type StoreMetrics } from './redis-store.js';
export { createSealer, type Sealer } from './seal.js';
export type { Store, Versioned } from './store.js';
export { StoreUnavailable } from './store-unavailable.js';
