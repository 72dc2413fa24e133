import snowflake, {
  type Binds,
  type Connection,
  type ConnectionOptions,
  type RowStatement,
  type StatementOption,
} from 'snowflake-sdk';

// Revocation checks and log files would leave the machine or litter it.
snowflake.configure({ disableOCSPChecks: true, logLevel: 'OFF', additionalLogToConsole: false });

/** A finished statement as Node's driver reports it. */
export type DriverResult = {
  readonly statement: RowStatement;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
};

/** The unmodified `snowflake-sdk` with promises. */
export type NodeDriver = {
  readonly connection: Connection;
  /** @throws the driver's error, with `code` and `sqlState`. */
  readonly execute: (sqlText: string, options?: Partial<StatementOption> & { binds?: Binds }) => Promise<DriverResult>;
  /** Starts a statement and returns the handle before it is finished, for cancelling. */
  readonly start: (sqlText: string) => { readonly statement: RowStatement; readonly done: Promise<DriverResult> };
  /** Logs out; a session that is already gone is no error. */
  readonly close: () => Promise<void>;
};

/** Connects Node's driver. @throws the driver's error when the login is refused. */
export async function connectNodeDriver(options: ConnectionOptions): Promise<NodeDriver> {
  const connection = snowflake.createConnection({ clientSessionKeepAlive: false, ...options });
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  const begin = (sqlText: string, more: Partial<StatementOption> = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<DriverResult>();
    const statement = connection.execute({
      ...more,
      sqlText,
      complete: (error, finished, rows) => {
        if (error) reject(error);
        else resolve({ statement: finished as RowStatement, rows: (rows ?? []) as readonly Record<string, unknown>[] });
      },
    });
    return { statement: statement as RowStatement, done: promise };
  };
  return {
    connection,
    execute: async (sqlText, more) => await begin(sqlText, more).done,
    start: (sqlText) => begin(sqlText),
    close: async () => await new Promise((resolve) => connection.destroy(() => resolve())),
  };
}
