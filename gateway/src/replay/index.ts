export { isLoopback } from './loopback.js';
export {
  type RecordedEntry,
  type RecordedSession,
  type RecordedStatement,
  readRecordedSession,
} from './recorded-session.js';
export { serveReplay } from './replay-server.js';
export { createReplaySessions, type ReplayDeps, type ReplaySessions } from './replay-sessions.js';
export { type KeyedStatement, statementKey } from './statement-key.js';
