import type { OpenKey } from '@piste/verifier';
/** What a command may touch of the world. */
export interface CliIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Writes and resolves when more may be written: for output without end. */
  readonly write: (text: string) => Promise<void>;
  /** What is piped in. Read only by commands that ask for it. */
  readonly input: AsyncIterable<Uint8Array>;
  /** True when colours may be used. */
  readonly isTerminal: boolean;
  /** True when standard output is a terminal, so that somebody may watch time pass. */
  readonly isWatched: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Who runs the command and where, as the operating system says. */
  readonly claimant: () => { readonly user: string; readonly host: string };
  /** Milliseconds since 1970: exemptions end. */
  readonly nowMs: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Resolves when the command shall end that would not end by itself. */
  readonly stopped: () => Promise<void>;
  readonly version: string;
}

/** What opens the bodies of an encrypted recording. */
export interface Decryption {
  readonly openKey: OpenKey;
  /** Tells sets of keys apart, and says nothing of them. Hex. */
  readonly fingerprint: string;
}

/** How a reading of recorded texts is recorded itself. */
export interface ReadingOptions {
  /** File of the deployment's identity, which may write to its registry. */
  readonly identityKey: string | undefined;
  readonly deployment: string | undefined;
  readonly registryDirectory: string | undefined;
  /** It is meant to leave no record: of a copy, or of a bundle. */
  readonly unrecorded: boolean;
}

/** What a command was asked for. */
export interface CommandArguments {
  readonly positionals: readonly string[];
  readonly directory: string | undefined;
  readonly trust: string | undefined;
  /** Opens encrypted bodies. */
  readonly decryption: Decryption | undefined;
  readonly reading: ReadingOptions;
  readonly speed: number | undefined;
  /** Nothing waits, also on a terminal. */
  readonly noWait: boolean;
  /** Pauses longer than this are cut; undefined: none is. */
  readonly skipIdleSeconds: number | undefined;
  /** The first record to show, from 1. */
  readonly from: number | undefined;
  readonly json: boolean;
  /** Whom the question is asked for: `group:x`, `user:issuer#subject`, `claim:name=value`. */
  readonly as: readonly string[];
  readonly resources: string | undefined;
  readonly connection: string | undefined;
  readonly catalog: string | undefined;
  readonly database: string | undefined;
  readonly schema: string | undefined;
  readonly role: string | undefined;
  /** Of exports: `jsonl`, `ocsf` or `har`. */
  readonly format: string | undefined;
  /** From when on, and until when: a point in time, or how long ago. */
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly bodies: string | undefined;
  readonly ocsfVersion: string | undefined;
  /** The file of a search index. */
  readonly index: string | undefined;
  /** The index is made anew. */
  readonly fresh: boolean;
  /** At most that many hits. */
  readonly limit: number | undefined;
  /** `text` or `json`; of exports, a file. */
  readonly output: string | undefined;
  /** A file for the results as JUnit XML. */
  readonly junit: string | undefined;
  /** `HOST:PORT`. */
  readonly listen: string | undefined;
  /** A folder of resources. */
  readonly policies: string | undefined;
  /** Id of a session, or its beginning. */
  readonly session: string | undefined;
  /** An exported query history. */
  readonly history: string | undefined;
  /** A bundle for a session holds its logs whole. */
  readonly wholeLogs: boolean;
  /** A session bundle holds the session's keys, too. */
  readonly keys: boolean;
  /** A folder to write proofs to. */
  readonly proofs: string | undefined;
  /** Answers are compared with their bodies, too. */
  readonly deep: boolean;
  /** The service user, as Snowflake spells it. */
  readonly user: string | undefined;
  /** How late a history may be: `45m`. */
  readonly lag: string | undefined;
  /** URL of a gateway's console. */
  readonly gateway: string | undefined;
  readonly tokenFile: string | undefined;
  /** Leave out what another check of the same run proves as well. */
  readonly quick: boolean;
  readonly hybridTables: boolean;
}

/** Exit codes of the commands about recordings. */
export const EXIT = { ok: 0, failed: 1, cannotConclude: 2, usage: 3 } as const;

/** Exit codes of the commands about policies. */
export const POLICY_EXIT = { ok: 0, failed: 1, usage: 2, denied: 3, held: 4 } as const;

/** The arguments make no sense; the message says why. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** A file that was named holds something else than it should; the message says where and what. */
export class InputError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InputError';
  }
}
