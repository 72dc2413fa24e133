import type { StrandPlace } from '@piste/verifier';

/** Heads kept of sessions that ended, for records that arrive late; the oldest are forgotten first. */
const MAX_ENDED_SESSIONS = 65_536;

interface Head {
  readonly next: number;
  readonly previous: string | undefined;
}

const START: Head = { next: 0, previous: undefined };

/** Numbers the records of each session within one writer. */
export interface Strands {
  /** Where the session's next record would stand; changes nothing. */
  place(sessionId: string): StrandPlace;
  /** Takes that place. `ends` says the session needs no memory of its own any more. */
  advance(place: StrandPlace, leafHash: string, ends: boolean): void;
  hasEnded(sessionId: string): boolean;
}

export function createStrands(): Strands {
  const live = new Map<string, Head>();
  const ended = new Map<string, Head>();
  return {
    hasEnded: (sessionId) => ended.has(sessionId),
    place(sessionId) {
      const head = live.get(sessionId) ?? ended.get(sessionId) ?? START;
      return { sessionId, number: head.next, previous: head.previous };
    },
    advance({ sessionId, number }, leafHash, ends) {
      const head = { next: number + 1, previous: leafHash };
      const target = ends || ended.has(sessionId) ? ended : live;
      if (target === ended) live.delete(sessionId);
      target.set(sessionId, head);
      const oldest = ended.size > MAX_ENDED_SESSIONS ? ended.keys().next().value : undefined;
      if (oldest !== undefined) ended.delete(oldest);
    },
  };
}
