import { parseTime, TIME_FORMS } from '../time.js';

/** What a term may ask of a field. */
export const SEARCH_FIELDS = [
  'table',
  'column',
  'class',
  'agent',
  'who',
  'decision',
  'rule',
  'error',
  'qid',
  'session',
] as const;
export type SearchField = (typeof SEARCH_FIELDS)[number];

/** Every decision a record can hold. */
export const DECISIONS = ['allow', 'hold', 'block', 'approved', 'denied', 'expired', 'withdrawn', 'refused'] as const;

export type BytesOperator = '>' | '>=' | '<' | '<=' | '=';

/** One condition; a hit meets all of them. */
export type SearchTerm = { readonly negated: boolean } & (
  | { readonly kind: 'text'; readonly text: string; readonly isPrefix: boolean }
  /** `parts` of the value between its wildcards, folded to lower case: `crm.*` is `['crm.', '']`. */
  | { readonly kind: 'field'; readonly field: SearchField; readonly parts: readonly string[] }
  | { readonly kind: 'since' | 'until'; readonly atMs: number }
  | { readonly kind: 'bytes'; readonly operator: BytesOperator; readonly bytes: number }
);

/** What is wrong with a query, and where in it: UTF-16 units, `to` exclusive. */
export interface QueryComplaint {
  readonly message: string;
  readonly from: number;
  readonly to: number;
}

export type QueryResult =
  | { readonly ok: true; readonly terms: readonly SearchTerm[] }
  | { readonly ok: false; readonly complaint: QueryComplaint };

/** A query that cannot be understood. */
class QueryProblem extends Error {
  readonly complaint: QueryComplaint;
  constructor(message: string, from: number, to: number) {
    super(message);
    this.complaint = { message, from, to };
  }
}

/** A word of the query: what stands before its value, and the value. */
interface Word {
  readonly from: number;
  readonly to: number;
  readonly negated: boolean;
  /** What stands before the value: `table:`, `bytes>=`; empty for plain words. */
  readonly lead: string;
  readonly value: string;
  readonly isQuoted: boolean;
  readonly valueFrom: number;
}

const WORD = /(-?)((?:[A-Za-z_]+:|[A-Za-z_]+[<>]=?|[A-Za-z_]+=)?)("(?:[^"]|"")*"|[^\s"]*)/y;
const BLANKS = /\s*/y;
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
const SIZE = /^(\d+)([kKmMgG]?)$/;
const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/**
 * Parses a query: words and "phrases" of the SQL text, `field:value`, `since:`, `until:` and `bytes>`; a `-` before a term
 * turns it around. Ends of words and values may stand open with `*`. Quotes take everything as it is, with `""` for a quote.
 * docs/sessions.md has the grammar.
 */
export function parseQuery(text: string, nowMs: number): QueryResult {
  try {
    const terms = wordsOf(text).map((word) => toTerm(word, nowMs));
    if (terms.length === 0) throw new QueryProblem('the query is empty', 0, text.length);
    return { ok: true, terms };
  } catch (error) {
    if (error instanceof QueryProblem) return { ok: false, complaint: error.complaint };
    throw error;
  }
}

function wordsOf(text: string): readonly Word[] {
  const words: Word[] = [];
  let at = 0;
  for (;;) {
    BLANKS.lastIndex = at;
    at += BLANKS.exec(text)?.[0].length ?? 0;
    if (at >= text.length) return words;
    const word = wordAt(text, at);
    words.push(word);
    at = word.to;
  }
}

function wordAt(text: string, from: number): Word {
  WORD.lastIndex = from;
  const [whole = '', minus = '', lead = '', value = ''] = WORD.exec(text) ?? [];
  const to = from + whole.length;
  const valueFrom = to - value.length;
  const next = text.slice(to, to + 1);
  if (next !== '' && !/\s/.test(next)) {
    const rest = /^\S*/.exec(text.slice(to))?.[0].length ?? 0;
    throw next === '"' && text.indexOf('"', to + 1) === -1
      ? new QueryProblem('this quote is never closed', to, text.length)
      : new QueryProblem('quotes stand around a whole word or value; write "" for a quote inside', from, to + rest);
  }
  const isQuoted = value.startsWith('"');
  const plain = isQuoted ? value.slice(1, -1).replaceAll('""', '"') : value;
  return { from, to, negated: minus === '-', lead, value: plain, isQuoted, valueFrom };
}

function toTerm(word: Word, nowMs: number): SearchTerm {
  if (word.lead === '') return toTextTerm(word);
  const name = word.lead.replace(/[:<>=]+$/, '').toLowerCase();
  const operator = word.lead.slice(name.length);
  if (name === 'bytes') return toBytesTerm(word, operator);
  if (operator !== ':') {
    throw new QueryProblem(
      `only bytes is compared with ${operator}; put quotes around the word to look for it in the text`,
      word.from,
      word.to,
    );
  }
  if (name === 'since' || name === 'until') return toTimeTerm(word, name, nowMs);
  const field = SEARCH_FIELDS.find((known) => known === name);
  if (field === undefined) throw unknownField(word, name);
  return toFieldTerm(word, field);
}

function toTextTerm({ from, to, negated, value, isQuoted }: Word): SearchTerm {
  const isPrefix = !isQuoted && value.endsWith('*');
  const text = isPrefix ? value.slice(0, -1) : value;
  if (!LETTER_OR_DIGIT.test(text))
    throw new QueryProblem('there is no letter or digit in this word, and the text is found by its words', from, to);
  if (!isQuoted && text.includes('*'))
    throw new QueryProblem('a word may end with *, nothing else; quotes take it as it is', from, to);
  if (isPrefix && !LETTER_OR_DIGIT.test(text.slice(-1)) && !/\p{M}$/u.test(text))
    throw new QueryProblem('before * stands a letter or a digit', from, to);
  return { kind: 'text', negated, text, isPrefix };
}

function toFieldTerm({ from, to, negated, value, isQuoted, valueFrom }: Word, field: SearchField): SearchTerm {
  if (value === '') throw new QueryProblem(`${field}: needs a value`, from, to);
  const folded = value.toLowerCase();
  if (field === 'decision' && !DECISIONS.some((decision) => decision === folded))
    throw new QueryProblem(`a decision is one of ${DECISIONS.join(', ')}`, valueFrom, to);
  return { kind: 'field', negated, field, parts: isQuoted ? [folded] : folded.split('*') };
}

function toTimeTerm({ from, to, negated, value, valueFrom }: Word, kind: 'since' | 'until', nowMs: number): SearchTerm {
  if (negated) {
    const other = kind === 'since' ? 'until' : 'since';
    throw new QueryProblem(`${kind}: is not turned around; use ${other}:`, from, to);
  }
  const span = parseTime(value, nowMs);
  if (span === undefined) throw new QueryProblem(`no such time; write ${TIME_FORMS}`, valueFrom, to);
  return { kind, negated: false, atMs: kind === 'since' ? span.startMs : span.endMs };
}

function toBytesTerm({ from, to, negated, value, valueFrom }: Word, sign: string): SearchTerm {
  const operator = (['>', '>=', '<', '<=', '='] as const).find((known) => known === sign);
  if (operator === undefined) throw new QueryProblem('write bytes>N, bytes>=N, bytes<N, bytes<=N or bytes=N', from, to);
  const [, count, unit = ''] = SIZE.exec(value) ?? [];
  const bytes = Number(count) * (SIZE_UNITS[unit.toLowerCase()] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes))
    throw new QueryProblem('a number of bytes is digits, with k, M or G behind it', valueFrom, to);
  return { kind: 'bytes', negated, operator, bytes };
}

function unknownField({ from, to, lead, negated }: Word, name: string): QueryProblem {
  const known = [...SEARCH_FIELDS, 'since', 'until'];
  const near = known.find((field) => isNear(field, name));
  const hint = near === undefined ? `fields are ${known.join(', ')}` : `did you mean ${near}:`;
  const message = `no field ${name}; ${hint}. Quotes around the word look for it in the text`;
  return new QueryProblem(message, from, Math.min(to, from + lead.length + (negated ? 1 : 0)));
}

/** One letter wrong, missing, too many, or two swapped. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const [restA, restB] = [a.slice(at), b.slice(at)];
  return (
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    restA.slice(1) === restB.slice(1) ||
    (restA.slice(2) === restB.slice(2) && restA[0] === restB[1] && restA[1] === restB[0])
  );
}
