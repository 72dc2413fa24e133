import { BLIND_BYTES, blindTag } from '@piste/verifier';
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
  /** The session is over: its blind stays for two days more, in which its records can be compared with Snowflake's history. Never throws. */
  end(sessionId: string): void;
  /** Removes it from the store in the background. Never throws. */
  forget(sessionId: string): void;
  /** All that the store holds, by their tags. Rejects when it does not answer. */
  known(): Promise<ReadonlyMap<string, Uint8Array>>;
}

const ANSWER_WITHIN_MS = 250;
/** Longer than a session can live. */
const KEPT_SECONDS = 7 * 86_400;
const KEPT_AFTER_END_SECONDS = 2 * 86_400;
/** Of sessions whose records can be compared at once; about 150 bytes each. */
const MAX_KNOWN = 200_000;
const READ_AT_ONCE = 64;

const PREFIX = 'blind:';
const keyOf = (sessionId: string): string => `${PREFIX}${sessionId}`;

export function createSessionBlinds({ store, sealer, timers, random, log }: SessionBlindsDeps): SessionBlinds {
  /** By key, as they were read. */
  let read = new Map<string, Uint8Array>();

  function opened(sealed: string | undefined, key: string): Uint8Array | undefined {
    const text = sealed === undefined ? undefined : sealer.open(sealed, key);
    const blind = Uint8Array.from(Buffer.from(text ?? '', 'base64'));
    return blind.byteLength === BLIND_BYTES ? blind : undefined;
  }

  function complain(what: string): (error: unknown) => void {
    return (error) => log.warn(what, { error: errorMessage(error) });
  }

  async function share(sessionId: string, fresh: Uint8Array): Promise<Uint8Array> {
    const key = keyOf(sessionId);
    const sealed = sealer.seal(Buffer.from(fresh).toString('base64'), key);
    if (await store.create(key, sealed, KEPT_SECONDS)) return fresh;
    const kept = await store.get(key);
    const blind = opened(kept?.value, key);
    if (blind === undefined) throw new Error('what the store holds cannot be opened');
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

    end(sessionId) {
      store
        .touch(keyOf(sessionId), KEPT_AFTER_END_SECONDS)
        .catch(complain('what blinds the digests of a session that ended stays in the store for a week'));
    },

    forget(sessionId) {
      read.delete(keyOf(sessionId));
      store
        .delete(keyOf(sessionId))
        .catch(complain('what blinds the digests of a forgotten session stays in the store for a week'));
    },

    async known() {
      const keys = await store.keys(PREFIX, MAX_KNOWN);
      const found = new Map<string, Uint8Array>();
      for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
        await Promise.all(
          keys.slice(at, at + READ_AT_ONCE).map(async (key) => {
            const blind = read.get(key) ?? opened((await store.get(key))?.value, key);
            if (blind !== undefined) found.set(key, blind);
          }),
        );
      }
      // What is not there any more is forgotten here too.
      read = found;
      return new Map([...found.values()].map((blind) => [blindTag(blind), blind]));
    },
  };
}
