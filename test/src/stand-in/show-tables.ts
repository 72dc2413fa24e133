import type { Catalog } from './catalog.js';
import { type Cell, type Column, type ColumnType, column, type Table } from './columns.js';
import { missingObject, unsupported } from './failures.js';
import { completeName, nameKey, qualified } from './names.js';
import { type DatabaseObject, describeColumns, listObjects } from './objects.js';
import { defaultOf } from './parameters.js';
import type { Session } from './sessions.js';

/** Where SHOW looks: the account, a database, a schema, or the columns of one table. */
export type ShowScope = {
  readonly database?: string;
  readonly schema?: string;
  readonly object?: readonly string[];
};

/** A SHOW statement, read. */
export type ShowRequest = {
  readonly what: string;
  readonly matches: (name: string) => boolean;
  readonly scope: ShowScope;
};

/** Rows as SHOW builds them: one object per row, the same members in Snowflake's column order. */
type Row = Readonly<Record<string, Cell>>;

const types: Readonly<Record<string, ColumnType>> = { created_on: 'timestamp_ltz', rows: 'fixed', bytes: 'fixed' };

function toTable(names: string, rows: readonly Row[]): Table {
  const columns = names
    .split(' ')
    .map((name) => column(name, types[name] ?? 'text', name === 'created_on' ? { scale: 3 } : {}));
  return { columns, rows: rows.map((row) => columns.map(({ name }) => row[name] ?? null)) };
}

/** The answer to one SHOW statement. @throws SnowflakeFailure 002003 missing object, 000002 unknown kind. */
export async function showTable(request: ShowRequest, session: Session, catalog: Catalog): Promise<Table> {
  switch (request.what) {
    case 'TABLES':
    case 'VIEWS':
    case 'OBJECTS':
      return await showObjects(request, session, catalog);
    case 'COLUMNS':
      return await showColumns(request, session, catalog);
    case 'SCHEMAS':
      return showSchemas(request, session, catalog);
    case 'DATABASES':
      return showDatabases(request, session, catalog);
    case 'PARAMETERS':
      return showParameters(request, session);
    case 'WAREHOUSES':
      return showWarehouses(request, catalog);
    case 'ROLES':
      return showRoles(request, session, catalog);
    case 'STAGES':
      return showStages(request, catalog);
    case 'VARIABLES':
      return showVariables(request, session);
    // Constraints are not kept: Snowflake does not enforce them and no driver needs them to connect.
    case 'PRIMARY KEYS':
      return toTable(primaryKeyColumns, []);
    case 'IMPORTED KEYS':
      return toTable(importedKeyColumns, []);
    default:
      throw unsupported(`SHOW ${request.what}`);
  }
}

const objectColumns =
  'created_on name database_name schema_name kind comment cluster_by rows bytes owner retention_time owner_role_type';
const viewColumns =
  'created_on name reserved database_name schema_name owner comment text is_secure is_materialized owner_role_type change_tracking';
const columnColumns =
  'table_name schema_name column_name data_type null? default kind expression comment database_name autoincrement schema_evolution_record';
const schemaColumns =
  'created_on name is_default is_current database_name owner comment options retention_time owner_role_type';
const databaseColumns =
  'created_on name is_default is_current origin owner comment options retention_time kind owner_role_type';
const roleColumns =
  'created_on name is_default is_current is_inherited assigned_to_users granted_to_roles granted_roles owner comment';
const primaryKeyColumns =
  'created_on database_name schema_name table_name column_name key_sequence constraint_name rely comment';
const importedKeyColumns =
  'created_on pk_database_name pk_schema_name pk_table_name pk_column_name fk_database_name fk_schema_name fk_table_name ' +
  'fk_column_name key_sequence update_rule delete_rule fk_name pk_name deferrability rely comment';

const owner = 'SYSADMIN';
/** Snowflake shows storage; the stand-in only needs a number that grows with the rows. */
const bytesPerRow = 64n;

function nanos(milliseconds: number | undefined): bigint {
  return BigInt(milliseconds ?? 0) * 1_000_000n;
}

async function showObjects(request: ShowRequest, session: Session, catalog: Catalog): Promise<Table> {
  const { what, matches, scope } = request;
  const found = (await listObjects(session, scope)).filter(
    (object) => matches(object.name) && (what === 'OBJECTS' || what === `${object.kind}S`),
  );
  if (what === 'VIEWS')
    return toTable(
      viewColumns,
      found.map((view) => viewRow(view, catalog)),
    );
  const rows = found.map((object) => ({
    created_on: nanos(catalog.createdOn.get(nameKey(object))),
    name: object.name,
    database_name: object.database,
    schema_name: object.schema,
    kind: object.isTemporary ? 'TEMPORARY' : object.kind,
    comment: '',
    cluster_by: '',
    rows: object.rows,
    bytes: object.rows === null ? null : object.rows * bytesPerRow,
    owner,
    retention_time: '1',
    owner_role_type: 'ROLE',
  }));
  return toTable(objectColumns, rows);
}

function viewRow(view: DatabaseObject, catalog: Catalog): Row {
  const facts = catalog.views.get(nameKey(view));
  return {
    created_on: nanos(catalog.createdOn.get(nameKey(view))),
    name: view.name,
    reserved: '',
    database_name: view.database,
    schema_name: view.schema,
    owner,
    comment: facts?.comment ?? '',
    text: facts?.text ?? '',
    is_secure: String(facts?.isSecure ?? false),
    is_materialized: 'false',
    owner_role_type: 'ROLE',
    change_tracking: 'OFF',
  };
}

async function showColumns(request: ShowRequest, session: Session, catalog: Catalog): Promise<Table> {
  const object = request.scope.object === undefined ? undefined : completeName(session, request.scope.object);
  if (object !== undefined) catalog.checkSchema(object.database, object.schema);
  const objects = (await listObjects(session, object ?? request.scope)).filter(
    (found) => object === undefined || found.name === object.name,
  );
  if (object !== undefined && objects.length === 0) throw missingObject('Table', qualified(object).replaceAll('"', ''));
  const rows: Row[] = [];
  for (const found of objects) {
    for (const { name, sqlColumn, defaultText } of await describeColumns(session, found)) {
      if (!request.matches(name)) continue;
      rows.push({
        table_name: found.name,
        schema_name: found.schema,
        column_name: name,
        data_type: dataTypeJson(sqlColumn),
        'null?': sqlColumn.nullable ? 'true' : 'NOT_NULL',
        default: defaultText,
        kind: 'COLUMN',
        expression: '',
        comment: '',
        database_name: found.database,
        autoincrement: '',
        schema_evolution_record: null,
      });
    }
  }
  return toTable(columnColumns, rows);
}

function dataTypeJson(from: Column): string {
  const { type, nullable } = from;
  if (type === 'fixed')
    return JSON.stringify({ type: 'FIXED', precision: from.precision, scale: from.scale, nullable });
  if (type === 'text')
    return JSON.stringify({ type: 'TEXT', length: from.length, byteLength: from.byteLength, nullable, fixed: false });
  if (type === 'binary')
    return JSON.stringify({ type: 'BINARY', length: from.length, byteLength: from.byteLength, nullable, fixed: true });
  if (from.scale !== null)
    return JSON.stringify({ type: type.toUpperCase(), precision: 0, scale: from.scale, nullable });
  return JSON.stringify({ type: type.toUpperCase(), nullable });
}

function showSchemas(request: ShowRequest, session: Session, catalog: Catalog): Table {
  const databases = request.scope.database === undefined ? catalog.databases() : [request.scope.database];
  const rows = databases.flatMap((database) =>
    [...catalog.schemas(database), 'INFORMATION_SCHEMA']
      .filter(request.matches)
      .sort()
      .map((name) => ({
        created_on: nanos(catalog.createdOn.get(`${database}.${name}`)),
        name,
        is_default: 'N',
        is_current: database === session.database && name === session.schema ? 'Y' : 'N',
        database_name: database,
        owner,
        comment: '',
        options: '',
        retention_time: '1',
        owner_role_type: 'ROLE',
      })),
  );
  return toTable(schemaColumns, rows);
}

function showDatabases(request: ShowRequest, session: Session, catalog: Catalog): Table {
  const rows = catalog
    .databases()
    .filter(request.matches)
    .map((name) => ({
      created_on: nanos(catalog.createdOn.get(name)),
      name,
      is_default: 'N',
      is_current: name === session.database ? 'Y' : 'N',
      origin: '',
      owner,
      comment: '',
      options: '',
      retention_time: '1',
      kind: 'STANDARD',
      owner_role_type: 'ROLE',
    }));
  return toTable(databaseColumns, rows);
}

function showParameters(request: ShowRequest, session: Session): Table {
  const rows = [...session.parameters]
    .filter(([name]) => request.matches(name))
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, value]) => {
      const standard = String(defaultOf(key));
      const type = typeof value === 'boolean' ? 'BOOLEAN' : typeof value === 'number' ? 'NUMBER' : 'STRING';
      const level = String(value) === standard ? '' : 'SESSION';
      return { key, value: String(value), default: standard, level, description: '', type };
    });
  return toTable('key value default level description type', rows);
}

function showWarehouses(request: ShowRequest, catalog: Catalog): Table {
  const rows = [...catalog.warehouses]
    .filter(request.matches)
    .map((name) => ({ name, state: 'STARTED', type: 'STANDARD', size: 'X-Small', comment: '' }));
  return toTable('name state type size comment', rows);
}

function showRoles(request: ShowRequest, session: Session, catalog: Catalog): Table {
  const rows = [...catalog.roles].filter(request.matches).map((name) => ({
    created_on: null,
    name,
    is_default: 'N',
    is_current: name === session.role ? 'Y' : 'N',
    is_inherited: 'N',
    assigned_to_users: '0',
    granted_to_roles: '0',
    granted_roles: '0',
    owner: '',
    comment: '',
  }));
  return toTable(roleColumns, rows);
}

function showStages(request: ShowRequest, catalog: Catalog): Table {
  const rows = [...catalog.stages].flatMap(([key, stage]): Row[] => {
    const [database = '', schema = '', name = ''] = key.split('.');
    if (database === '' || !request.matches(name)) return [];
    const created = nanos(stage.createdOn);
    return [{ created_on: created, name, database_name: database, schema_name: schema, url: '', type: 'INTERNAL' }];
  });
  return toTable('created_on name database_name schema_name url type', rows);
}

function showVariables(request: ShowRequest, session: Session): Table {
  const rows = [...session.variables]
    .filter(([name]) => request.matches(name))
    .map(([name, value]) => ({
      session_id: String(session.id),
      name,
      value: String(value),
      type: typeof value === 'number' ? 'fixed' : 'text',
    }));
  return toTable('session_id name value type', rows);
}
