import { type Entry, type RecordingMode, stricterMode } from '@piste/verifier';

/** The recording mode of each connection: the gateway's own, or a stricter one. */
export interface ConnectionModes {
  /** Of a connection, or of what belongs to none. */
  readonly of: (connection: string | undefined) => RecordingMode;
  /**
   * Takes what connections demand now. Resolves when every change is recorded; only then it is in force. Rejects when it
   * cannot be recorded, and nothing changes.
   */
  readonly apply: (demanded: ReadonlyMap<string, RecordingMode>) => Promise<void>;
}

/** `record` resolves when the entry is durable. */
export function createConnectionModes(
  gatewayMode: RecordingMode,
  record: (entry: Entry) => Promise<unknown>,
): ConnectionModes {
  let inForce: ReadonlyMap<string, RecordingMode> = new Map();

  const of = (connection: string | undefined): RecordingMode =>
    (connection === undefined ? undefined : inForce.get(connection)) ?? gatewayMode;

  return {
    of,
    async apply(demanded) {
      const next = new Map([...demanded].map(([name, mode]) => [name, stricterMode(mode, gatewayMode)]));
      const names = new Set([...inForce.keys(), ...next.keys()]);
      const changes = [...names].flatMap((connection): readonly Entry[] => {
        const from = of(connection);
        const mode = next.get(connection) ?? gatewayMode;
        const fields = { connection, mode, from };
        return mode === from ? [] : [{ kind: 'mode.change', sessionId: undefined, fields, bodies: [] }];
      });
      await Promise.all(changes.map(record));
      inForce = next;
    },
  };
}
