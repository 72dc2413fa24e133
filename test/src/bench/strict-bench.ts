import { TABLES } from './canned-answers.js';
import type { StatementSample } from './load.js';
import { type GatewaySubject, type Rig, startRig } from './rig.js';
import { inShuffledRounds, median } from './statistics.js';

export type StrictVariant = 'strict' | 'strict, log in memory' | 'observe';

const VARIANTS: readonly StrictVariant[] = ['strict', 'strict, log in memory', 'observe'];
const CONNECTIONS = [1, 4] as const;

/** Whole queries of 100 ms upstream with results of about 250 KB: medians over the rounds. */
export interface StrictRow {
  readonly connections: number;
  readonly p50Millis: Readonly<Record<StrictVariant, number>>;
  readonly p99Millis: Readonly<Record<StrictVariant, number>>;
  /** p50 of `strict` beyond that of `observe` in the same round. */
  readonly overObserveMillis: number;
  /** The same beyond a log in memory. */
  readonly overMemoryMillis: number;
}

export interface StrictPlan {
  readonly rounds: number;
  readonly milliseconds: number;
  readonly random: () => number;
}

interface Subject {
  readonly rig: Rig;
  readonly gateway: GatewaySubject;
}

/** What waiting for the disk adds to whole queries: gateways in mode `strict` and `observe`, in one run on one disk. */
export async function measureStrict(plan: StrictPlan): Promise<readonly StrictRow[]> {
  const strict = await startRig({ withMemoryGateway: true });
  try {
    const observe = await startRig({
      withMemoryGateway: false,
      gatewayEnvironment: { PISTE_RECORDING_MODE: 'observe' },
    });
    try {
      return await measureBoth(strict, observe, plan);
    } finally {
      await observe.stop();
    }
  } finally {
    await strict.stop();
  }
}

type Named = `${StrictVariant} @${number}`;

async function measureBoth(strict: Rig, observe: Rig, plan: StrictPlan): Promise<readonly StrictRow[]> {
  const { gatewayInMemory } = strict;
  if (gatewayInMemory === undefined) throw new Error('there is no memory file system to compare with');
  const subjects: Readonly<Record<StrictVariant, Subject>> = {
    strict: { rig: strict, gateway: strict.gateway },
    'strict, log in memory': { rig: strict, gateway: gatewayInMemory },
    observe: { rig: observe, gateway: observe.gateway },
  };
  const samples = await inShuffledRounds<Named, StatementSample>({
    variants: CONNECTIONS.flatMap((count) => VARIANTS.map((variant): Named => `${variant} @${count}`)),
    rounds: plan.rounds,
    random: plan.random,
    async measure(name) {
      const [variant, count] = name.split(' @') as [StrictVariant, string];
      const { rig, gateway } = subjects[variant];
      const { sqlText } = TABLES.slow;
      const target = { port: gateway.port, token: gateway.client.sessionToken, sqlText };
      const sample = await rig.sendStatements({
        ...target,
        connections: Number(count),
        milliseconds: plan.milliseconds,
      });
      if (sample.failures > 0) throw new Error(`${sample.failures} of ${sample.requests} statements failed`);
      return sample;
    },
  });
  return CONNECTIONS.map((connections) => {
    const of = (variant: StrictVariant, key: 'p50Micros' | 'p99Micros'): readonly number[] =>
      (samples.get(`${variant} @${connections}`) ?? []).map((sample) => sample[key] / 1000);
    const medians = (key: 'p50Micros' | 'p99Micros'): Record<StrictVariant, number> => ({
      strict: median(of('strict', key)),
      'strict, log in memory': median(of('strict, log in memory', key)),
      observe: median(of('observe', key)),
    });
    const beyond = (base: StrictVariant): number =>
      median(of('strict', 'p50Micros').map((millis, round) => millis - (of(base, 'p50Micros')[round] ?? Number.NaN)));
    return {
      connections,
      p50Millis: medians('p50Micros'),
      p99Millis: medians('p99Micros'),
      overObserveMillis: beyond('observe'),
      overMemoryMillis: beyond('strict, log in memory'),
    };
  });
}
