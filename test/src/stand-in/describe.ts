import type { Catalog } from './catalog.js';
import { type Column, type Table, textTable } from './columns.js';
import { missingObject } from './failures.js';
import { isToken, type Token } from './lexer.js';
import { completeName, qualified, readName } from './names.js';
import { describeColumns, listObjects } from './objects.js';
import type { Session } from './sessions.js';

/** DESCRIBE TABLE and DESCRIBE VIEW. @throws SnowflakeFailure 002003 */
export async function describe(tokens: readonly Token[], session: Session, catalog: Catalog): Promise<Table> {
  const at = isToken(tokens[1], 'TABLE') || isToken(tokens[1], 'VIEW') ? 2 : 1;
  const name = completeName(session, readName(tokens, at).parts);
  catalog.checkSchema(name.database, name.schema);
  const object = (await listObjects(session, name)).find((found) => found.name === name.name);
  if (object === undefined) throw missingObject('Table', qualified(name));
  const rows = (await describeColumns(session, object)).map(({ name: columnName, sqlColumn, defaultText }) => [
    columnName,
    typeText(sqlColumn),
    'COLUMN',
    sqlColumn.nullable ? 'Y' : 'N',
    defaultText,
    'N',
    'N',
    null,
    null,
    null,
    null,
    null,
  ]);
  return textTable(
    [
      'name',
      'type',
      'kind',
      'null?',
      'default',
      'primary key',
      'unique key',
      'check',
      'expression',
      'comment',
      'policy name',
      'privacy domain',
    ],
    rows,
  );
}

function typeText(from: Column): string {
  switch (from.type) {
    case 'fixed':
      return `NUMBER(${from.precision},${from.scale})`;
    case 'text':
      return `VARCHAR(${from.length})`;
    case 'binary':
      return `BINARY(${from.length})`;
    case 'real':
      return 'FLOAT';
    case 'time':
    case 'timestamp_ntz':
    case 'timestamp_ltz':
    case 'timestamp_tz':
      return `${from.type.toUpperCase()}(${from.scale})`;
    case 'boolean':
    case 'date':
    case 'variant':
    case 'object':
    case 'array':
    case 'geography':
      return from.type.toUpperCase();
  }
}
