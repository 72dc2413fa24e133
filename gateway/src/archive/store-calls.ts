import type { S3Client } from '@aws-sdk/client-s3';
import { ObjectStoreError } from './object-store.js';
import { readFailure } from './store-errors.js';

export type Sleep = (milliseconds: number) => Promise<void>;

/** Sends one command within the try's time. */
export type Send = S3Client['send'];

/** What a call came to: a value, or an answer that says why not. `earlierTries` had no usable answer. */
export type CallAnswer<T> =
  | { readonly ok: true; readonly value: T; readonly earlierTries: number }
  | { readonly ok: false; readonly kind: 'precondition' | 'missing' | 'range'; readonly earlierTries: number };

export type Call = <T>(operation: string, attempt: (send: Send) => Promise<T>) => Promise<CallAnswer<T>>;

export interface CallerDeps {
  readonly client: S3Client;
  readonly sleep: Sleep;
  readonly timeoutMs: number;
  readonly tries: number;
}

const FIRST_PAUSE_MS = 150;

/**
 * Runs a call to the store, bodies included, and runs it again a bounded number of times while the failure is one that
 * passes. Rejects with `ObjectStoreError`.
 */
export function createCaller({ client, sleep, timeoutMs, tries }: CallerDeps): Call {
  return async (operation, attempt) => {
    for (let earlierTries = 0; ; earlierTries += 1) {
      const abortSignal = AbortSignal.timeout(timeoutMs);
      const send = ((command: Parameters<Send>[0]) => client.send(command, { abortSignal })) as Send;
      try {
        return { ok: true, value: await attempt(send), earlierTries };
      } catch (error) {
        const failure = readFailure(error);
        if (!('reason' in failure)) return { ok: false, kind: failure.kind, earlierTries };
        if (failure.kind === 'refused' || earlierTries + 1 >= tries)
          throw new ObjectStoreError(operation, failure.kind, failure.reason);
      }
      await sleep(FIRST_PAUSE_MS * 4 ** earlierTries);
    }
  };
}
