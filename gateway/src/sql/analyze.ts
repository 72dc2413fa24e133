import { Edits, writeText } from './canonical.js';
import type { StatementHead } from './classify.js';
import type { Analysis, Catalog, Facts, ObjectName, QueryFacts, SessionContext, Unread } from './facts.js';
import type { PlacedText } from './flow-facts.js';
import { type FlowFacts, NOTHING_FLOWS, readFlows, traceVariables } from './flows.js';
import { distinctNames, type NameParts, qualify } from './names.js';
import { disagreement, readTwice } from './read-query.js';
import { type Reason, readStatement, reasonOf, type StatementReading } from './read-statement.js';
import { Refusal } from './refusal.js';
import { readStatementFacts } from './statement.js';
import { isIdentifier, isSymbol, type Token } from './tokens.js';

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
