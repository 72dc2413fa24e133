export { createFileStore } from './file-store.js';
export { loadOrMakeSigner, loadSigner, loadSigningKey, makeSigningKey, parseSigningKey } from './identity-key.js';
export {
  type NewRegistryEntry,
  openRegistryLog,
  type RegistryHead,
  type RegistryLog,
  type RegistryLogDeps,
} from './registry-log.js';
export { RegistryBroken } from './registry-state.js';
export type { PutOutcome, RegistryStore, StoredObject } from './registry-store.js';
