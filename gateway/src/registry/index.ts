export type { ErasureDeps, ErasureRefusal, ErasureResult, Kept, NotDone } from './erasure.js';
export { createFileErasure, type ErasurePort, type ErasureState } from './erasure-port.js';
export { createFileStore } from './file-store.js';
export {
  type GatewayRegistry,
  type GatewayRegistryDeps,
  openGatewayRegistry,
  type RegisteredRecording,
} from './gateway-registry.js';
export { changeHold, type HoldChange, type HoldPort, type HoldResult } from './hold.js';
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
export { pruneBodies } from './retention.js';
export { rotateIdentity } from './rotate-identity.js';
export { shredSession } from './shred.js';
export { watchShreds } from './shred-watch.js';
export { createWitness, type Witness, type WitnessStore } from './witness.js';
export { claimState, createWitnessServer, openWitnessStore } from './witness-server.js';
export { createWriterKeys, type KnownWriters, type WriterKeys } from './writer-keys.js';
