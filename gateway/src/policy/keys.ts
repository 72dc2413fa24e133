import type { ColumnRef, ObjectName } from '../sql/facts.js';

/** Equal for equal names and only for them: the lengths say where each part ends. */
export function objectKey({ database, schema, name }: ObjectName): string {
  return `${database.length} ${schema.length} ${name.length} ${database}${schema}${name}`;
}

/** Equal for two mentions of one column. */
export function columnKey({ object, column }: ColumnRef): string {
  return `${objectKey(object)}${column}`;
}
