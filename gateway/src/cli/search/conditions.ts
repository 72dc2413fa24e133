import type { SearchTerm } from './query.js';

/** A condition over `units u`, and the values of its placeholders. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** The condition that all terms hold. */
export function toCondition(terms: readonly SearchTerm[]): Condition {
  const conditions = terms.map((term) => {
    const { sql, values } = conditionOf(term);
    return { sql: term.negated ? `NOT (${sql})` : `(${sql})`, values };
  });
  return { sql: conditions.map(({ sql }) => sql).join(' AND '), values: conditions.flatMap(({ values }) => values) };
}

const IN_TEXT = 'u.id IN (SELECT unit FROM records WHERE id IN (SELECT rowid FROM texts WHERE texts MATCH ?))';

function conditionOf(term: SearchTerm): Condition {
  switch (term.kind) {
    case 'text':
      return { sql: IN_TEXT, values: [`"${term.text.replaceAll('"', '""')}"${term.isPrefix ? ' *' : ''}`] };
    case 'since':
      return { sql: 'u.last >= ?', values: [term.atMs] };
    case 'until':
      return { sql: 'u.first < ?', values: [term.atMs] };
    case 'bytes':
      return { sql: `u.bytes ${term.operator} ?`, values: [term.bytes] };
    case 'field': {
      const value = toValue(term.parts);
      const inFacts = `u.id IN (SELECT unit FROM facts WHERE field = ? AND ${value.sql})`;
      if (term.field !== 'who' && term.field !== 'agent')
        return { sql: inFacts, values: [term.field, ...value.values] };
      // What a session was opened with holds for everything in it. Records without a session must not turn the whole into NULL.
      const inSession = `u.session IS NOT NULL AND u.session IN (SELECT session FROM session_facts WHERE field = ? AND ${value.sql})`;
      return {
        sql: `${inFacts} OR ${inSession}`,
        values: [term.field, ...value.values, term.field, ...value.values],
      };
    }
  }
}

function toValue(parts: readonly string[]): Condition {
  const [only = '', ...more] = parts;
  if (more.length === 0) return { sql: 'value = ?', values: [only] };
  const pattern = parts.map((part) => part.replace(/[\\%_]/g, '\\$&')).join('%');
  return { sql: `value LIKE ? ESCAPE '\\'`, values: [pattern] };
}
