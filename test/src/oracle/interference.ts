import { createMasker } from '@piste/gateway/dist/masking/index.js';
import type { ConnectionPolicy, MaskObligation, Requester } from '@piste/gateway/dist/policy/index.js';
import { protectionsOf } from '@piste/gateway/dist/policy/protection.js';
import type { QueryFacts } from '@piste/gateway/dist/sql/index.js';
import type { Outcome, Table } from './execution.js';
import type { Random } from './random.js';
import { type BaseTable, isColumn, TABLES } from './world.js';

/** Rows as text, in the order that counts: the result's own if the statement sorts, else any. */
export function rowsKey(rows: readonly (readonly unknown[])[], ordered: boolean): string {
  const lines = rows.map((row) => JSON.stringify(row));
  return (ordered ? lines : lines.sort()).join('\n');
}

/**
 * Why a changed column shows where the analysis says it cannot: undefined when it does not. Outputs that name the column
 * among their sources may change; a column of the predicate may change everything; a revealing one may make the statement
 * fail, or settle ties where windows sort.
 */
export function unexplained(
  facts: QueryFacts,
  { table, column }: { readonly table: BaseTable; readonly column: number },
  before: Table,
  after: Outcome,
  { ordered, windows }: { readonly ordered: boolean; readonly windows: boolean },
): string | undefined {
  if (after.kind === 'slow' || facts.predicate.some((ref) => isColumn(ref, table, column))) return undefined;
  const reveals = facts.revealing.some((ref) => isColumn(ref, table, column));
  if (after.kind === 'error') {
    return reveals || mayFailInView(facts, table, column) ? undefined : `the statement fails now: ${after.message}`;
  }
  if (reveals && windows) return undefined;
  const free = facts.outputs.flatMap((output, index) =>
    output.sources.some((ref) => isColumn(ref, table, column)) ? [] : [index],
  );
  const project = (rows: Table['rows']): string =>
    rowsKey(
      rows.map((row) => free.map((index) => row[index])),
      ordered,
    );
  if (before.rows.length !== after.table.rows.length) return 'the number of rows changes';
  return project(before.rows) === project(after.table.rows) ? undefined : 'an output changes that does not name it';
}

/** A view may fail by what its author wrote: that much about a value is not hidden, only the error's text is. */
export function mayFailInView(facts: QueryFacts, table: BaseTable, column: number): boolean {
  const readsView = facts.reads.some((object) => /^V[0-9]$/.test(object.name));
  return readsView && facts.computed.some((ref) => isColumn(ref, table, column));
}

/** Values of an output that claims to be a copy of a base column, and are none of that column's. */
export function falseCopies(
  facts: QueryFacts,
  table: Table,
  valuesOf: (table: BaseTable, column: number) => ReadonlySet<string>,
): boolean {
  return facts.outputs.some(({ direct }, index) => {
    if (direct === undefined) return false;
    for (const base of TABLES) {
      const column = base.columns.findIndex((_, at) => isColumn(direct, base, at));
      if (column < 0) continue;
      const values = valuesOf(base, column);
      return table.rows.some((row) => row[index] != null && !values.has(row[index]));
    }
    return true;
  });
}

/** Policies that mask without leaving anything of the value but whether it is NULL. */
export function randomPolicy(random: Random): ConnectionPolicy {
  const actions = [
    { type: 'Redact' },
    { type: 'Null' },
    { type: 'Partial', keepFirst: 0, keepLast: 0, replacement: '#' },
    { type: 'Constant', value: '0' },
    { type: 'Deny' },
  ] as const;
  const pattern = () => {
    const table = random.pick(TABLES);
    return {
      database: 'APP',
      schema: random.chance(0.7) ? table.schema : '*',
      object: random.chance(0.7) ? table.name : '*',
      column: random.chance(0.95) ? random.pick(table.columns).name : '*',
    };
  };
  const rules = Array.from({ length: 1 + random.below(2) }, (_, index) => ({
    name: `r${index}`,
    columns: Array.from({ length: 1 + random.below(2) }, pattern),
    action: random.pick(actions),
    unless: [],
  }));
  const onUnresolved = random.pick(['Deny', 'MaskAll'] as const);
  const predicates = random.pick(['Mask', 'Mask', 'Mask', 'Allow', 'Deny'] as const);
  return {
    connection: 'c',
    revision: 'r',
    allowedRoles: ['R'],
    unmatchedObjects: 'Allow',
    rules: [],
    maskingPolicies: [{ name: 'm', enforcement: 'Enforce', onUnresolved, predicates, rules }],
    rejected: [],
  };
}

/** Does the policy leave real values to filters, joins and sorts? Then rows tell of them, by the owner's own choice. */
export function showsInPredicates({ maskingPolicies }: ConnectionPolicy): boolean {
  return maskingPolicies.some(({ predicates }) => predicates === 'Allow');
}

export function isProtected(table: BaseTable, column: number, who: Requester, policy: ConnectionPolicy): boolean {
  const name = table.columns[column]?.name ?? '';
  const object = { database: 'APP', schema: table.schema, name: table.name };
  return protectionsOf({ object, column: name }, who, policy).length > 0;
}

const masker = createMasker({ keys: new Map() });

/** The rows that would leave the gateway. */
export function delivered(table: Table, masks: readonly MaskObligation[]): Table['rows'] {
  const rowtype = table.names.map((name, index) => ({ name, type: table.types[index] ?? 'text' }));
  return masker.maskRows(rowtype, table.rows, masks).rows.map((row) => row.map((cell) => cell));
}
