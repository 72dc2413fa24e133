import type { Facts } from '../sql/facts.js';

/**
 * Lists anybody may ask for: names, types and privileges. Left out are those that tell about other sessions or people
 * (USERS, TRANSACTIONS, LOCKS) and those whose rows carry program texts with literals (VIEWS, TASKS, PIPES).
 */
const SHOWN_FREELY: ReadonlySet<string> = new Set([
  'BUILTIN FUNCTIONS',
  'COLUMNS',
  'DATABASE ROLES',
  'DATABASES',
  'EXPORTED KEYS',
  'EXTERNAL FUNCTIONS',
  'EXTERNAL TABLES',
  'FILE FORMATS',
  'FUNCTIONS',
  'GRANTS',
  'IMPORTED KEYS',
  'OBJECTS',
  'PARAMETERS',
  'PRIMARY KEYS',
  'PROCEDURES',
  'REGIONS',
  'ROLES',
  'SCHEMAS',
  'SEQUENCES',
  'TABLES',
  'UNIQUE KEYS',
  'USER FUNCTIONS',
  'USER PROCEDURES',
  'WAREHOUSES',
]);

/** Who holds what. */
const LISTS_OF_PEOPLE: ReadonlySet<string> = new Set(['GRANTS OF', 'GRANTS TO USER']);

/** With TERSE these carry names only. */
const SHOWN_TERSELY: ReadonlySet<string> = new Set(['VIEWS']);

/** Not RESULT (another statement's shape), FUNCTION, PROCEDURE or TASK (program texts), STAGE, INTEGRATION or USER. */
const DESCRIBED_FREELY: ReadonlySet<string> = new Set([
  'DATABASE',
  'DYNAMIC TABLE',
  'EXTERNAL TABLE',
  'FILE FORMAT',
  'MATERIALIZED VIEW',
  'SCHEMA',
  'SEQUENCE',
  'TABLE',
  'VIEW',
  'WAREHOUSE',
]);

const MAX_WORDS = 3;

/** True for SHOW and DESCRIBE statements that every session may run. Read from the canonical text: one line, no comments. */
export function isFreeMetadata(facts: Facts): boolean {
  const words = leadingWords(facts.canonicalText);
  const verb = words[0];
  if (verb === 'SHOW') {
    const terse = words[1] === 'TERSE';
    const rest = words.slice(terse ? 2 : 1);
    if (startsWithAny(rest, LISTS_OF_PEOPLE)) return false;
    return startsWithAny(rest, SHOWN_FREELY) || (terse && startsWithAny(rest, SHOWN_TERSELY));
  }
  return (verb === 'DESCRIBE' || verb === 'DESC') && startsWithAny(words.slice(1), DESCRIBED_FREELY);
}

/** Values of session variables: no mask reaches them. */
export function showsVariables(facts: Facts): boolean {
  const [verb, ...rest] = leadingWords(facts.canonicalText);
  return verb === 'SHOW' && (rest[0] === 'TERSE' ? rest[1] : rest[0]) === 'VARIABLES';
}

/** The words a metadata statement begins with, for people: `SHOW USERS`. */
export function explainMetadata(facts: Facts): string {
  return leadingWords(facts.canonicalText).slice(0, 2).join(' ');
}

function leadingWords(text: string): readonly string[] {
  const words: string[] = [];
  for (const token of text.slice(0, 200).split(/\s+/)) {
    if (!/^[A-Za-z_]+;?$/.test(token) || words.length > MAX_WORDS) break;
    words.push(token.replace(';', '').toUpperCase());
  }
  return words;
}

function startsWithAny(words: readonly string[], phrases: ReadonlySet<string>): boolean {
  for (let count = 1; count <= MAX_WORDS; count++) {
    if (phrases.has(words.slice(0, count).join(' '))) return true;
  }
  return false;
}
