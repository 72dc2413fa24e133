export {
  type Anchor,
  type Counts,
  type Entry,
  type EntryBody,
  type EntryKind,
  type EntryValue,
  type Finding,
  type Leaf,
  type LogDamage,
  type LogRecord,
  type LogSummary,
  loadTrust,
  parseTrust,
  readLog,
  type Severity,
  type Trust,
  type TrustResult,
  type Verdict,
  verifyDirectories,
  verifyDirectory,
} from '@piste/verifier';
export { type Answer, type Standing, spendAnswer, unrecordedAnswer } from './answer.js';
export type { AnswerScope } from './answering.js';
export type { BlindSource } from './blinds.js';
export { type DiskSpace, openDiskSpace, type RecordSize } from './disk-space.js';
export type { RecordingClock } from './leaf-clock.js';
export type { ResultPart } from './part-streams.js';
export type { Checkpoint, CommittedGroup } from './placed-record.js';
export { isRequestReceipt, type Receipt, type RequestReceipt } from './receipt.js';
export { openRecording, type Recording, type RecordingDeps, type RecordingMetrics } from './recording.js';
export { RecordingUnavailable, RecordRefused } from './recording-unavailable.js';
export type { StrandHints } from './strand-links.js';
export { addCheckpoint, changeTrustFile, readTrustFile, updateTrustFile } from './trust.js';
