import type { Facts } from '../sql/facts.js';
import { type MetadataKind, metadataSurfaceOf } from '../sql/index.js';

/** The verb, TERSE, and as many words as name a list. */
const MAX_WORDS = 6;

/** What a SHOW or DESCRIBE statement tells; undefined for one that is not known. Read from the canonical text: one line, no comments. */
export function metadataKindOf(facts: Facts): MetadataKind | undefined {
  const [verb, ...words] = leadingWords(facts.canonicalText);
  if (verb === 'SHOW') return metadataSurfaceOf('SHOW', words)?.kind;
  return verb === 'DESCRIBE' || verb === 'DESC' ? metadataSurfaceOf('DESCRIBE', words)?.kind : undefined;
}

/** Every session may ask for names, types and settings; texts of programs, people and other sessions need a rule. */
export function isFreeMetadata(kind: MetadataKind): boolean {
  return kind === 'names' || kind === 'settings';
}

/** The words a metadata statement begins with, for people: `SHOW USERS`. */
export function explainMetadata(facts: Facts): string {
  return leadingWords(facts.canonicalText).slice(0, 2).join(' ');
}

function leadingWords(text: string): readonly string[] {
  const words: string[] = [];
  for (const token of text.slice(0, 200).split(/\s+/)) {
    if (!/^[A-Za-z_]+;?$/.test(token) || words.length >= MAX_WORDS) break;
    words.push(token.replace(';', '').toUpperCase());
  }
  return words;
}
