import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { errorMessage } from '../errors.js';
import { checkWellFormed, toTtlMs } from './admissible.js';
import { openRedisConnection, type RedisConnection, type RedisTls, type StoreLog } from './redis-connection.js';
import { CREATE, DELETE, REPLACE, type RedisScript, TOUCH, VERSION_CHARACTERS } from './redis-scripts.js';
import { type ChannelWatch, createChannelWatch } from './redis-watch.js';
import type { Store, Versioned } from './store.js';
import { StoreUnavailable } from './store-unavailable.js';

export interface RedisStoreDeps {
  /** `redis://` or, with TLS, `rediss://`; user, password and database number as usual in such URLs. Holds a secret. */
  readonly url: string;
  /** Before every key and channel, so that installations can share a server. */
  readonly keyPrefix: string;
  readonly tls?: RedisTls;
  readonly log?: StoreLog;
  /** A command without an answer for so long counts as lost. */
  readonly commandTimeoutMs?: number;
  readonly random?: (bytes: number) => Uint8Array;
  readonly metrics?: StoreMetrics;
  /** Milliseconds that never run backwards, for `metrics`. */
  readonly stopwatch?: () => number;
}

/** Where numbers go. */
export interface StoreMetrics {
  /** Whether commands can be sent. */
  up(isUp: boolean): void;
  /** One call of the named method ended, well or badly. */
  call(operation: string, seconds: number): void;
}

const COMMAND_TIMEOUT_MS = 2_000;
/** How often the quiet subscriber connection is asked whether it still lives. */
const HEARTBEAT_MS = 10_000;
/** Keys looked at per SCAN call, and the calls after which the key space counts as too large to list. */
const SCAN_COUNT = 1_000;
const MAX_SCAN_CALLS = 5_000;

/**
 * A store in one Redis (6 or later; a primary or a proxy to it), shared by all gateways with the same URL and prefix.
 *
 * Each key is one Redis string: 22 characters of a random version, then the value. Writes are Lua scripts that compare,
 * write and PUBLISH on the key's own channel as one step. Two connections: commands, and, once someone watches,
 * subscriptions; both reconnect by themselves, and then every watcher is called once.
 * Redis replicates asynchronously: a failover may take back writes it acknowledged. Versions are random, so a
 * replacement based on a lost write fails instead of meeting an equal number. Run it with `maxmemory-policy noeviction`:
 * an evicted session or approval is a refused one.
 *
 * Throws a RangeError for a malformed URL, and does not wait for the server: the first calls do.
 */
export function createRedisStore(deps: RedisStoreDeps): Store {
  const random = deps.random ?? randomBytes;
  const shared = {
    url: deps.url,
    tls: deps.tls,
    commandTimeoutMs: deps.commandTimeoutMs ?? COMMAND_TIMEOUT_MS,
    log: deps.log,
  };
  const commands = openRedisConnection({
    ...shared,
    name: 'piste-commands',
    onReady: () => deps.metrics?.up(true),
    onLost: () => deps.metrics?.up(false),
  });
  deps.metrics?.up(false);
  const watching = lazyWatch((onReady) =>
    openRedisConnection({ ...shared, name: 'piste-watch', onReady, onLost: () => undefined }),
  );
  let isClosed = false;

  const redisKey = (key: string): string => `${deps.keyPrefix}${key}`;
  const channelOf = (key: string): string => `${deps.keyPrefix}changed:${key}`;
  const newVersion = (): string => Buffer.from(random(16)).toString('base64url').slice(0, VERSION_CHARACTERS);

  async function evaluate(script: RedisScript, key: string, ...values: readonly string[]): Promise<boolean> {
    const reply = await commands.run((redis) => evaluateOn(redis, script, redisKey(key), values));
    return reply === 1;
  }

  const store: Store = {
    async get(key): Promise<Versioned | undefined> {
      const text = await commands.run((redis) => redis.get(redisKey(key)));
      if (text === null) return undefined;
      return { version: text.slice(0, VERSION_CHARACTERS), value: text.slice(VERSION_CHARACTERS) };
    },
    async create(key, value, ttlSeconds) {
      checkWellFormed(key, value);
      return evaluate(CREATE, key, newVersion() + value, String(toTtlMs(ttlSeconds)), channelOf(key));
    },
    async replace(key, version, value, ttlSeconds) {
      checkWellFormed(key, value);
      const ttlMs = String(toTtlMs(ttlSeconds));
      // A missing key reads as '' in the script and must not meet an equal version.
      if (version.length !== VERSION_CHARACTERS) return false;
      return evaluate(REPLACE, key, version, newVersion() + value, ttlMs, channelOf(key));
    },
    async touch(key, ttlSeconds) {
      return evaluate(TOUCH, key, String(toTtlMs(ttlSeconds)));
    },
    async delete(key, version) {
      if (version !== undefined && version.length !== VERSION_CHARACTERS) return false;
      return evaluate(DELETE, key, version ?? '', channelOf(key));
    },
    async keys(prefix, limit) {
      return scan(commands, redisKey(prefix), deps.keyPrefix.length, limit);
    },
    async watch(key, onChange) {
      if (isClosed) throw new StoreUnavailable('closed');
      return watching.open().watch(channelOf(key), onChange);
    },
    async ping() {
      await commands.run((redis) => redis.ping());
    },
    async close() {
      isClosed = true;
      commands.close();
      watching.close();
    },
  };
  return deps.metrics === undefined
    ? store
    : measured(store, deps.metrics, deps.stopwatch ?? (() => performance.now()));
}

/** The same store, telling how long each call took. */
function measured(store: Store, metrics: StoreMetrics, stopwatch: () => number): Store {
  async function timed<T>(operation: string, call: Promise<T>): Promise<T> {
    const startedMs = stopwatch();
    try {
      return await call;
    } finally {
      metrics.call(operation, (stopwatch() - startedMs) / 1000);
    }
  }
  return {
    get: (key) => timed('get', store.get(key)),
    create: (key, value, ttlSeconds) => timed('create', store.create(key, value, ttlSeconds)),
    replace: (key, version, value, ttlSeconds) => timed('replace', store.replace(key, version, value, ttlSeconds)),
    touch: (key, ttlSeconds) => timed('touch', store.touch(key, ttlSeconds)),
    delete: (key, version) => timed('delete', store.delete(key, version)),
    keys: (prefix, limit) => timed('keys', store.keys(prefix, limit)),
    watch: (key, onChange) => timed('watch', store.watch(key, onChange)),
    ping: () => timed('ping', store.ping()),
    close: () => store.close(),
  };
}

async function evaluateOn(redis: Redis, script: RedisScript, key: string, values: readonly string[]): Promise<unknown> {
  try {
    return await redis.evalsha(script.sha, 1, key, ...values);
  } catch (error) {
    // The server was restarted or its script cache flushed: nothing ran, so sending the text is safe.
    if (!errorMessage(error).startsWith('NOSCRIPT')) throw error;
    return redis.eval(script.lua, 1, key, ...values);
  }
}

async function scan(from: RedisConnection, prefix: string, cut: number, limit: number): Promise<readonly string[]> {
  const pattern = `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`;
  const found = new Set<string>();
  let cursor = '0';
  for (let call = 0; call < MAX_SCAN_CALLS; call += 1) {
    const at = cursor;
    const [next, keys] = await from.run((redis) => redis.scan(at, 'MATCH', pattern, 'COUNT', SCAN_COUNT));
    for (const key of keys) if (found.size < limit) found.add(key.slice(cut));
    if (next === '0' || found.size >= limit) return [...found];
    cursor = next;
  }
  throw new StoreUnavailable('too many keys to list');
}

/** The subscriber connection, opened by the first watcher. */
function lazyWatch(connect: (onReady: () => void) => RedisConnection): { open(): ChannelWatch; close(): void } {
  let opened:
    | { readonly connection: RedisConnection; readonly channels: ChannelWatch; readonly beat: NodeJS.Timeout }
    | undefined;

  function open(): ChannelWatch {
    if (opened !== undefined) return opened.channels;
    let isFirst = true;
    const connection = connect(() => {
      if (!isFirst) channels.resume();
      isFirst = false;
    });
    const channels = createChannelWatch(connection);
    // A connection that dies without a word would leave the watchers deaf; an unanswered PING drops it.
    const beat = setInterval(
      () => void connection.run((redis) => redis.ping()).catch(() => undefined),
      HEARTBEAT_MS,
    ).unref();
    opened = { connection, channels, beat };
    return channels;
  }

  return {
    open,
    close() {
      clearInterval(opened?.beat);
      opened?.connection.close();
    },
  };
}
