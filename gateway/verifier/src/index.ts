export {
  type AgeIdentity,
  type AgeRecipient,
  openSecret,
  parseIdentity,
  parseRecipient,
  wrapSecret,
} from './format/age.js';
export { type KeyList, openKeysWith, parseIdentities, parseRecipients } from './format/age-keys.js';
export { decodeBech32, encodeBech32 } from './format/bech32.js';
export {
  BLIND_BYTES,
  type Blind,
  blindDigest,
  blindFields,
  blindTag,
  digestIn,
} from './format/blind.js';
export * from './format/canonical-json.js';
export * from './format/checkpoint.js';
export * from './format/cosignature.js';
export * from './format/entry.js';
export * from './format/frame.js';
export * from './format/hash-tree.js';
export * from './format/kept-signer.js';
export * from './format/leaf.js';
export * from './format/merkle.js';
export * from './format/note.js';
export * from './format/note-signer.js';
export * from './format/part-file.js';
export * from './format/query-tag.js';
export * from './format/recording-mode.js';
export * from './format/segment-header.js';
export * from './format/shown-text.js';
export * from './format/signed-note.js';
export * from './format/tile.js';
export * from './format/tlog-proof.js';
export * from './format/tree-part.js';
export * from './format/tree-proof.js';
export * from './format/ulid.js';
export * from './format/witness-policy.js';
export { checkCertificate, encodeCertificateText } from './judge/certificate.js';
export type { Finding, Severity } from './judge/finding.js';
export type { LogSummary } from './judge/judge-log.js';
export { loadTrust } from './judge/load-trust.js';
export { parseSeal, type Seal } from './judge/seal.js';
export { proveSession, type RecordProof } from './judge/session-proofs.js';
export { type Anchor, checkTrust, parseTrust, type Trust, type TrustResult } from './judge/trust.js';
export {
  type Counts,
  type Verdict,
  type VerifyOptions,
  verify,
  verifyDirectories,
  verifyDirectory,
} from './judge/verify.js';
export {
  BUNDLE_FILES,
  type BundleCheck,
  type BundleScope,
  checkBundle,
  encodeScope,
  OWN_TRUST,
  readBundleRecords,
  verifyArchive,
  verifyBundle,
} from './judge/verify-bundle.js';
export { verifySession } from './judge/verify-session.js';
export { describeCounts, describeLog, explainOutcome, HEADLINES } from './judge/wording.js';
export type { OpenKey, UnreadReason } from './read/body-opener.js';
export { type Bundle, openBundle, RECORDING_FOLDER, SESSION_FOLDER } from './read/bundle-source.js';
export { openDirectory } from './read/directory-source.js';
export { openFile } from './read/file-access.js';
export {
  type LogFiles,
  listDirectory,
  listRecording,
  type RecordingListing,
  type SegmentFiles,
} from './read/log-files.js';
export { openMemory } from './read/memory-source.js';
export { type LogEnd, peekLogEnd } from './read/peek.js';
export { type LogDamage, type LogRecord, type ReadOptions, readLog, readOneLog } from './read/read-log.js';
export { encodeRecordLine } from './read/record-line.js';
export { createScanState, type ScanResult, type ScanState } from './read/scan.js';
export { type SessionCut, type SessionSearch, searchSession } from './read/session-cut.js';
export { REGISTRY_PART, SESSION_LOG_FILES } from './read/session-log.js';
export type { RecordingSource, SourceFile } from './read/source.js';
export { withoutZeroTail } from './read/zero-tail.js';
export { type RandomAccess, ZipError } from './read/zip.js';
export * from './registry/cut-registry.js';
export * from './registry/erasure.js';
export * from './registry/judge-registry.js';
export * from './registry/read-registry.js';
export * from './registry/registered-writers.js';
export * from './registry/registry-entry.js';
export * from './registry/registry-view.js';
export * from './registry/shred-authorization.js';
