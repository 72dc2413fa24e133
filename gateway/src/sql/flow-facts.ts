import type { ColumnRef, ObjectName, Output, QueryFacts } from './facts.js';
import type { FlowPart, FlowPlan, Place } from './flow-plan.js';
import { distinctNames, type NameParts, objectKey, quoteIdentifier } from './names.js';
import { Refusal, unknownSyntax } from './refusal.js';

/** Characters of all parts: branches of an INSERT ALL may repeat its query. */
const MAX_LENGTH = 400_000;

/** The facts of a query text, its names looked up beside an object or where the session is. Throws `Refusal`. */
export type ReadQuery = (text: string, beside?: NameParts) => QueryFacts;

/** A query of the statement with its names in full. */
export interface PlacedText {
  readonly place: Place;
  readonly text: string;
}

/** The lineage of everything a plan names, as that of one query. Throws `Refusal` where a part cannot be read. */
export function flowFacts(
  plan: FlowPlan,
  read: ReadQuery,
): { readonly facts: QueryFacts; readonly texts: readonly PlacedText[] } {
  const length = [...new Set(plan.parts.map((part) => part.query))].reduce((sum, query) => sum + query.length, 0);
  if (length > MAX_LENGTH) throw new Refusal('too-large', 'the statement has too many branches');
  const readPart = readOnce(read);
  const all = plan.parts.map((part) => partFacts(part, readPart));
  const texts = plan.parts.flatMap(({ place }, index) => {
    const text = all[index]?.text;
    return place === undefined || text === undefined ? [] : [{ place, text }];
  });
  return { facts: joinFacts(all), texts };
}

/** Parts may be the same query. */
function readOnce(read: ReadQuery): ReadQuery {
  const known = new Map<string, QueryFacts>();
  return (text, beside) => {
    const key = JSON.stringify([text, beside]);
    const facts = known.get(key) ?? read(text, beside);
    known.set(key, facts);
    return facts;
  };
}

function partFacts(part: FlowPart, read: ReadQuery): QueryFacts {
  const target = part.target === undefined ? undefined : read(part.target).reads[0];
  const facts = withoutTarget(read(part.query, part.beside), target);
  if (part.role === 'decides') {
    const predicate = distinctColumns([...facts.predicate, ...facts.outputs.flatMap((output) => output.sources)]);
    return { ...facts, outputs: [], predicate };
  }
  if (part.names !== undefined && part.names.length !== facts.outputs.length) {
    unknownSyntax('a column list does not have the length of its query');
  }
  const named = facts.outputs.map((output, index) => ({ ...output, name: part.names?.[index] ?? output.name }));
  return { ...facts, outputs: target === undefined ? named : named.map((output) => withoutOwn(output, target)) };
}

/** The changed table counts as read only where it stands a second time. */
function withoutTarget(facts: QueryFacts, target: ObjectName | undefined): QueryFacts {
  if (target === undefined) return facts;
  const isTarget = (object: ObjectName): boolean => objectKey(object) === objectKey(target);
  if (facts.sources.filter((site) => isTarget(site.object)).length !== 1) return facts;
  return { ...facts, reads: facts.reads.filter((object) => !isTarget(object)) };
}

/** What a column holds already moves nowhere when it is assigned to that column. */
function withoutOwn(output: Output, target: ObjectName): Output {
  const isOwn = (column: ColumnRef): boolean =>
    column.column === output.name && objectKey(column.object) === objectKey(target);
  const direct = output.direct === undefined || isOwn(output.direct) ? undefined : output.direct;
  return { ...output, direct, sources: output.sources.filter((column) => !isOwn(column)) };
}

function joinFacts(all: readonly QueryFacts[]): QueryFacts {
  const [first, ...others] = all;
  if (first === undefined) unknownSyntax('there is nothing to trace');
  return others.reduce(joinTwo, first);
}

/** The second text stands behind the first, `; ` between them, and its places move with it. */
function joinTwo(one: QueryFacts, other: QueryFacts): QueryFacts {
  const moved = one.text.length + SEPARATOR.length;
  return {
    ...one,
    text: `${one.text}${SEPARATOR}${other.text}`,
    sources: [
      ...one.sources,
      ...other.sources.map((site) => ({ ...site, start: site.start + moved, end: site.end + moved })),
    ],
    outputs: [...one.outputs, ...other.outputs],
    reads: distinctNames([...one.reads, ...other.reads]),
    predicate: distinctColumns([...one.predicate, ...other.predicate]),
    computed: distinctColumns([...one.computed, ...other.computed]),
    revealing: distinctColumns([...one.revealing, ...other.revealing]),
  };
}

const SEPARATOR = '; ';

/** Each column once, in the order of first appearance. */
export function distinctColumns(columns: readonly ColumnRef[]): readonly ColumnRef[] {
  const key = (column: ColumnRef): string => `${objectKey(column.object)}.${quoteIdentifier(column.column)}`;
  return [...new Map(columns.map((column) => [key(column), column])).values()];
}
