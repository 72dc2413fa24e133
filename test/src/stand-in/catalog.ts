import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { sessionMacros } from './dialect.js';
import { missingObject, objectExists } from './failures.js';
import { quoteName, quoteString } from './lexer.js';
import type { ObjectName } from './names.js';
import { nameKey } from './names.js';
import { dropTags, noTags } from './tags.js';

/** What Snowflake knows about a view and DuckDB does not keep. */
export type ViewFacts = { readonly text: string; readonly isSecure: boolean; readonly comment: string };

/** A stage and the files in it; files live in memory. */
export type Stage = { readonly createdOn: number; readonly files: Map<string, Uint8Array> };

/** Where DuckDB keeps what is not a Snowflake database: it is the catalogue of a fresh in-memory instance. */
const home = 'memory';

/**
 * The databases of the stand-in: one DuckDB instance in memory, one attached DuckDB database per Snowflake database, and
 * the facts that only Snowflake has. `close` releases the instance; sessions close their own connections first.
 */
export class Catalog {
  readonly views = new Map<string, ViewFacts>();
  readonly stages = new Map<string, Stage>();
  readonly createdOn = new Map<string, number>();
  readonly warehouses = new Set<string>();
  readonly roles = new Set<string>();
  readonly tags = noTags();
  readonly #instance: DuckDBInstance;
  readonly #admin: DuckDBConnection;
  readonly #clock: () => number;
  readonly #schemas = new Map<string, Set<string>>();

  private constructor(instance: DuckDBInstance, admin: DuckDBConnection, clock: () => number) {
    this.#instance = instance;
    this.#admin = admin;
    this.#clock = clock;
  }

  static async open(clock: () => number): Promise<Catalog> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    return new Catalog(instance, await instance.connect(), clock);
  }

  /** A connection with the functions Snowflake has and DuckDB lacks. */
  async connect(): Promise<DuckDBConnection> {
    const connection = await this.#instance.connect();
    await connection.run(`SET TimeZone = 'UTC'; ${sessionMacros.join('; ')}`);
    return connection;
  }

  async createDatabase(name: string, mode: 'new' | 'if-not-exists' | 'or-replace'): Promise<boolean> {
    if (this.#schemas.has(name)) {
      if (mode === 'if-not-exists') return false;
      if (mode === 'new') throw objectExists(name);
      await this.dropDatabase(name);
    }
    await this.#admin.run(`ATTACH ':memory:' AS ${quoteName(name)}`);
    this.#schemas.set(name, new Set());
    this.createdOn.set(name, this.#clock());
    await this.#createInformationSchema(name);
    await this.createSchema(name, 'PUBLIC', 'new');
    return true;
  }

  async dropDatabase(name: string): Promise<void> {
    this.checkDatabase(name);
    await this.#admin.run(`DETACH ${quoteName(name)}`);
    await this.#admin.run(`DROP SCHEMA ${home}.${quoteName(`IS_${name}`)} CASCADE`);
    this.#schemas.delete(name);
    this.#forget(`${name}.`);
    dropTags(this.tags, [name]);
  }

  async createSchema(database: string, name: string, mode: 'new' | 'if-not-exists' | 'or-replace'): Promise<boolean> {
    this.checkDatabase(database);
    if (this.hasSchema(database, name)) {
      if (mode === 'if-not-exists') return false;
      if (mode === 'new') throw objectExists(name);
      await this.dropSchema(database, name);
    }
    await this.#admin.run(`CREATE SCHEMA ${quoteName(database)}.${quoteName(name)}`);
    this.#schemas.get(database)?.add(name);
    this.createdOn.set(`${database}.${name}`, this.#clock());
    return true;
  }

  async dropSchema(database: string, name: string): Promise<void> {
    this.checkSchema(database, name);
    await this.#admin.run(`DROP SCHEMA ${quoteName(database)}.${quoteName(name)} CASCADE`);
    this.#schemas.get(database)?.delete(name);
    this.#forget(`${database}.${name}.`);
    dropTags(this.tags, [database, name]);
  }

  databases(): readonly string[] {
    return [...this.#schemas.keys()].sort();
  }

  schemas(database: string): readonly string[] {
    return [...(this.#schemas.get(database) ?? [])].sort();
  }

  hasDatabase(name: string): boolean {
    return this.#schemas.has(name);
  }

  hasSchema(database: string, name: string): boolean {
    return this.#schemas.get(database)?.has(name) === true;
  }

  /** @throws SnowflakeFailure 002003 */
  checkDatabase(name: string): void {
    if (!this.hasDatabase(name)) throw missingObject('Database', name);
  }

  /** @throws SnowflakeFailure 002003 */
  checkSchema(database: string, name: string): void {
    this.checkDatabase(database);
    if (!this.hasSchema(database, name)) throw missingObject('Schema', `${database}.${name}`);
  }

  /** Remembers that a table or view was made now. */
  noteCreated(name: ObjectName): void {
    this.createdOn.set(nameKey(name), this.#clock());
  }

  createStage(name: ObjectName): Stage {
    const stage: Stage = { createdOn: this.#clock(), files: new Map() };
    this.stages.set(nameKey(name), stage);
    return stage;
  }

  /** The view that answers for `DATABASE.INFORMATION_SCHEMA.<view>` where DuckDB knows all that it shows. */
  informationView(database: string, view: string): string {
    this.checkDatabase(database);
    return `${home}.${quoteName(`IS_${database}`)}.${quoteName(view)}`;
  }

  close(): void {
    this.#admin.closeSync();
    this.#instance.closeSync();
  }

  #forget(prefix: string): void {
    for (const map of [this.views, this.stages, this.createdOn]) {
      for (const key of map.keys()) if (key.startsWith(prefix)) map.delete(key);
    }
  }

  async #createInformationSchema(database: string): Promise<void> {
    const schema = `${home}.${quoteName(`IS_${database}`)}`;
    const here = `database_name = ${quoteString(database)}`;
    await this.#admin.run(`CREATE SCHEMA ${schema}`);
    await this.#admin.run(`CREATE VIEW ${schema}."SCHEMATA" AS
      SELECT database_name AS "CATALOG_NAME", schema_name AS "SCHEMA_NAME", 'SYSADMIN' AS "SCHEMA_OWNER"
      FROM duckdb_schemas() WHERE ${here} AND NOT internal`);
    await this.#admin.run(`CREATE VIEW ${schema}."DATABASES" AS
      SELECT database_name AS "DATABASE_NAME", 'SYSADMIN' AS "DATABASE_OWNER" FROM duckdb_databases()
      WHERE NOT internal AND database_name <> '${home}'`);
  }
}
