import type { StatementHead } from './classify.js';
import { type Column, ColumnTable } from './columns.js';
import type { Catalog, ColumnRef, ObjectName, QueryFacts, SessionContext } from './facts.js';
import { isSameObject, objectKey, qualify } from './names.js';
import { type ParsedQuery, parseQueryStatement } from './parse-query.js';
import { readTokens } from './read-statement.js';
import { Refusal } from './refusal.js';
import { resolveQuery } from './resolve.js';
import { loadTables } from './tables.js';
import type { Token } from './tokens.js';

/**
 * The facts of a query, and the tokens of the text they are about. Reads it twice: as it came, and as it will be sent. Only the
 * second reading is told, and only if it agrees with the first, so that what was analysed is what runs. Throws `Refusal`.
 */
export function readTwice(
  head: StatementHead,
  tokens: readonly Token[],
  session: SessionContext,
  catalog: Catalog,
  seen: ObjectName[],
): { readonly facts: QueryFacts; readonly identified: readonly Token[] } {
  const first = readQuery(tokens, session, catalog, seen);
  const again = readTokens(first.facts.text);
  if ('kind' in again && again.kind === 'too-large') throw new Refusal('too-large', `with full names, ${again.detail}`);
  if (!('tokens' in again) || again.head.class !== head.class) throw disagreement();
  const second = readQuery(again.tokens, session, withViewTexts(catalog, first.viewTexts), seen);
  const isSame =
    second.facts.text === first.facts.text &&
    isSameQuery(first.facts, second.facts) &&
    [...second.viewTexts].every(([key, text]) => first.viewTexts.get(key) === text);
  if (!isSame) throw disagreement();
  return { facts: second.facts, identified: again.tokens };
}

/** The text means something else when it is written down. */
export const disagreement = (): Refusal =>
  new Refusal('unknown-syntax', 'the statement cannot be written down unambiguously');

/** The same objects, views with the texts that would be sent for them. */
function withViewTexts(catalog: Catalog, viewTexts: ReadonlyMap<string, string>): Catalog {
  if (viewTexts.size === 0) return catalog;
  return {
    isPureFunction: (name) => catalog.isPureFunction?.(name) === true,
    find(name) {
      const object = catalog.find(name);
      if (typeof object === 'string' || object.kind !== 'view') return object;
      return { ...object, definition: viewTexts.get(objectKey(name)) };
    },
  };
}

/** Each output costs work in every room behind this one; a short text of stars can ask for millions. */
const MAX_OUTPUTS = 10_000;

interface QueryReading {
  readonly facts: QueryFacts;
  readonly viewTexts: ReadonlyMap<string, string>;
}

function readQuery(
  tokens: readonly Token[],
  session: SessionContext,
  catalog: Catalog,
  seen: ObjectName[],
): QueryReading {
  const parsed = parseQueryStatement(tokens);
  noteTables(parsed, session, seen);
  const columns = new ColumnTable();
  const worked = { computed: new Set<number>(), revealing: new Set<number>() };
  const tables = loadTables(parsed, session, catalog, columns, worked);
  const { relationOf } = tables;
  const { edits } = parsed;
  const relation = resolveQuery(parsed.query, {
    columns,
    worked,
    relationOf,
    tokens,
    edits,
    facts: session.facts,
    isAimed: true,
  });
  if (relation.columns.length > MAX_OUTPUTS) {
    throw new Refusal('too-large', `the query gives more than ${MAX_OUTPUTS} columns`);
  }
  const facts: QueryFacts = {
    ...tables.maskable(parsed),
    outputs: relation.columns.map((column) => output(column, columns)),
    reads: tables.reads,
    predicate: columns.refs(relation.predicate),
    computed: columns.refs(worked.computed),
    revealing: columns.refs(worked.revealing),
  };
  return { facts, viewTexts: tables.viewTexts };
}

/** What an unread query names is told as far as it can be qualified: people who decide about it want to see it. */
function noteTables(parsed: ParsedQuery, session: SessionContext, seen: ObjectName[]): void {
  for (const table of parsed.tables) seen.push(qualify(table.parts, session));
}

function output(column: Column, columns: ColumnTable): QueryFacts['outputs'][number] {
  return { name: column.name, sources: columns.refs(column.sources), direct: columns.ref(column.direct) };
}

function isSameQuery(one: QueryFacts, other: QueryFacts): boolean {
  return (
    isSameList(one.reads, other.reads, isSameObject) &&
    isSameList(one.predicate, other.predicate, isSameColumn) &&
    isSameList(one.computed, other.computed, isSameColumn) &&
    isSameList(one.revealing, other.revealing, isSameColumn) &&
    isSameList(
      one.outputs,
      other.outputs,
      (left, right) =>
        left.name === right.name &&
        isSameList(left.sources, right.sources, isSameColumn) &&
        (left.direct === undefined ? right.direct === undefined : isSameColumn(left.direct, right.direct)),
    )
  );
}

function isSameColumn(left: ColumnRef, right: ColumnRef | undefined): boolean {
  return right !== undefined && left.column === right.column && isSameObject(left.object, right.object);
}

function isSameList<T>(left: readonly T[], right: readonly T[], same: (one: T, other: T) => boolean): boolean {
  return (
    left.length === right.length &&
    left.every((entry, index) => {
      const other = right[index];
      return other !== undefined && same(entry, other);
    })
  );
}
