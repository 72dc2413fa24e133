export type { Session, UpstreamSession } from './session.js';
export { createSessionBlinds, type SessionBlinds, type SessionBlindsDeps } from './session-blinds.js';
export {
  type Authenticated,
  createSessions,
  type IssuedTokens,
  type NewSession,
  type Sessions,
  type SessionsDeps,
  type TokenRefusal,
} from './sessions.js';
export { createStrandHints, type StrandHints, type StrandHintsDeps } from './strand-hints.js';
