export { changeHold, type ErasureDeps, type ErasureResult, pruneBodies, shredSession } from './erase.js';
export { createFileErasure, type ErasurePort } from './erasure-port.js';
export { createFileStore } from './file-store.js';
export {
  type GatewayRegistry,
  type GatewayRegistryDeps,
  openGatewayRegistry,
  type RegisteredRecording,
} from './gateway-registry.js';
export { loadOrMakeSigner, loadSigner, loadSigningKey, makeSigningKey, parseSigningKey } from './identity-key.js';
export type { RegistryMetrics } from './registration.js';
export {
  type NewRegistryEntry,
  openRegistryLog,
  type RegistryHead,
  type RegistryLog,
  type RegistryLogDeps,
} from './registry-log.js';
export { RegistryBroken } from './registry-state.js';
export type { PutOutcome, RegistryStore, StoredObject } from './registry-store.js';
export { rotateIdentity } from './rotate-identity.js';
export { createWitness, type Witness, type WitnessStore } from './witness.js';
export { claimState, createWitnessServer, openWitnessStore } from './witness-server.js';
export { createWriterKeys, type KnownWriters, type WriterKeys } from './writer-keys.js';
