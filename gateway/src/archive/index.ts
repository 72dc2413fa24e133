export {
  type Archive,
  type ArchiveDeps,
  type ArchiveDescription,
  type ArchiveOptions,
  ArchiveUnfit,
  openArchive,
  type Worm,
} from './archive.js';
export { examineArchive } from './examine-archive.js';
export { createObjectErasure, destroyObject, type ObjectErasure, type ObjectState } from './keys.js';
export { createObjectHolds, type ObjectHolds } from './object-holds.js';
export {
  type ObjectFile,
  type ObjectFinding,
  type ObjectFindingCode,
  type ObjectSource,
  openObjectSource,
  type RegisteredSegment,
} from './object-source.js';
export {
  type LockMode,
  type ObjectHead,
  type ObjectLock,
  type ObjectStore,
  ObjectStoreError,
  type ObjectVersion,
} from './object-store.js';
export { openObjectStore } from './open-object-store.js';
export { CHECKS, type Check, complaintsAbout, probeStore, type StoreCapabilities } from './probe.js';
export { createRegistryObjects, type RegistryObjects } from './registry-objects.js';
export type { Retention } from './retention.js';
export type { ArchiveLocation } from './s3-client.js';
export type { ShippedObject } from './ship-object.js';
export {
  type Announce,
  announceBy,
  parseSegmentFields,
  type SegmentAnnouncement,
  type SegmentFields,
  toSegmentFields,
} from './ship-segment.js';
export type { ArchiveMetrics, LiveLog } from './shipper.js';
export { joinSegment, type SplitSegment, splitSegment } from './split-segment.js';
export { type SpooledRecording, viewSpooledRecording } from './spooled-recording.js';
