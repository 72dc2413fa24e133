import { parseNote } from '../format/note.js';
import { evaluateQuorum } from '../format/witness-policy.js';
import type { Finding, Severity } from '../judge/finding.js';
import type { Anchor, Trust } from '../judge/trust.js';
import type { SessionLog } from '../read/session-log.js';
import { readPolicy } from './judge-registry.js';
import { registeredWriters, type WriterState } from './registered-writers.js';
import type { RegistryPart } from './registry-part.js';

function found(severity: Severity, code: string, message: string, log?: string): Finding {
  return log === undefined ? { severity, code, message } : { severity, code, message, log };
}

/** True when the trust names a key of the registry this is a part of. */
export function isTrustedPart(part: RegistryPart | undefined, { registry }: Trust): part is RegistryPart {
  return part?.keys.some(({ vkey }) => vkey === registry) ?? false;
}

/** The keys that the shown entries of a trusted registry register. */
export function registeredKeys({ entries }: RegistryPart): readonly string[] {
  return [...registeredWriters(entries).values()].flatMap(({ vkey }) => vkey ?? []);
}

/**
 * Weighs what a session bundle shows of the registry against its logs and against what was kept outside. Of entries that are not shown
 * nothing can be said: no log is missed, and none is known to end.
 */
export async function judgeRegistryPart(
  part: RegistryPart | undefined,
  trust: Trust,
  logs: readonly SessionLog[],
): Promise<readonly Finding[]> {
  if (part === undefined) {
    if (trust.registry === undefined) return [];
    return [
      found(
        'cannot-conclude',
        'registry-missing',
        'the trust file names a registry, and the bundle shows nothing of it',
      ),
    ];
  }
  if (!isTrustedPart(part, trust)) {
    if (trust.registry === undefined)
      return [found('note', 'untrusted-registry', 'nothing outside the bundle vouches for the registry: not used')];
    return [found('tampered', 'registry-key', 'the registry was never signed by the key the trust file gives for it')];
  }
  const kept = trust.checkpoints.filter(({ origin }) => origin === part.origin);
  return [
    ...kept.flatMap((anchor) => compareKept(part, anchor)),
    ...(await judgeQuorum(part, kept, trust)),
    ...logs.flatMap((log) => judgeLogPart(part, log)),
  ];
}

function compareKept(part: RegistryPart, { size, root }: Anchor): readonly Finding[] {
  const here = part.rootAt(size)?.toString('base64');
  if (here === root) return [];
  if (here !== undefined)
    return [
      found('tampered', 'registry-forked', `the registry is not the one a kept checkpoint of size ${size} covers`),
    ];
  return [notCompared(`a kept checkpoint of the registry with ${size} entries`)];
}

/** Neither for nor against: the bundle was made without knowing of it. */
export function notCompared(what: string, log?: string): Finding {
  return found(
    'note',
    'checkpoint-not-compared',
    `the bundle does not show how ${what} and what is in it follow each other`,
    log,
  );
}

async function judgeQuorum(part: RegistryPart, kept: readonly Anchor[], trust: Trust): Promise<readonly Finding[]> {
  const policy = readPolicy(trust);
  if (typeof policy === 'string') return [found('cannot-conclude', 'bad-policy', policy)];
  if (policy === undefined || policy.isQuorum(new Set())) return [];
  const notes = kept.flatMap(({ size, root, note }) => {
    const isSame = part.rootAt(size)?.toString('base64') === root;
    return isSame && note !== undefined ? (parseNote(Buffer.from(note, 'utf8')) ?? []) : [];
  });
  for (const note of [part.checkpoint, ...notes]) {
    if ((await evaluateQuorum(policy, note)).isMet) return [];
  }
  return [
    found('cannot-conclude', 'quorum-not-met', 'no checkpoint of the registry here is cosigned by enough witnesses'),
  ];
}

function judgeLogPart(part: RegistryPart, log: SessionLog): readonly Finding[] {
  const { ulid, origin, vkey } = log;
  const writer = [...registeredWriters(part.entries).values()].find((each) => each.origin.endsWith(`/${ulid}`));
  if (writer?.vkey === undefined)
    return [
      found(
        'cannot-conclude',
        'unregistered-writer',
        'the bundle does not show that the registry knows this log',
        ulid,
      ),
    ];
  if (writer.origin !== origin || writer.vkey !== vkey)
    return [found('tampered', 'registry-mismatch', 'the log has not the name and key it was registered with', ulid)];
  const findings = writer.states.flatMap((state) => compareState(state, log));
  const reach = Math.max(0, ...writer.states.map(({ size }) => size).filter((size) => log.rootAt(size) !== undefined));
  const last = log.places.at(-1) ?? 0;
  if (findings.length === 0 && reach <= last)
    findings.push(
      found(
        'note',
        'not-registered-yet',
        `the registry's entries here cover ${reach} records of this log, the session reaches record ${last}`,
        ulid,
      ),
    );
  return findings;
}

function compareState({ size, root, kind, closed, index }: WriterState, log: SessionLog): Finding[] {
  const where = `entry ${index} of the registry`;
  const here = log.rootAt(size)?.toString('base64');
  if (size > 0 && here === undefined) return [notCompared(where, log.ulid)];
  if (size > 0 && here !== root)
    return [found('tampered', 'registry-mismatch', `the log does not contain what ${where} covers`, log.ulid)];
  const isEnd = kind === 'writer.close' || (kind === 'writer.sealed' && closed);
  return isEnd && size < log.size
    ? [found('tampered', 'registry-mismatch', `${where} says that the log ended at ${size} records`, log.ulid)]
    : [];
}
