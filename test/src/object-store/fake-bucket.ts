import { createHash } from 'node:crypto';

/** One version of an object, or a delete marker. */
export interface StoredVersion {
  readonly version: string;
  readonly bytes: Buffer;
  readonly marker: boolean;
  readonly etag: string;
  readonly sha256: string;
  readonly modifiedMs: number;
  mode: 'COMPLIANCE' | 'GOVERNANCE' | undefined;
  retainUntilMs: number;
  hold: boolean;
}

/** What kind of store this is; each lie is one that a real server was seen to tell. */
export interface Manners {
  /** `pretended`: lock headers are taken and shown, and nothing is locked. `missing`: no lock configuration. */
  readonly lock: 'enforced' | 'pretended' | 'unstored' | 'missing';
  /** `If-None-Match: *`. */
  readonly creation: 'conditional' | 'overwrites';
  /** `If-Match`. */
  readonly replacement: 'conditional' | 'unconditional';
  readonly versions: boolean;
  /** Whether checksums are kept and shown. */
  readonly checksums: boolean;
  /** Everything is locked for this long, asked or not. */
  readonly defaultRetentionMs: number;
  /** Whether the caller may bypass governance locks. */
  readonly bypass: boolean;
}

export const GOOD_MANNERS: Manners = Object.freeze({
  lock: 'enforced',
  creation: 'conditional',
  replacement: 'conditional',
  versions: true,
  checksums: true,
  defaultRetentionMs: 0,
  bypass: false,
});

export interface PutRequest {
  readonly ifNoneMatch: boolean;
  readonly ifMatch: string | undefined;
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE' | undefined;
  readonly retainUntilMs: number;
  readonly hold: boolean;
}

/** Versions by key, newest first, and the rules of S3 with Object Lock about them. Answers are HTTP status codes. */
export interface FakeBucket {
  readonly keys: () => readonly string[];
  readonly versions: (key: string) => readonly StoredVersion[];
  readonly current: (key: string) => StoredVersion | undefined;
  readonly put: (key: string, bytes: Buffer, request: PutRequest) => StoredVersion | 412 | 404;
  readonly remove: (key: string, version: string | undefined, bypass: boolean) => 204 | 403;
  readonly lock: (stored: StoredVersion, mode: StoredVersion['mode'], untilMs: number, bypass: boolean) => 200 | 403;
}

export function createFakeBucket(manners: Manners, nowMs: () => number): FakeBucket {
  const objects = new Map<string, StoredVersion[]>();
  let count = 0;
  const nextVersion = (): string => {
    count += 1;
    return manners.versions ? `v${String(count).padStart(8, '0')}` : 'null';
  };
  const versionsOf = (key: string): StoredVersion[] => objects.get(key) ?? [];
  const current = (key: string): StoredVersion | undefined => {
    const newest = versionsOf(key)[0];
    return newest?.marker === true ? undefined : newest;
  };
  const add = (key: string, stored: StoredVersion): void =>
    void objects.set(key, manners.versions ? [stored, ...versionsOf(key)] : [stored]);
  const isLocked = (stored: StoredVersion, bypass: boolean): boolean => {
    if (manners.lock !== 'enforced') return false;
    if (stored.hold) return true;
    if (stored.retainUntilMs <= nowMs()) return false;
    return stored.mode === 'COMPLIANCE' || (stored.mode === 'GOVERNANCE' && !(bypass && manners.bypass));
  };

  return {
    keys: () => [...objects.keys()].sort(),
    versions: versionsOf,
    current,
    put(key, bytes, request) {
      const found = current(key);
      if (request.ifNoneMatch && found !== undefined && manners.creation === 'conditional') return 412;
      if (request.ifMatch !== undefined && manners.replacement === 'conditional') {
        if (found === undefined) return 404;
        if (found.etag !== request.ifMatch) return 412;
      }
      const isKept = manners.lock !== 'missing' && manners.lock !== 'unstored';
      const byDefault = manners.defaultRetentionMs > 0 && request.mode === undefined;
      const stored: StoredVersion = {
        version: nextVersion(),
        bytes,
        marker: false,
        etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
        sha256: createHash('sha256').update(bytes).digest('base64'),
        modifiedMs: nowMs(),
        mode: isKept ? (byDefault ? 'GOVERNANCE' : request.mode) : undefined,
        retainUntilMs: byDefault ? nowMs() + manners.defaultRetentionMs : request.retainUntilMs,
        hold: request.hold,
      };
      add(key, stored);
      return stored;
    },
    remove(key, version, bypass) {
      if (version === undefined && manners.versions) {
        const marker = { mode: undefined, retainUntilMs: 0, hold: false, etag: '', sha256: '', bytes: Buffer.alloc(0) };
        add(key, { ...marker, version: nextVersion(), marker: true, modifiedMs: nowMs() });
        return 204;
      }
      const stored = versionsOf(key).find((candidate) => version === undefined || candidate.version === version);
      if (stored === undefined) return 204;
      if (isLocked(stored, bypass)) return 403;
      const rest = versionsOf(key).filter((candidate) => candidate !== stored);
      if (rest.length === 0) objects.delete(key);
      else objects.set(key, rest);
      return 204;
    },
    lock(stored, mode, untilMs, bypass) {
      const isWeaker = untilMs < stored.retainUntilMs || (stored.mode === 'COMPLIANCE' && mode !== 'COMPLIANCE');
      if (isWeaker && isLocked(stored, bypass)) return 403;
      stored.mode = mode;
      stored.retainUntilMs = untilMs;
      return 200;
    },
  };
}
