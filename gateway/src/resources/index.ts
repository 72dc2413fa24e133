export type { Connection } from './compile.js';
export { compileFolderOffline, compileOffline, type OfflineFolder } from './compile-offline.js';
export { formatResourceComplaint, type ResourceComplaint } from './complaint.js';
export { findConnection } from './find-connection.js';
export { recordingDemands } from './recording-demands.js';
export {
  openResources,
  type PolicyEntry,
  type ResourceMetrics,
  type Resources,
  type ResourcesDeps,
  type Snapshot,
  type Timers,
} from './resources.js';
export type { ConnectionCredential, ReadSecret } from './secrets.js';
