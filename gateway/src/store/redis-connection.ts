import { isIP } from 'node:net';
import { Redis, type RedisOptions } from 'ioredis';
import { errorCode, errorMessage } from '../errors.js';
import { StoreUnavailable } from './store-unavailable.js';

/** The part of a log this room needs. */
export interface StoreLog {
  info(message: string, fields?: Readonly<Record<string, string | number | boolean | undefined>>): void;
  warn(message: string, fields?: Readonly<Record<string, string | number | boolean | undefined>>): void;
}

/** PEM texts for `rediss://`; without them the system's authorities are trusted and no client certificate is sent. */
export interface RedisTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ConnectionDeps {
  readonly url: string;
  readonly tls: RedisTls | undefined;
  readonly commandTimeoutMs: number;
  /** Stands in log lines and in Redis' client list. */
  readonly name: string;
  readonly log: StoreLog | undefined;
  /** Called each time the connection can be used, first and after every loss. */
  readonly onReady: () => void;
  /** Called when a usable connection is lost. */
  readonly onLost: () => void;
}

/** One connection that comes back by itself and never keeps a command for later. */
export interface RedisConnection {
  readonly redis: Redis;
  /** Runs `use` on a usable connection; any failure becomes StoreUnavailable, within the command timeout (plus the wait for a connection, right after start or a loss). */
  run<T>(use: (redis: Redis) => Promise<T>): Promise<T>;
  close(): void;
}

const MAX_RECONNECT_DELAY_MS = 1_000;
/** How long commands wait for a connection that was just lost; later ones fail at once until it is back. */
const GRACE_MS = 500;

/** Where and how to connect. Throws a RangeError that does not repeat the URL, since that holds the password. */
export function parseRedisUrl(text: string): RedisOptions {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '') {
    throw new RangeError('the Redis URL must have the form redis[s]://[user[:password]@]host[:port][/database]');
  }
  if (url.search !== '' || url.hash !== '') throw new RangeError('the Redis URL takes no query and no fragment');
  const database = url.pathname.replace(/^\//, '');
  if (!/^\d{0,4}$/.test(database)) throw new RangeError('the database in the Redis URL must be a number');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(database),
    ...(url.username === '' ? {} : { username: decodePart(url.username) }),
    ...(url.password === '' ? {} : { password: decodePart(url.password) }),
    // Addresses are not sent as server names; certificates are checked against them all the same.
    ...(url.protocol === 'rediss:' ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {}),
  };
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError('user and password in the Redis URL must be percent-encoded');
  }
}

export function openRedisConnection(deps: ConnectionDeps): RedisConnection {
  const target = parseRedisUrl(deps.url);
  const options: RedisOptions & { replyMapping: 'legacy' } = {
    ...target,
    ...(target.tls === undefined ? {} : { tls: { ...target.tls, ...deps.tls } }),
    // Nothing here needs RESP3, and RESP2 is spoken by every server and proxy.
    protocol: 2,
    replyMapping: 'legacy',
    connectionName: deps.name,
    connectTimeout: deps.commandTimeoutMs,
    commandTimeout: deps.commandTimeoutMs,
    // A server that holds the socket but answers nothing is dropped, so that its unanswered commands do not pile up.
    socketTimeout: deps.commandTimeoutMs * 2,
    keepAlive: 10_000,
    // How long a closed connection may hold the process open while the other side says goodbye.
    disconnectTimeout: 100,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS),
    // After a failover the old primary answers so until it is gone.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
  const redis = new Redis(options);

  let isClosed = false;
  let isReady = false;
  let lastComplaint = '';
  /** Resolves when the connection is usable or the grace is over. */
  let settled = Promise.withResolvers<void>();
  let grace = startGrace(deps.commandTimeoutMs);

  function startGrace(ms: number): NodeJS.Timeout {
    return setTimeout(() => settled.resolve(), ms);
  }

  redis.on('ready', () => {
    if (isClosed) return;
    isReady = true;
    lastComplaint = '';
    clearTimeout(grace);
    settled.resolve();
    deps.log?.info('store connection ready', { stream: deps.name });
    deps.onReady();
  });
  redis.on('close', () => {
    if (!isReady || isClosed) return;
    isReady = false;
    settled = Promise.withResolvers<void>();
    grace = startGrace(GRACE_MS);
    deps.log?.warn('store connection lost', { stream: deps.name });
    deps.onLost();
  });
  redis.on('error', (error: unknown) => {
    const complaint = explain(error);
    // A server that stays away fails every reconnect alike: one line says it.
    if (complaint !== lastComplaint) deps.log?.warn('store connection failed', { stream: deps.name, error: complaint });
    lastComplaint = complaint;
  });

  /** The error without the command it belongs to, whose arguments may be secrets. */
  function explain(error: unknown): string {
    const code = errorCode(error);
    const text = code === undefined ? errorMessage(error) : `${errorMessage(error)} (${code})`;
    return (target.password === undefined ? text : text.replaceAll(target.password, '[redacted]')).slice(0, 200);
  }

  return {
    redis,
    async run(use) {
      if (!isReady) await settled.promise;
      if (isClosed) throw new StoreUnavailable('closed');
      if (!isReady) throw new StoreUnavailable('not connected');
      try {
        return await use(redis);
      } catch (error) {
        throw new StoreUnavailable(explain(error));
      }
    },
    close() {
      isClosed = true;
      clearTimeout(grace);
      settled.resolve();
      // A TLS handshake that is ended half-way tells two errors and ioredis listens for one: the other would end the process.
      (redis.stream as typeof redis.stream | undefined)?.on('error', () => undefined);
      redis.disconnect();
    },
  };
}
