import { BLIND_BYTES } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import type { Sealer, Store } from '../store/index.js';
import type { Log } from '../telemetry/index.js';

export interface SessionBlindsDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  /** `after` runs once later and returns the way to forget it. */
  readonly timers: { after(milliseconds: number, run: () => void): () => void };
  readonly random: (byteCount: number) => Uint8Array;
  readonly log: Log;
}

/** The secret under which a session's digests are recorded, one for all gateways by way of the shared store, where it lies sealed. */
export interface SessionBlinds {
  /** Makes it when nobody has. What the store cannot give within a quarter of a second is made here, for this gateway alone. Never rejects. */
  of(sessionId: string): Promise<Uint8Array>;
  /** Removes it from the store in the background, once the session is over. Never throws. */
  forget(sessionId: string): void;
}

const ANSWER_WITHIN_MS = 250;
/** Longer than a session can live. */
const KEPT_SECONDS = 7 * 86_400;

const keyOf = (sessionId: string): string => `blind:${sessionId}`;

export function createSessionBlinds({ store, sealer, timers, random, log }: SessionBlindsDeps): SessionBlinds {
  async function share(sessionId: string, fresh: Uint8Array): Promise<Uint8Array> {
    const key = keyOf(sessionId);
    const sealed = sealer.seal(Buffer.from(fresh).toString('base64'), key);
    if (await store.create(key, sealed, KEPT_SECONDS)) return fresh;
    const kept = await store.get(key);
    const text = kept === undefined ? undefined : sealer.open(kept.value, key);
    const blind = Uint8Array.from(Buffer.from(text ?? '', 'base64'));
    if (blind.byteLength !== BLIND_BYTES) throw new Error('what the store holds cannot be opened');
    return blind;
  }

  return {
    async of(sessionId) {
      const fresh = Uint8Array.from(random(BLIND_BYTES));
      let cancel = (): void => undefined;
      const late = new Promise<Uint8Array>((_, reject) => {
        cancel = timers.after(ANSWER_WITHIN_MS, () => reject(new Error('the store did not answer in time')));
      });
      try {
        return await Promise.race([share(sessionId, fresh), late]);
      } catch (error) {
        log.warn('the records of a session cannot be compared with those of other gateways', {
          error: errorMessage(error),
        });
        return fresh;
      } finally {
        cancel();
      }
    },

    forget(sessionId) {
      store.delete(keyOf(sessionId)).catch((error: unknown) => {
        log.warn('what blinds the digests of a session that ended stays in the store for a week', {
          error: errorMessage(error),
        });
      });
    },
  };
}
