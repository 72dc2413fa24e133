import {
  encodeNote,
  evaluateQuorum,
  type Note,
  type PolicyWitness,
  parseNote,
  type RegistryFields,
  sha256,
  type WitnessPolicy,
} from '@piste/verifier';
import type { Log } from '../telemetry/log.js';
import type { RegistryMetrics, Timers } from './registration.js';
import type { RegistryHead, RegistryLog } from './registry-log.js';
import { askWitness, type WitnessOutcome } from './witness-client.js';

/** How often witnesses are asked. */
const WITNESS_EVERY_MS = 60_000;

export interface WitnessingDeps {
  readonly registry: RegistryLog;
  readonly policy: WitnessPolicy;
  readonly fetch: typeof fetch;
  readonly nowMs: () => number;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics?: RegistryMetrics;
}

/** Keeps the registry's checkpoints cosigned. */
export interface Witnessing {
  /** The newest checkpoint that enough witnesses cosigned, with their lines. */
  newest(): RegistryHead | undefined;
  /** What a `tick` of the registry says of it: no entry after it was made before the witnesses' time. */
  readonly describe: () => RegistryFields;
  /** Asks all witnesses now. Never rejects. */
  ask(): Promise<void>;
  stop(): void;
}

/** Asks the witnesses of a policy every minute. Those without a URL are not asked: their cosignatures come another way. */
export function startWitnessing(deps: WitnessingDeps): Witnessing {
  const { registry, policy, log, metrics, nowMs, timers } = deps;
  const witnesses = policy.witnesses.filter((witness): witness is Reachable => witness.url !== undefined);
  const lastSizes = new Map<string, number>();
  const complained = new Set<string>();
  let newest: { readonly head: RegistryHead; readonly seconds: number } | undefined;
  let turn: Promise<void> = Promise.resolve();

  async function round(): Promise<void> {
    const head = await registry.head();
    if (head === undefined) return;
    const outcomes = await Promise.all(
      witnesses.map(async (witness) => ({
        witness,
        outcome: await askWitness(deps, witness, head, lastSizes.get(witness.name) ?? 0),
      })),
    );
    const refusals = outcomes.flatMap(({ witness, outcome }) => note(witness, outcome, head));
    if (refusals.length > 0) await registry.append(refusals.map((fields) => ({ kind: 'tick', fields })));
    await keep(head, outcomes.map(({ outcome }) => (outcome.kind === 'cosigned' ? outcome.lines : '')).join(''));
  }

  /** Counts an outcome and says what of it the registry should hold. */
  function note(witness: PolicyWitness, outcome: WitnessOutcome, head: RegistryHead): readonly RegistryFields[] {
    const { name } = witness;
    metrics?.witnessed(outcome.kind === 'cosigned' ? 'ok' : outcome.kind);
    const isNew = !complained.has(`${name} ${outcome.kind}`);
    complained.delete(`${name} refused`);
    complained.delete(`${name} unreachable`);
    if (outcome.kind === 'cosigned') {
      lastSizes.set(name, head.size);
      return [];
    }
    complained.add(`${name} ${outcome.kind}`);
    if (outcome.kind === 'unreachable') {
      if (isNew) log.warn('a witness does not answer', { name, error: outcome.why });
      return [];
    }
    if (isNew) log.error('a witness refuses to cosign the registry', { name, code: String(outcome.status) });
    const { status, witnessSize = null } = outcome;
    return isNew ? [{ refused: { witness: name, status, size: head.size, theirs: witnessSize } }] : [];
  }

  async function keep(head: RegistryHead, lines: string): Promise<void> {
    const parsed: Note | undefined = lines === '' ? undefined : parseNote(Buffer.from(head.note + lines, 'utf8'));
    if (parsed !== undefined) {
      const text = encodeNote(parsed);
      await registry.keepCosigned(head.size, text);
      const { isMet, cosignedAt } = await evaluateQuorum(policy, parsed);
      if (isMet) newest = { head: { ...head, note: text }, seconds: Math.max(...cosignedAt.values()) };
    }
    if (newest !== undefined) metrics?.quorumAge(Math.max(0, nowMs() / 1000 - newest.seconds));
  }

  const ask = (): Promise<void> => {
    turn = turn.then(round).catch((error: unknown) => {
      log.warn('the witnesses could not be asked', { error: String(error) });
    });
    return turn;
  };
  return Object.freeze({
    newest: () => newest?.head,
    describe(): RegistryFields {
      if (newest === undefined) return {};
      const { head } = newest;
      return { witnessed: { size: head.size, note: sha256(Buffer.from(head.note, 'utf8')).toString('hex') } };
    },
    ask,
    stop: timers.every(WITNESS_EVERY_MS, () => void ask()),
  });
}

type Reachable = PolicyWitness & { readonly url: string };
