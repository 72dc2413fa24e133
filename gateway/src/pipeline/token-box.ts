import type { Session, Sessions } from '../session/index.js';
import type { TokenBox } from '../upstream/index.js';

/** The Snowflake tokens of a session as the store has them, so that a renewal is seen by every gateway. */
export function createTokenBox(sessions: Sessions, session: Session): TokenBox {
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
  };
}
