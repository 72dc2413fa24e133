import type { Envelope } from '../protocol/index.js';

/** The end of a walk before its last stage: what the driver is told. It is recorded before it is sent. */
export interface Stop {
  readonly stopped: true;
  readonly envelope: Envelope;
  /** Closed word for metrics and the record. */
  readonly outcome: 'blocked' | 'denied' | 'expired' | 'cancelled' | 'failed' | 'withheld' | 'refused';
  readonly reason: string;
  /** Snowflake's id of the statement, where it ran there and failed. */
  readonly upstreamQueryId?: string | undefined;
}

/** Thrown by a stage that only waits, when this gateway stops: the statement goes on wherever it is asked for next. */
export class HandedOver extends Error {
  constructor() {
    super('the gateway stops; the statement goes on elsewhere');
    this.name = 'HandedOver';
  }
}

export function isStop(value: object): value is Stop {
  return 'stopped' in value && value.stopped === true;
}

/** One stage: takes the exchange so far and returns it one field richer, or stops. Stages never call each other. */
export type Stage<Deps, In extends object, Out extends object> = (deps: Deps, exchange: In) => Promise<Out | Stop>;

/** Stages in the order in which they run. */
export interface Walk<Deps, In extends object, Out extends object> {
  to<Next extends object>(name: string, stage: Stage<Deps, Out, Next>): Walk<Deps, In, Next>;
  run(deps: Deps, exchange: In): Promise<Out | Stop>;
}

/** Told how long each stage took, in milliseconds. */
export interface StageTimer {
  nowMs(): number;
  stageTook(stage: string, milliseconds: number): void;
}

/** An empty walk; `to` adds stages. */
export function walk<Deps extends { readonly stageTimer: StageTimer }, In extends object>(): Walk<Deps, In, In> {
  return extend<Deps, In, In>(async (_deps, exchange) => exchange);
}

function extend<Deps extends { readonly stageTimer: StageTimer }, In extends object, Out extends object>(
  run: (deps: Deps, exchange: In) => Promise<Out | Stop>,
): Walk<Deps, In, Out> {
  return {
    run,
    to: (name, stage) =>
      extend(async (deps, exchange) => {
        const so = await run(deps, exchange);
        if (isStop(so)) return so;
        const startedMs = deps.stageTimer.nowMs();
        try {
          return await stage(deps, so);
        } finally {
          deps.stageTimer.stageTook(name, deps.stageTimer.nowMs() - startedMs);
        }
      }),
  };
}
