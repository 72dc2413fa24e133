/** What a command may touch of the world. */
export interface CliIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** True when colours may be used. */
  readonly isTerminal: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly version: string;
}

/** What a command was asked for. */
export interface CommandArguments {
  readonly positionals: readonly string[];
  readonly directory: string | undefined;
  readonly trust: string | undefined;
  readonly speed: number | undefined;
  readonly json: boolean;
}

/** Exit codes; each means one thing in every command. */
export const EXIT = { ok: 0, failed: 1, cannotConclude: 2, usage: 3 } as const;

/** The arguments make no sense; the message says why. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
