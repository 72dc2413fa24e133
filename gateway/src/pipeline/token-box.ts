import type { Entry, Recording } from '../recording/index.js';
import type { Session, Sessions } from '../session/index.js';
import type { TokenBox } from '../upstream/index.js';
import { controlEntry } from './entries.js';

export interface TokenBoxDeps {
  readonly sessions: Sessions;
  readonly recording: Recording;
}

/** The Snowflake tokens of a session as the store has them, so that a renewal is seen by every gateway. */
export function createTokenBox({ sessions, recording }: TokenBoxDeps, session: Session): TokenBox {
  let tokens = session.upstream;
  return {
    current: () => tokens,
    async reload() {
      const stored = await sessions.load(session.id);
      if (stored !== undefined) tokens = stored.upstream;
      return stored?.upstream;
    },
    async replace(renewed) {
      tokens = renewed;
      await sessions.update(session.id, { upstream: renewed });
    },
    recordRenewal: () => recording.note(upstreamRenewalEntry(session.id), session.connection),
  };
}

/** Before Snowflake is asked for new tokens of its own. */
export const upstreamRenewalEntry = (sessionId: string): Entry => controlEntry('renew-upstream', 'asked', sessionId);
