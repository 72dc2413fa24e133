import type { RedisConnection } from './redis-connection.js';

/** Callbacks by channel over one subscriber connection. */
export interface ChannelWatch {
  /** Resolves, with the way to stop, once Redis has taken the subscription. Rejects with StoreUnavailable. */
  watch(channel: string, onChange: () => void): Promise<() => void>;
  /** Called by the connection when it is usable again: subscribes anew and calls every callback, since messages may have been missed. */
  resume(): void;
}

interface Subscription {
  readonly callbacks: Set<() => void>;
  readonly taken: Promise<unknown>;
}

/** Channels per SUBSCRIBE after a reconnect. */
const RESUME_BATCH = 500;

export function createChannelWatch(connection: RedisConnection): ChannelWatch {
  const subscriptions = new Map<string, Subscription>();
  let isListening = false;

  function listen(): void {
    if (isListening) return;
    isListening = true;
    connection.redis.on('message', (channel: string) => notify(channel));
  }

  function notify(channel: string): void {
    for (const onChange of subscriptions.get(channel)?.callbacks ?? []) queueMicrotask(onChange);
  }

  function forget(channel: string, subscription: Subscription, callback: () => void): void {
    subscription.callbacks.delete(callback);
    if (subscription.callbacks.size > 0 || subscriptions.get(channel) !== subscription) return;
    subscriptions.delete(channel);
    // A subscription that stays only costs messages that nobody reads; it ends with the connection.
    connection.run((redis) => redis.unsubscribe(channel)).catch(() => undefined);
  }

  return {
    async watch(channel, onChange) {
      listen();
      let subscription = subscriptions.get(channel);
      if (subscription === undefined) {
        subscription = { callbacks: new Set(), taken: connection.run((redis) => redis.subscribe(channel)) };
        subscriptions.set(channel, subscription);
      }
      const own = subscription;
      const callback = (): void => {
        if (own.callbacks.has(callback)) onChange();
      };
      own.callbacks.add(callback);
      try {
        await own.taken;
        // A subscription of earlier watchers says nothing about the connection now.
        await connection.run(async () => undefined);
      } catch (error) {
        forget(channel, own, callback);
        throw error;
      }
      return () => forget(channel, own, callback);
    },
    resume() {
      const channels = [...subscriptions.keys()];
      for (let at = 0; at < channels.length; at += RESUME_BATCH) {
        const batch = channels.slice(at, at + RESUME_BATCH);
        connection
          .run((redis) => redis.subscribe(...batch))
          .then(() => batch.forEach(notify))
          // The connection is lost again; its next return resumes anew.
          .catch(() => undefined);
      }
    },
  };
}
