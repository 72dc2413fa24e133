import { toLine } from '../plain-text.js';
import type { QueryComplaint, SearchTerm } from './query.js';

/** The query that parses to these terms. */
export function formatQuery(terms: readonly SearchTerm[]): string {
  return terms.map(formatTerm).join(' ');
}

function formatTerm(term: SearchTerm): string {
  const minus = term.negated ? '-' : '';
  switch (term.kind) {
    case 'text':
      return term.isPrefix ? `${minus}${term.text}*` : `${minus}${quote(term.text)}`;
    case 'field':
      return `${minus}${term.field}:${formatParts(term.parts)}`;
    case 'since':
      return `since:${new Date(term.atMs).toISOString()}`;
    case 'until':
      // The end of a span is what is kept of it; the last millisecond before it names the same end.
      return `until:${new Date(term.atMs - 1).toISOString()}`;
    case 'bytes':
      return `${minus}bytes${term.operator}${term.bytes}`;
  }
}

function formatParts(parts: readonly string[]): string {
  const [only = '', ...more] = parts;
  return more.length === 0 ? quote(only) : parts.join('*');
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

const MAX_SHOWN = 100;

/** The complaint, the query, and a line that points at the place. */
export function renderComplaint(query: string, { message, from, to }: QueryComplaint): string {
  const start = Math.max(0, from - MAX_SHOWN / 2);
  const before = toLine(query.slice(start, from));
  const wrong = toLine(query.slice(from, Math.min(to, start + MAX_SHOWN)));
  const after = toLine(query.slice(Math.min(to, start + MAX_SHOWN), start + MAX_SHOWN));
  const carets = '^'.repeat(Math.max(1, Array.from(wrong).length));
  return `${message}\n  ${before}${wrong}${after}\n  ${' '.repeat(Array.from(before).length)}${carets}`;
}
