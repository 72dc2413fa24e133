import type { Finding } from '../judge/finding.js';
import type { Explanations } from '../judge/stored-files.js';
import type { Trust } from '../judge/trust.js';
import type { RecordingSource } from '../read/source.js';
import { type Erasure, erasuresIn } from './erasure.js';
import { judgeRegistry, type WriterFacts } from './judge-registry.js';
import { type Registry, readRegistry } from './read-registry.js';
import { extendTrust, isTrustedRegistry, registeredSizes } from './registered-writers.js';

/** What the registry among some recordings contributes to judging their logs. */
export interface RegistryView {
  /** The longest of those found. */
  readonly registry: Registry | undefined;
  /** The trust, and what a trusted registry adds to it. */
  readonly trust: Trust;
  /** Keys that may certify writers: of a trusted registry all it ever had, else the one the trust names. */
  readonly identityKeys: readonly string[];
  /** Sizes whose roots a scan of the log in this folder must keep. */
  sizesOf(ulid: string): readonly number[];
  /** Why bodies and keys are rightly gone. */
  readonly explanations: Explanations;
  /** What the registry's own bytes show, then what it and the logs say of each other that was not told yet. */
  judge(writers: readonly WriterFacts[], told: readonly Finding[]): Promise<readonly Finding[]>;
}

/** Reads the registries of these recordings: copies of one, of which the longest counts and the others must be beginnings. */
export async function viewRegistry(sources: readonly RecordingSource[], trust: Trust): Promise<RegistryView> {
  const found: Finding[] = [];
  let registry: Registry | undefined;
  for (const source of sources) {
    const reading = await readRegistry(source);
    for (const finding of reading.findings) found.push(finding);
    const [longer, shorter] = order(registry, reading.registry);
    if (longer !== undefined && shorter !== undefined) found.push(...compare(longer, shorter));
    registry = longer;
  }
  const isTrusted = registry !== undefined && isTrustedRegistry(registry, trust);
  const named = trust.registry === undefined ? [] : [trust.registry];
  const sizes = registry === undefined ? new Map<string, readonly number[]>() : registeredSizes(registry);
  const erasures = erasuresIn(registry !== undefined && isTrusted ? registry : { entries: [] });
  return {
    registry,
    trust: registry === undefined ? trust : extendTrust(trust, registry),
    identityKeys: registry !== undefined && isTrusted ? registry.keys.map(({ vkey }) => vkey) : named,
    sizesOf: (ulid) => sizes.get(ulid) ?? [],
    explanations: {
      bodies: (origin, segment) => explain(erasures.bodies(origin, segment)),
      key: (origin, number) => explain(erasures.key(origin, number)),
    },
    judge: async (writers, told) => [
      ...found,
      ...(await judgeRegistry({ registry, writers, trust, told: [...told, ...found] })),
    ],
  };
}

function order(
  a: Registry | undefined,
  b: Registry | undefined,
): readonly [Registry | undefined, Registry | undefined] {
  return (a?.size ?? 0) >= (b?.size ?? 0) ? [a, b] : [b, a];
}

function compare(longer: Registry, shorter: Registry): readonly Finding[] {
  if (longer.origin === shorter.origin && longer.tree.root(shorter.size).equals(shorter.root)) return [];
  const message = 'two registries are given, and one is not the beginning of the other';
  return [{ severity: 'tampered', code: 'registry-forked', message }];
}

function explain(erasure: Erasure | undefined): string | undefined {
  if (erasure === undefined) return undefined;
  const { kind, index, timeMs, reason } = erasure;
  const why = reason === undefined ? '' : `, ${JSON.stringify(reason)}`;
  return `${kind} of ${new Date(timeMs).toISOString()}, entry ${index} of the registry${why}`;
}
