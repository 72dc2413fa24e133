import { blindTag } from '@piste/verifier';

/** Where the blind of a session comes from, the same for every gateway that serves it. */
export interface BlindSource {
  /** Never rejects. */
  of(sessionId: string): Promise<Uint8Array>;
  /** The session is over. Never throws. */
  end(sessionId: string): void;
  /** Nobody may ever know it again. Never throws. */
  forget(sessionId: string): void;
}

/** The secrets under which this writer's digests stand. */
export interface Blinds {
  /** For records without a session. */
  readonly own: Uint8Array;
  of(sessionId: string): Promise<Uint8Array>;
  /** The session is over. */
  end(sessionId: string): void;
  /** Nobody may ever know it again. */
  forget(sessionId: string): void;
  /** All that are remembered, by their tags: what it takes to compare digests of this writer's records. */
  known(): ReadonlyMap<string, Uint8Array>;
}

/** Sessions whose blind is remembered; the oldest are forgotten first. */
const MAX_REMEMBERED = 65_536;

export function createBlinds(source: BlindSource, own: Uint8Array): Blinds {
  const remembered = new Map<string, Uint8Array>();
  return {
    own,
    async of(sessionId) {
      const known = remembered.get(sessionId);
      if (known !== undefined) return known;
      const blind = await source.of(sessionId);
      remembered.set(sessionId, blind);
      const oldest = remembered.size > MAX_REMEMBERED ? remembered.keys().next().value : undefined;
      if (oldest !== undefined) remembered.delete(oldest);
      return blind;
    },
    end: (sessionId) => source.end(sessionId),
    forget(sessionId) {
      remembered.delete(sessionId);
      source.forget(sessionId);
    },
    known: () => new Map([own, ...remembered.values()].map((blind) => [blindTag(blind), blind])),
  };
}
