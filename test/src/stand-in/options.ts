/** A person or service that may log in. Without `password`, `publicKeyPem` or `accessTokens` nobody can be that user. */
export type StandInUser = {
  readonly name: string;
  readonly password?: string;
  /** SPKI PEM of the key pair (authenticator SNOWFLAKE_JWT). */
  readonly publicKeyPem?: string;
  /** Accepted as PROGRAMMATIC_ACCESS_TOKEN and as OAUTH token. */
  readonly accessTokens?: readonly string[];
  /** Roles the user may take; the first is the default. Default: SYSADMIN, ANALYST, SUPPORT. */
  readonly roles?: readonly string[];
  readonly defaultWarehouse?: string;
  /** TYPE of DESCRIBE USER; Snowflake shows null for a person of old. */
  readonly type?: 'PERSON' | 'SERVICE' | 'LEGACY_SERVICE';
  readonly networkPolicy?: string;
};

/** How a result chunk is guarded besides its unguessable URL: nothing, `chunkHeaders`, or the SSE-C headers of `qrmk`. */
export type ChunkGuard = 'open' | 'headers' | 'qrmk';

/** Options of the stand-in; all have defaults. They are plain data so that a child process can be given them as JSON. */
export type StandInOptions = {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Port of the Snowflake endpoints; default 0, a free one. */
  readonly port?: number;
  /** Port of the result chunks; default 0, a free one. */
  readonly chunkPort?: number;
  /** Base of the chunk URLs when clients reach the port under another name, e.g. behind a Service. */
  readonly chunkBaseUrl?: string;
  /** Account name; default ACME. It is checked in key-pair tokens only, as driver settings vary. */
  readonly account?: string;
  readonly users?: readonly StandInUser[];
  /** Loads the CRM demo data; default true. */
  readonly demoData?: boolean;
  /** Loads the tables ALL_TYPES and ALL_TYPES_LARGE beside the demo data; default false. */
  readonly allTypes?: boolean;
  /** Bytes of the inline part and of each chunk of a result; default 100,000, small enough to see chunks in tests. */
  readonly resultPartBytes?: number;
  readonly chunkGuard?: ChunkGuard;
  /** Lifetime of session tokens; default 3600. */
  readonly sessionTokenSeconds?: number;
  /** Lifetime of master tokens from their last renewal; default 14400. */
  readonly masterTokenSeconds?: number;
  /** How long a request for a running statement is held before "in progress" is answered; default 40,000. */
  readonly holdMilliseconds?: number;
  /** Answer to PUT and GET: `refuse` with 000002, or `s3` for a real-shaped transfer answer with invented credentials. */
  readonly fileTransfer?: 'refuse' | 's3';
};

/** Options with the defaults filled in. */
export type Settings = Required<Omit<StandInOptions, 'chunkBaseUrl'>> & { readonly chunkBaseUrl: string | undefined };

const demoUsers: readonly StandInUser[] = [
  { name: 'DEMO', password: 'demo-password', accessTokens: ['demo-access-token'] },
];

/** Fills in the defaults. */
export function toSettings(options: StandInOptions): Settings {
  return {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    chunkPort: options.chunkPort ?? 0,
    chunkBaseUrl: options.chunkBaseUrl,
    account: (options.account ?? 'ACME').toUpperCase(),
    users: options.users ?? demoUsers,
    demoData: options.demoData ?? true,
    allTypes: options.allTypes ?? false,
    resultPartBytes: options.resultPartBytes ?? 100_000,
    chunkGuard: options.chunkGuard ?? 'headers',
    sessionTokenSeconds: options.sessionTokenSeconds ?? 3600,
    masterTokenSeconds: options.masterTokenSeconds ?? 14_400,
    holdMilliseconds: options.holdMilliseconds ?? 40_000,
    fileTransfer: options.fileTransfer ?? 'refuse',
  };
}

/** Roles of a user without a list of their own. */
export const defaultRoles: readonly string[] = ['SYSADMIN', 'ANALYST', 'SUPPORT'];
