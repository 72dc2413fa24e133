import { createHash } from 'node:crypto';

/** One Lua script: the server runs it as a whole, so nothing comes between comparing, writing and telling. */
export interface RedisScript {
  readonly lua: string;
  /** SHA-1 of the text, by which EVALSHA names it. */
  readonly sha: string;
}

/** Characters of a version; a stored string is the version followed by the value. */
export const VERSION_CHARACTERS = 22;

function script(lua: string): RedisScript {
  return Object.freeze({ lua, sha: createHash('sha1').update(lua).digest('hex') });
}

/** KEYS: key · ARGV: version+value, ttl in ms, channel */
export const CREATE = script(`
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('PUBLISH', ARGV[3], '')
return 1`);

/** KEYS: key · ARGV: expected version, version+value, ttl in ms, channel */
export const REPLACE = script(`
if redis.call('GETRANGE', KEYS[1], 0, ${VERSION_CHARACTERS - 1}) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('PUBLISH', ARGV[4], '')
return 1`);

/** KEYS: key · ARGV: ttl in ms */
export const TOUCH = script(`
return redis.call('PEXPIRE', KEYS[1], ARGV[1])`);

/** KEYS: key · ARGV: expected version or '' for any, channel */
export const DELETE = script(`
if ARGV[1] ~= '' and redis.call('GETRANGE', KEYS[1], 0, ${VERSION_CHARACTERS - 1}) ~= ARGV[1] then return 0 end
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('PUBLISH', ARGV[2], '')
return 1`);
