import type { Entry } from '@piste/verifier';
import type { Approvals } from '../../approval/index.js';
import type { ConsoleLogin, Identity, IdentityConnection } from '../../identity/index.js';
import type { Store } from '../../store/store.js';
import type { Log } from '../../telemetry/log.js';

/** What the console needs of the approvals. */
export type ConsoleApprovals = Pick<Approvals, 'get' | 'list' | 'vote'>;

/** A connection, and whose people may approve its statements. */
export interface ConsoleConnection extends IdentityConnection {
  /** Name of the one issuer of the connection; undefined means any of them. */
  readonly approverIssuer: string | undefined;
}

/** Connections as they are now. */
export interface ConsoleConnections {
  list(): readonly ConsoleConnection[];
}

/** Comparing the query history with the record, for auditors. */
export interface ConsoleReconcile {
  /** The result as JSON. Rejects when the history cannot be read or the result cannot be recorded. */
  readonly run: (
    connection: string,
    by: { readonly issuer: string; readonly subject: string },
    sinceMs: number | undefined,
  ) => Promise<object>;
  /** Whose people may ask. */
  readonly auditorGroups: readonly string[];
}

export interface ConsoleDependencies {
  readonly approvals: ConsoleApprovals;
  readonly identity: Pick<Identity, 'authenticate'>;
  readonly connections: ConsoleConnections;
  /** Undefined: pages are off, the API stays. */
  readonly login: ConsoleLogin | undefined;
  /** The origin people use. Decides about secure cookies and what counts as our own page. */
  readonly publicUrl: string;
  /** Undefined: there is no such endpoint. */
  readonly reconcile?: ConsoleReconcile | undefined;
  readonly store: Pick<Store, 'get' | 'create' | 'delete'>;
  /** Must have kept the entry when it resolves; nothing is answered before. */
  readonly record: (entry: Entry) => Promise<unknown>;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Cryptographic randomness; default Node's. */
  readonly random?: ((bytes: number) => Uint8Array) | undefined;
}
