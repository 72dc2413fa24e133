import { TABLES } from './canned-answers.js';
import { syncedAppend } from './disk.js';
import type { StatementSample } from './load.js';
import { cpuSeconds } from './machine.js';
import type { GatewaySubject, Rig } from './rig.js';
import { inShuffledRounds, median, pairedRatio, type Samples } from './statistics.js';

export type StatementVariant =
  | 'direct'
  | 'nginx'
  | 'gateway, unmasked'
  | 'gateway, masked'
  | 'gateway, masked, log in memory';

/** One variant over all rounds; CPU is of the proxy alone and missing for `direct`. */
export interface StatementRow {
  readonly variant: StatementVariant;
  readonly connections: number;
  readonly rounds: number;
  readonly requests: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number | undefined;
  /** p50 and p99 beyond those of `direct` in the same round. */
  readonly addedP50Micros: number | undefined;
  readonly addedP99Micros: number | undefined;
  /** Medians of ratios to nginx in the same round; missing without nginx. */
  readonly addedP50OverNginx: number | undefined;
  readonly cpuOverNginx: number | undefined;
  readonly requestsPerSecondOverNginx: number | undefined;
}

export interface StatementResults {
  readonly rows: readonly StatementRow[];
  /** One append of 1 KB and one fdatasync on the log's disk, in the same rounds. */
  readonly syncP50Micros: number;
  readonly syncP99Micros: number;
  /** p50 of one statement with the log on disk less the same with the log in memory, in syncs. */
  readonly recordingInSyncs: number | undefined;
}

interface Sample extends StatementSample {
  readonly cpuMicrosPerRequest: number | undefined;
}

interface Subject {
  readonly port: number;
  readonly token: string;
  readonly sqlText: string;
  readonly pids: readonly number[];
}

export interface StatementPlan {
  readonly rounds: number;
  readonly milliseconds: number;
  readonly random: () => number;
}

const CONNECTIONS = [1, 32] as const;
type Named = `${StatementVariant} @${number}`;

/** Statements through every variant, at one connection and at 32. Throws when any of them fails: no number stands for errors. */
export async function measureStatements(rig: Rig, plan: StatementPlan): Promise<StatementResults> {
  const subjects = subjectsOf(rig);
  const syncs: { p50Micros: number; p99Micros: number }[] = [];
  const names = [...subjects.keys()].flatMap((variant) => CONNECTIONS.map((count): Named => `${variant} @${count}`));
  const samples = await inShuffledRounds<Named, Sample>({
    variants: names,
    rounds: plan.rounds,
    random: plan.random,
    async measure(name, isWarmUp) {
      if (name === 'gateway, masked @1' && !isWarmUp) syncs.push(await syncedAppend(rig.directory));
      const [variant, connections] = splitName(name);
      const subject = subjects.get(variant);
      if (subject === undefined) throw new Error(`${variant} is not set up`);
      return sampleOf(rig, subject, connections, plan.milliseconds);
    },
  });
  const rows = names.map((name) => rowOf(name, samples));
  const syncP50Micros = median(syncs.map((sync) => sync.p50Micros));
  const [onDisk, inMemory] = (['gateway, masked @1', 'gateway, masked, log in memory @1'] as const).map((name) =>
    samples.get(name),
  );
  return {
    rows,
    syncP50Micros,
    syncP99Micros: median(syncs.map((sync) => sync.p99Micros)),
    recordingInSyncs:
      onDisk === undefined || inMemory === undefined
        ? undefined
        : median(
            onDisk.map(
              (sample, round) =>
                (sample.p50Micros - (inMemory[round]?.p50Micros ?? Number.NaN)) /
                (syncs[round]?.p50Micros ?? Number.NaN),
            ),
          ),
  };
}

function splitName(name: Named): readonly [StatementVariant, number] {
  const at = name.lastIndexOf(' @');
  return [name.slice(0, at) as StatementVariant, Number(name.slice(at + 2))];
}

function subjectsOf({ upstreamPort, nginx, gateway, gatewayInMemory }: Rig): ReadonlyMap<StatementVariant, Subject> {
  const { masked, unmasked } = TABLES;
  const through = ({ port, pid, client }: GatewaySubject, sqlText: string): Subject => ({
    port,
    pids: [pid],
    token: client.sessionToken,
    sqlText,
  });
  const direct = { token: 'canned-session', sqlText: masked.sqlText };
  return new Map<StatementVariant, Subject>([
    ['direct', { ...direct, port: upstreamPort, pids: [] }],
    ...(nginx === undefined ? [] : [['nginx', { ...direct, port: nginx.port, pids: nginx.pids }] as const]),
    ['gateway, unmasked', through(gateway, unmasked.sqlText)],
    ['gateway, masked', through(gateway, masked.sqlText)],
    ...(gatewayInMemory === undefined
      ? []
      : [['gateway, masked, log in memory', through(gatewayInMemory, masked.sqlText)] as const]),
  ]);
}

async function sampleOf(
  rig: Rig,
  { port, token, sqlText, pids }: Subject,
  connections: number,
  milliseconds: number,
): Promise<Sample> {
  const before = cpuSeconds(pids);
  const sample = await rig.sendStatements({ port, token, sqlText, connections, milliseconds });
  const spent = cpuSeconds(pids) - before;
  if (sample.failures > 0) throw new Error(`${sample.failures} of ${sample.requests} statements failed`);
  return { ...sample, cpuMicrosPerRequest: pids.length === 0 ? undefined : (spent * 1e6) / sample.requests };
}

function rowOf(name: Named, samples: Samples<Named, Sample>): StatementRow {
  const [variant, connections] = splitName(name);
  const own = samples.get(name) ?? [];
  const direct = samples.get(`direct @${connections}`) ?? [];
  const nginx = samples.get(`nginx @${connections}`);
  const added = (list: readonly Sample[], of: 'p50Micros' | 'p99Micros'): readonly number[] =>
    list.map((sample, round) => sample[of] - (direct[round]?.[of] ?? Number.NaN));
  const cpu = (list: readonly Sample[]): readonly number[] =>
    list.map((sample) => sample.cpuMicrosPerRequest ?? Number.NaN);
  const perSecond = (list: readonly Sample[]): readonly number[] => list.map((sample) => sample.requestsPerSecond);
  const isProxy = variant !== 'direct';
  const isCompared = nginx !== undefined && isProxy;
  return {
    variant,
    connections,
    rounds: own.length,
    requests: own.reduce((sum, sample) => sum + sample.requests, 0),
    p50Micros: median(own.map((sample) => sample.p50Micros)),
    p99Micros: median(own.map((sample) => sample.p99Micros)),
    requestsPerSecond: median(perSecond(own)),
    cpuMicrosPerRequest: isProxy ? median(cpu(own)) : undefined,
    addedP50Micros: isProxy ? median(added(own, 'p50Micros')) : undefined,
    addedP99Micros: isProxy ? median(added(own, 'p99Micros')) : undefined,
    addedP50OverNginx: isCompared ? pairedRatio(added(own, 'p50Micros'), added(nginx, 'p50Micros')) : undefined,
    cpuOverNginx: isCompared ? pairedRatio(cpu(own), cpu(nginx)) : undefined,
    requestsPerSecondOverNginx: isCompared ? pairedRatio(perSecond(own), perSecond(nginx)) : undefined,
  };
}
