import type { KernelResults } from './kernels-bench.js';
import type { RelayRow } from './relay-bench.js';
import type { StatementResults, StatementRow } from './statements-bench.js';

/** A ratio within one run, to nginx where nothing else is named, and how far it may go. */
export interface Goal {
  readonly name: string;
  readonly atMost: boolean;
  readonly goal: number;
  readonly reached: number;
  readonly met: boolean;
}

/** The goals this benchmark can judge; none without the baseline. */
export function judgeGoals(statements: StatementResults, relay: readonly RelayRow[]): readonly Goal[] {
  const row = (variant: StatementRow['variant'], connections: number): StatementRow | undefined =>
    statements.rows.find((candidate) => candidate.variant === variant && candidate.connections === connections);
  const masked = relay.find(({ variant }) => variant === 'gateway, 1 of 20 masked');
  return [
    goal(
      'added p50 of one statement, c=1, masked, durable record / nginx',
      'at most',
      2.5,
      row('gateway, masked', 1)?.addedP50OverNginx,
    ),
    goal(
      '  the same with the log in memory',
      'at most',
      2.5,
      row('gateway, masked, log in memory', 1)?.addedP50OverNginx,
    ),
    goal(
      'CPU per statement, c=32, masked, durable record / nginx',
      'at most',
      6,
      row('gateway, masked', 32)?.cpuOverNginx,
    ),
    goal(
      'statements per second, c=32, masked, durable record / nginx',
      'at least',
      0.45,
      row('gateway, masked', 32)?.requestsPerSecondOverNginx,
    ),
    goal('masked chunk relay / nginx that unpacks', 'at least', 0.45, masked?.overNginx),
  ].flat();
}

/** Masking is judged against other ways to do the same work, so it needs no baseline. */
export function judgeKernels({ ratios }: KernelResults): readonly Goal[] {
  return ratios.flatMap(({ name, atLeast, reached }) => goal(name, 'at least', atLeast, reached));
}

function goal(
  name: string,
  sense: 'at most' | 'at least',
  value: number,
  reached: number | undefined,
): readonly Goal[] {
  if (reached === undefined) return [];
  const atMost = sense === 'at most';
  return [{ name, atMost, goal: value, reached, met: atMost ? reached <= value : reached >= value }];
}
