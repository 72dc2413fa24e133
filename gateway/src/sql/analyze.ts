import { canonicalText, Edits, writeText } from './canonical.js';
import { classify, headOf, type StatementHead } from './classify.js';
import { type Column, ColumnTable } from './columns.js';
import type {
  Analysis,
  Catalog,
  ColumnRef,
  Facts,
  ObjectName,
  QueryFacts,
  SessionContext,
  Unread,
  UnreadKind,
} from './facts.js';
import type { PlacedText } from './flow-facts.js';
import { type FlowFacts, NOTHING_FLOWS, readFlows, traceVariables } from './flows.js';
import { lex } from './lexer.js';
import { distinctNames, type NameParts, objectKey, qualify } from './names.js';
import { type ParsedQuery, parseQueryStatement } from './parse-query.js';
import { Refusal, type Span } from './refusal.js';
import { resolveQuery } from './resolve.js';
import { split } from './split.js';
import { readStatementFacts } from './statement.js';
import { loadTables } from './tables.js';
import { isIdentifier, isSymbol, type Token } from './tokens.js';

/** A text seen as one statement of a known class, or why it is none. */
export type StatementReading =
  | {
      readonly ok: true;
      readonly head: StatementHead;
      readonly tokens: readonly Token[];
      readonly canonicalText: string;
    }
  | {
      readonly ok: false;
      readonly head: StatementHead;
      readonly kind: UnreadKind;
      readonly detail: string;
      readonly canonicalText: string | undefined;
    };

/** The class of a text that is not one statement. */
const CLASS_OF_SPLIT = { empty: 'EMPTY', 'several-statements': 'MULTI', flow: 'FLOW', script: 'SCRIPT' } as const;

const DETAIL_OF_SPLIT = {
  empty: 'there is no statement',
  'several-statements': 'there is more than one statement',
  flow: 'a chain of statements (->>) is not analysed',
  script: 'a script block is not analysed',
} as const;

/**
 * The class of a text, without any knowledge of objects: lexed, cut into statements and classified by its leading
 * tokens. Never throws.
 */
export function readStatement(text: string): StatementReading {
  const lexed = lex(text);
  if (!lexed.ok) return unreadable(lexed.foreign ? headOf('UNKNOWN') : classOfPrefix(lexed.tokens), lexed);
  const statement = split(lexed.tokens);
  if (statement.kind !== 'one') {
    return unreadable(headOf(CLASS_OF_SPLIT[statement.kind]), {
      kind: statement.kind,
      detail: DETAIL_OF_SPLIT[statement.kind],
    });
  }
  const { tokens } = statement;
  const head = classify(tokens);
  try {
    const canonical = canonicalText(tokens);
    if (head.class !== 'UNKNOWN') return { ok: true, head, tokens, canonicalText: canonical };
    return { ...unreadable(head, UNKNOWN_STATEMENT), canonicalText: canonical };
  } catch (error) {
    return unreadable(head, reasonOf(error));
  }
}

const UNKNOWN_STATEMENT = { kind: 'unknown-statement', detail: 'the kind of statement is not known' } as const;

function unreadable(
  head: StatementHead,
  why: { readonly kind: UnreadKind; readonly detail: string },
): Extract<StatementReading, { ok: false }> {
  return { ok: false, head, kind: why.kind, detail: why.detail, canonicalText: undefined };
}

/** A refused text is refused whatever its class; the beginning tells people what it was about. */
function classOfPrefix(tokens: readonly Token[]): StatementHead {
  const statement = split(tokens);
  return statement.kind === 'one' ? classify(statement.tokens) : headOf('UNKNOWN');
}

interface Reason {
  readonly kind: UnreadKind;
  readonly detail: string;
  readonly needs: readonly ObjectName[];
  readonly span?: Span | undefined;
}

function reasonOf(error: unknown): Reason {
  if (error instanceof Refusal) {
    return { kind: error.kind, detail: error.message, needs: error.needs, span: error.span };
  }
  // A fault of ours must not become a statement that passes.
  return { kind: 'unknown-syntax', detail: 'the statement could not be analysed', needs: [] };
}

/**
 * What a statement is and touches. Pure and synchronous; never throws, whatever the text: what cannot be read whole and
 * without doubt comes back as `Unread` with its reason. Names are resolved as Snowflake does with
 * QUOTED_IDENTIFIERS_IGNORE_CASE off and the default SEARCH_PATH.
 */
export function analyze(text: string, session: SessionContext, catalog: Catalog): Analysis {
  const statement = readStatement(text);
  if (!statement.ok) return unread(statement, statement.head, { ...statement, needs: [] }, []);
  const { head } = statement;
  const seen: ObjectName[] = [];
  try {
    if (head.class === 'SELECT') return analyzeQuery(head, statement.tokens, session, catalog, seen);
    const facts = readStatementFacts(head, statement.tokens, session);
    const { flows, texts } = readFlows(head, statement.tokens, facts.carriesQuery, (query, beside) =>
      readPart(query, besideObject(beside, session), catalog),
    );
    const written = withFullNames(statement, texts);
    return {
      ...common(head, written.tokens),
      ...facts,
      ...flows,
      effect: traceVariables(facts.effect, flows.moved),
      objects: distinctNames([...facts.objects, ...readsOf(flows)]),
      writes: isDefinition(head) && flows.moved === undefined ? [] : facts.writes,
      canonicalText: written.canonicalText,
      query: undefined,
    };
  } catch (error) {
    return unread(statement, head, reasonOf(error), distinctNames(seen));
  }
}

function unread(
  statement: { readonly canonicalText: string | undefined },
  head: StatementHead,
  why: Reason,
  objects: readonly ObjectName[],
): Unread {
  return {
    read: false,
    class: head.class,
    verb: head.verb,
    objectType: head.objectType,
    kind: why.kind,
    detail: why.detail,
    ...(why.span === undefined ? {} : { span: { start: why.span.start, end: why.span.end } }),
    needs: why.needs,
    canonicalText: statement.canonicalText,
    objects,
  };
}

type Common = Pick<Facts, 'read' | 'class' | 'verb' | 'objectType' | 'identifiers' | 'placeholders'>;

function common(head: StatementHead, tokens: readonly Token[]): Common {
  return {
    read: true,
    class: head.class,
    verb: head.verb,
    objectType: head.objectType,
    identifiers: [...new Set(tokens.flatMap(identifiersOf))],
    placeholders: countPlaceholders(tokens),
  };
}

function identifiersOf(token: Token): readonly string[] {
  if (isIdentifier(token)) return [token.value];
  if (token.kind !== 'stage') return [];
  const path = /"((?:[^"]|"")*)"|[A-Za-z_][A-Za-z0-9_$]*/g;
  return [...token.raw.matchAll(path)].map((part) => part[1]?.replaceAll('""', '"') ?? part[0].toUpperCase());
}

function countPlaceholders(tokens: readonly Token[]): number {
  const numbered = new Set<string>();
  let anonymous = 0;
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (isSymbol(token, '?')) anonymous += 1;
    else if (isSymbol(token, ':') && next?.kind === 'number') numbered.add(next.value);
  }
  return anonymous + numbered.size;
}

// ---------------------------------------------------------------------------------------------- queries

/**
 * Analyses the text twice: as it came, and as it will be sent. Only the second reading is reported, and only if it agrees
 * with the first, so that what was analysed is what runs.
 */
function analyzeQuery(
  head: StatementHead,
  tokens: readonly Token[],
  session: SessionContext,
  catalog: Catalog,
  seen: ObjectName[],
): Facts {
  const { facts, identified } = readTwice(head, tokens, session, catalog, seen);
  return {
    ...common(head, identified),
    canonicalText: facts.text,
    objects: facts.reads,
    query: facts,
    effect: undefined,
    carriesQuery: false,
    ...NOTHING_FLOWS,
    writes: [],
    temporary: [],
  };
}

function readTwice(
  head: StatementHead,
  tokens: readonly Token[],
  session: SessionContext,
  catalog: Catalog,
  seen: ObjectName[],
): { readonly facts: QueryFacts; readonly identified: readonly Token[] } {
  const first = readQuery(tokens, session, catalog, seen);
  const again = readStatement(first.facts.text);
  if (!again.ok && again.kind === 'too-large') throw new Refusal('too-large', `with full names, ${again.detail}`);
  if (!again.ok || again.head.class !== head.class) throw disagreement();
  const second = readQuery(again.tokens, session, withViewTexts(catalog, first.viewTexts), seen);
  const isSame =
    second.facts.text === first.facts.text &&
    isSameQuery(first.facts, second.facts) &&
    [...second.viewTexts].every(([key, text]) => first.viewTexts.get(key) === text);
  if (!isSame) throw disagreement();
  return { facts: second.facts, identified: again.tokens };
}

const disagreement = (): Refusal => new Refusal('unknown-syntax', 'the statement cannot be written down unambiguously');

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

/** What is defined or changed receives data only when something moves. */
function isDefinition(head: StatementHead): boolean {
  return head.verb === 'ALTER' || head.verb === 'CTAS' || head.verb.startsWith('CREATE');
}

function readsOf(flows: FlowFacts): readonly ObjectName[] {
  return [flows.moved, flows.defined, flows.explained].flatMap((facts) =>
    typeof facts === 'object' ? facts.reads : [],
  );
}

type ReadStatement = Extract<StatementReading, { ok: true }>;

/** The statement with the queries in it as they were read, so that what was analysed is what runs. */
function withFullNames(statement: ReadStatement, texts: readonly PlacedText[]): ReadStatement {
  if (texts.length === 0) return statement;
  const edits = new Edits();
  for (const { place, text } of texts) edits.replace(place.from, place.to, text);
  const again = readStatement(writeText(statement.tokens, edits).text);
  if (!again.ok && again.kind === 'too-large') throw new Refusal('too-large', `with full names, ${again.detail}`);
  if (!again.ok || again.head.class !== statement.head.class) throw disagreement();
  return again;
}

function besideObject(parts: NameParts | undefined, session: SessionContext): SessionContext {
  if (parts === undefined) return session;
  const { database, schema } = qualify(parts, session);
  return { ...session, database, schema };
}

/** The facts of a query that stands in a statement or for a part of it. */
function readPart(text: string, session: SessionContext, catalog: Catalog): QueryFacts {
  const query = readStatement(text);
  if (!query.ok) throw new Refusal(query.kind, query.detail);
  if (query.head.class !== 'SELECT') throw new Refusal('unknown-syntax', 'a query was expected');
  return readTwice(query.head, query.tokens, session, catalog, []).facts;
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

function isSameObject(left: ObjectName, right: ObjectName): boolean {
  return (
    left === right || (left.name === right.name && left.schema === right.schema && left.database === right.database)
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
