import { parseCheckpointText } from '../format/checkpoint.js';
import { parseNote } from '../format/note.js';
import { ulidTimeMs } from '../format/ulid.js';
import { evaluateQuorum, parseWitnessPolicy, type WitnessPolicy } from '../format/witness-policy.js';
import type { Finding, Severity } from '../judge/finding.js';
import type { Anchor } from '../judge/trust.js';
import type { CosignedCheckpoint, Registry } from './read-registry.js';
import { isTrustedRegistry, type RegisteredWriter, registeredWriters, type WriterState } from './registered-writers.js';
import { judgeShreds } from './shred-authorization.js';

/** What a scan of one writer's log found, as far as the registry can contradict it. */
export interface WriterFacts {
  /** The folder's name: the last part of the log's. */
  readonly ulid: string;
  /** Undefined where not even its first commit is there. */
  readonly origin: string | undefined;
  readonly vkey: string | undefined;
  /** Records whose commit verifies. */
  readonly size: number;
  readonly closed: boolean;
  /** Undefined where the last segment lies archived, which has no place for them. */
  readonly tornBytes: number | undefined;
  /** Holds nothing but what a start writes before it is registered: nothing was let happen. */
  readonly onlyOpening: boolean;
  /** Root of the first `size` records; undefined beyond the log or where the scan did not keep it. */
  rootAt(size: number): Uint8Array | undefined;
}

export interface RegistryTrust {
  /** Verifier key of the registry: the first or any later one. */
  readonly registry?: string;
  /** A witness policy (c2sp.org/tlog-policy). */
  readonly witnesses?: string;
  /** Kept checkpoints; those of the registry are looked at. */
  readonly checkpoints: readonly Anchor[];
}

export interface RegistryCase {
  /** As read, or undefined when there is none. */
  readonly registry: Registry | undefined;
  readonly writers: readonly WriterFacts[];
  readonly trust: RegistryTrust;
  /** Findings made before: nothing is told twice. */
  readonly told?: readonly Finding[];
}

function found(severity: Severity, code: string, message: string, log?: string): Finding {
  return log === undefined ? { severity, code, message } : { severity, code, message, log };
}

/**
 * Weighs a registry against the logs beside it and against what was kept outside: docs/recording-format.md, "Registry". What
 * the registry's own bytes show is told by `readRegistry`.
 */
export async function judgeRegistry({
  registry,
  writers,
  trust,
  told = [],
}: RegistryCase): Promise<readonly Finding[]> {
  const policy = readPolicy(trust);
  if (typeof policy === 'string') return [found('cannot-conclude', 'bad-policy', policy)];
  if (registry === undefined) return told.some(({ code }) => code.startsWith('registry-')) ? [] : judgeAbsence(trust);
  const isTrusted = isTrustedRegistry(registry, trust);
  const findings = [
    ...judgeKey(registry, trust),
    ...judgeKept(registry, trust.checkpoints),
    ...(await judgeCosigned(registry, trust.checkpoints, policy)),
    ...(isTrusted ? await judgeShreds(registry) : []),
    ...(isTrusted ? judgeWriters(registry, writers) : []),
  ];
  return findings.filter(({ code, log }) => !told.some((other) => other.code === code && other.log === log));
}

/** The policy of the trust file; a complaint where it is none. */
export function readPolicy({ witnesses }: Pick<RegistryTrust, 'witnesses'>): WitnessPolicy | undefined | string {
  if (witnesses === undefined) return undefined;
  const parsed = parseWitnessPolicy(witnesses);
  return parsed.ok ? parsed.policy : `the witness policy cannot be used: ${parsed.complaint}`;
}

function judgeAbsence({ registry, checkpoints }: RegistryTrust): readonly Finding[] {
  const name = registry?.slice(0, registry.indexOf('+'));
  if (name === undefined) return [];
  if (checkpoints.some(({ origin }) => origin === name))
    return [found('tampered', 'registry-missing', 'a kept checkpoint covers the registry, and it is missing')];
  return [found('cannot-conclude', 'registry-missing', 'the trust file names a registry, and it is not here')];
}

function judgeKey(registry: Registry, trust: RegistryTrust): readonly Finding[] {
  if (isTrustedRegistry(registry, trust)) return [];
  if (trust.registry === undefined)
    return [found('note', 'untrusted-registry', 'nothing outside the directory vouches for the registry: not used')];
  return [found('tampered', 'registry-key', 'the registry was never signed by the key the trust file gives for it')];
}

/** Checkpoints somebody kept: the registry must be at least as long, and the same up to there. */
function judgeKept(registry: Registry, checkpoints: readonly Anchor[]): readonly Finding[] {
  return checkpoints
    .filter(({ origin }) => origin === registry.origin)
    .flatMap(({ size, root }) => comparePrefix(registry, size, root, 'a kept checkpoint'));
}

function comparePrefix(registry: Registry, size: number, root: string, what: string): readonly Finding[] {
  if (size > registry.size)
    return [
      found(
        'tampered',
        'registry-truncated',
        `${what} covers ${size} entries of the registry, ${registry.size} are here`,
      ),
    ];
  return registry.tree.root(size).toString('base64') === root
    ? []
    : [found('tampered', 'registry-forked', `the registry is not the one ${what} of size ${size} covers`)];
}

/** Every checkpoint that may carry cosignatures, ascending: those beside the registry, its newest, and those kept outside. */
function witnessedIn(registry: Registry, checkpoints: readonly Anchor[]): readonly CosignedCheckpoint[] {
  const kept = checkpoints.flatMap(({ origin, note }) => {
    const parsed = origin !== registry.origin || note === undefined ? undefined : parseNote(Buffer.from(note, 'utf8'));
    const head = parsed === undefined ? undefined : parseCheckpointText(parsed.text);
    return parsed === undefined || head?.origin !== registry.origin ? [] : [{ ...head, note: parsed }];
  });
  const head = { size: registry.size, root: registry.root, note: registry.checkpoint };
  return [...registry.cosigned, head, ...kept].sort((a, b) => a.size - b.size);
}

async function judgeCosigned(
  registry: Registry,
  checkpoints: readonly Anchor[],
  policy: WitnessPolicy | undefined,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let newest: { readonly size: number; readonly seconds: number } | undefined;
  for (const { size, root } of registry.cosigned)
    findings.push(...comparePrefix(registry, size, root.toString('base64'), 'a cosigned checkpoint'));
  for (const { size, note } of witnessedIn(registry, checkpoints)) {
    if (policy === undefined) continue;
    const { isMet, cosignedAt } = await evaluateQuorum(policy, note);
    if (isMet && cosignedAt.size > 0) newest = { size, seconds: Math.max(...cosignedAt.values()) };
  }
  if (policy === undefined || policy.isQuorum(new Set())) return findings;
  findings.push(
    newest === undefined
      ? found('cannot-conclude', 'quorum-not-met', 'no checkpoint of the registry is cosigned by enough witnesses')
      : describeNewest(registry, newest),
  );
  return findings;
}

function describeNewest(registry: Registry, { size, seconds }: { size: number; seconds: number }): Finding {
  const lastMs = registry.entries.at(-1)?.timeMs ?? 0;
  const age = Math.max(0, Math.round(lastMs / 1000) - seconds);
  const rest = registry.size - size;
  return found(
    'note',
    'anchor-age',
    `witnesses cosigned the first ${size} entries of the registry as of ${new Date(seconds * 1000).toISOString()}; ` +
      `${rest} entries and ${age} s follow`,
  );
}

function judgeWriters(registry: Registry, writers: readonly WriterFacts[]): readonly Finding[] {
  const registered = new Map([...registeredWriters(registry.entries).values()].map((each) => [ulidOf(each), each]));
  const present = new Map(writers.map((facts) => [facts.ulid, facts]));
  const findings: Finding[] = [];
  for (const [log, writer] of registered) {
    const facts = present.get(log);
    if (facts !== undefined) findings.push(...judgeWriter(writer, facts));
    else if (writer.vkey !== undefined || (writer.newest?.size ?? 0) > 0)
      findings.push(found('tampered', 'missing-log', 'the registry knows this log, and it is missing', log));
  }
  for (const facts of writers) if (!registered.has(facts.ulid)) findings.push(judgeStranger(facts, registry));
  return findings;
}

function ulidOf({ origin }: RegisteredWriter): string {
  return origin.slice(origin.lastIndexOf('/') + 1);
}

/** A start that stopped between its first commit and its registration let nothing happen. */
function judgeStranger({ ulid, onlyOpening, size }: WriterFacts, registry: Registry): Finding {
  if (onlyOpening || size === 0)
    return found(
      'note',
      'unregistered-writer',
      'the registry does not know this log, and nothing happened in it',
      ulid,
    );
  // Read while gateways run, the registry may be older than the newest log.
  const isNewer = ulidTimeMs(ulid) >= (registry.entries.at(-1)?.timeMs ?? 0);
  return isNewer
    ? found('cannot-conclude', 'unregistered-writer', 'this log began after the newest entry of the registry', ulid)
    : found(
        'tampered',
        'unregistered-writer',
        'the registry does not know this log, yet it records what was let happen',
        ulid,
      );
}

function judgeWriter(writer: RegisteredWriter, facts: WriterFacts): readonly Finding[] {
  const { ulid } = facts;
  const isOther = facts.origin !== undefined && facts.origin !== writer.origin;
  if (facts.size > 0 && (isOther || (writer.vkey !== undefined && writer.vkey !== facts.vkey)))
    return [found('tampered', 'registry-mismatch', 'the log has not the name and key it was registered with', ulid)];
  const findings: Finding[] = [];
  for (const state of writer.states) {
    const finding = compareState(state, facts);
    // One is enough: what follows a cut or a changed record differs as well.
    if (finding !== undefined) return [...findings, finding];
  }
  return findings;
}

function compareState(state: WriterState, facts: WriterFacts): Finding | undefined {
  const { size, root, kind, index } = state;
  const where = `entry ${index} of the registry`;
  if (size > facts.size)
    return found(
      'tampered',
      'truncated',
      `${where} covers ${size} records, only ${facts.size} can be verified here`,
      facts.ulid,
    );
  const actual = size === 0 ? undefined : facts.rootAt(size);
  if (size > 0 && (actual === undefined || Buffer.from(actual).toString('base64') !== root))
    return found('tampered', 'registry-mismatch', `the log does not contain what ${where} covers`, facts.ulid);
  const isEnd = kind === 'writer.close' || (kind === 'writer.sealed' && state.closed);
  if (isEnd && (size < facts.size || !facts.closed))
    return found('tampered', 'registry-mismatch', `${where} says that the log ended at ${size} records`, facts.ulid);
  if (kind === 'writer.sealed' && size < facts.size)
    return found('cannot-conclude', 'grew-after-seal', `the log grew after ${where} had sealed it`, facts.ulid);
  if (kind === 'writer.sealed' && facts.tornBytes !== undefined && state.torn !== facts.tornBytes)
    return found(
      'tampered',
      'registry-mismatch',
      `the bytes after the last commit are not those ${where} found`,
      facts.ulid,
    );
  return undefined;
}
