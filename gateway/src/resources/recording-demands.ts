import type { RecordingMode } from '@piste/verifier';
import type { Connection } from './compile.js';

type Demand = NonNullable<NonNullable<Connection['resource']['spec']['recording']>['mode']>;

const MODES: Readonly<Record<Demand, RecordingMode>> = {
  Strict: 'strict',
  StrictFinal: 'strict-final',
  RequestStrict: 'request-strict',
};

/** The recording modes that connections demand, by name; those that demand none are left out. */
export function recordingDemands(connections: ReadonlyMap<string, Connection>): ReadonlyMap<string, RecordingMode> {
  return new Map(
    [...connections].flatMap(([name, { resource }]) => {
      const demand = resource.spec.recording?.mode;
      return demand === undefined ? [] : [[name, MODES[demand]] as const];
    }),
  );
}
