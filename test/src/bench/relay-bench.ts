import type { WireClient } from '../harness/wire-client.js';
import { TABLES } from './canned-answers.js';
import { cpuSeconds } from './machine.js';
import type { Rig } from './rig.js';
import { inShuffledRounds, median, pairedRatio, type Samples } from './statistics.js';

export type RelayVariant =
  | 'direct, packed'
  | 'nginx, as it is'
  | 'nginx, unpacked'
  | 'gateway, unmasked'
  | 'gateway, 1 of 20 masked';

export interface RelayRow {
  readonly variant: RelayVariant;
  readonly rounds: number;
  /** Of the unpacked rows, whatever travelled. */
  readonly megabytesPerSecond: number;
  /** Per second of the proxy's CPU time; missing for `direct`. */
  readonly megabytesPerCpuSecond: number | undefined;
  /** Medians of ratios to nginx that unpacks, in the same round; missing without nginx. */
  readonly overNginx: number | undefined;
  readonly cpuOverNginx: number | undefined;
}

interface Sample {
  readonly megabytesPerSecond: number;
  readonly megabytesPerCpuSecond: number | undefined;
}

interface Subject {
  readonly url: string;
  readonly pids: readonly number[];
}

export interface RelayPlan {
  readonly rounds: number;
  /** Downloads per sample. */
  readonly downloads: number;
  readonly random: () => number;
}

/** One large result part, downloaded through every variant over one connection. */
export async function measureRelay(rig: Rig, plan: RelayPlan): Promise<readonly RelayRow[]> {
  const subjects = await subjectsOf(rig);
  const names = [...subjects.keys()];
  const samples = await inShuffledRounds<RelayVariant, Sample>({
    variants: names,
    rounds: plan.rounds,
    random: plan.random,
    async measure(variant) {
      const { url, pids } = subjects.get(variant) ?? { url: '', pids: [] };
      const before = cpuSeconds(pids);
      const { seconds } = await rig.download({ url, times: plan.downloads });
      const spent = cpuSeconds(pids) - before;
      const megabytes = (rig.chunkBytes * plan.downloads) / 1e6;
      return {
        megabytesPerSecond: megabytes / seconds,
        megabytesPerCpuSecond: pids.length === 0 ? undefined : megabytes / spent,
      };
    },
  });
  return names.map((variant) => rowOf(variant, samples));
}

async function subjectsOf({ upstreamPort, nginx, gateway }: Rig): Promise<ReadonlyMap<RelayVariant, Subject>> {
  const { unmaskedWide, maskedWide } = TABLES;
  const behindNginx = (path: string): Subject => ({
    url: `http://127.0.0.1:${nginx?.port}/chunk/${path}`,
    pids: nginx?.pids ?? [],
  });
  return new Map<RelayVariant, Subject>([
    ['direct, packed', { url: `http://127.0.0.1:${upstreamPort}/chunk/gzip`, pids: [] }],
    ...(nginx === undefined
      ? []
      : ([
          ['nginx, as it is', behindNginx('plain')],
          ['nginx, unpacked', behindNginx('gzip')],
        ] as const)),
    ['gateway, unmasked', { url: await chunkUrl(gateway.client, unmaskedWide.sqlText), pids: [gateway.pid] }],
    ['gateway, 1 of 20 masked', { url: await chunkUrl(gateway.client, maskedWide.sqlText), pids: [gateway.pid] }],
  ]);
}

/** Runs a statement with a large result and returns where its part is fetched. */
export async function chunkUrl(client: WireClient, sqlText: string): Promise<string> {
  const answer = await client.run(sqlText.replace('$N', '1'));
  const chunks = answer.data['chunks'];
  const [first] = Array.isArray(chunks) ? (chunks as readonly { readonly url: string }[]) : [];
  if (first === undefined) throw new Error(`no result part: ${answer.code} ${answer.message}`);
  return first.url;
}

function rowOf(variant: RelayVariant, samples: Samples<RelayVariant, Sample>): RelayRow {
  const own = samples.get(variant) ?? [];
  const nginx = samples.get('nginx, unpacked');
  const isProxy = variant !== 'direct, packed';
  const speed = (list: readonly Sample[]): readonly number[] => list.map((sample) => sample.megabytesPerSecond);
  const cpu = (list: readonly Sample[]): readonly number[] =>
    list.map((sample) => sample.megabytesPerCpuSecond ?? Number.NaN);
  return {
    variant,
    rounds: own.length,
    megabytesPerSecond: median(speed(own)),
    megabytesPerCpuSecond: isProxy ? median(cpu(own)) : undefined,
    overNginx: nginx !== undefined && isProxy ? pairedRatio(speed(own), speed(nginx)) : undefined,
    cpuOverNginx: nginx !== undefined && isProxy ? pairedRatio(cpu(own), cpu(nginx)) : undefined,
  };
}
