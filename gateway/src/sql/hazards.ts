import type { Analysis } from './facts.js';
import { functionSurfaceOf } from './function-surfaces.js';
import {
  HAZARDS_BY_CLASS,
  HAZARDS_BY_PHRASE,
  HAZARDS_BY_TYPE,
  type HazardRow,
  PINNED_PARAMETERS,
  PROTECTS_WHILE_IT_STANDS,
  STATEMENT_HAZARDS,
  type StatementHazard,
} from './hazard-table.js';
import { lex } from './lexer.js';
import { DATA_TYPES } from './object-types.js';
import { isIdentifier, isSymbol, isWord, type Token } from './tokens.js';

/**
 * What the statement can do beside what its lineage shows, each once, in the order of `STATEMENT_HAZARDS`. Nothing stands for a
 * statement that only reads or only changes rows in place. Texts that could not be read tell what their class and words say.
 */
export function effectsOf(facts: Analysis): readonly StatementHazard[] {
  const found = new Set(explainHazards(facts).flatMap((row) => row.hazards));
  return STATEMENT_HAZARDS.filter((hazard) => found.has(hazard));
}

/** The rows `effectsOf` is made of, with their reasons. */
export function explainHazards(facts: Analysis): readonly HazardRow[] {
  const tokens = tokensOf(facts);
  return [
    ...present(HAZARDS_BY_CLASS.get(facts.class)),
    ...definitionRows(facts),
    ...lineageRows(facts),
    ...HAZARDS_BY_PHRASE.filter(
      (row) =>
        row.verbs.includes(facts.verb) &&
        (row.types === undefined || row.types.test(facts.objectType ?? '')) &&
        row.words.every((words) => hasWords(tokens, words.split(' '))),
    ),
    ...calledRows(tokens),
  ];
}

const present = <T>(value: T | undefined): readonly T[] => (value === undefined ? [] : [value]);

const DROPPED: HazardRow = { hazards: ['destroys'], reason: 'the object is dropped' };
const REPLACED: HazardRow = { hazards: ['destroys'], reason: 'what stood under the name is replaced' };
const UNPROTECTED: HazardRow = { hazards: ['weakens-protection'], reason: 'what protects columns or rows is changed' };
const MOVED: HazardRow = { hazards: ['moves-rows'], reason: 'values come to stand in another place' };
const PINNED: HazardRow = { hazards: ['weakens-protection'], reason: 'it changes how statements or results are read' };
const UNKNOWN_TYPE: HazardRow = { hazards: STATEMENT_HAZARDS, reason: 'nothing is known of objects of this type' };

function definitionRows(facts: Analysis): readonly HazardRow[] {
  const { objectType } = facts;
  const isReadSession = facts.read && facts.effect !== undefined;
  if (objectType === undefined || isReadSession) return [];
  switch (facts.verb) {
    case 'DROP':
      return PROTECTS_WHILE_IT_STANDS.has(objectType) ? [DROPPED, UNPROTECTED] : [DROPPED];
    case 'UNDROP':
      return PROTECTS_WHILE_IT_STANDS.has(objectType) ? [UNPROTECTED] : [];
    case 'CREATE_OR_REPLACE':
      return [...typeRows(objectType), ...(DATA_TYPES.has(objectType) ? [REPLACED] : [])];
    case 'CREATE':
    case 'CREATE_OR_ALTER':
    case 'CTAS':
    case 'ALTER':
      return typeRows(objectType);
    default:
      return [];
  }
}

const typeRows = (objectType: string): readonly HazardRow[] => [HAZARDS_BY_TYPE.get(objectType) ?? UNKNOWN_TYPE];

function lineageRows(facts: Analysis): readonly HazardRow[] {
  if (!facts.read) return [];
  const moves = facts.moved === 'unread' || (facts.moved?.outputs.length ?? 0) > 0;
  const { effect } = facts;
  const pins =
    effect?.kind === 'alter-session' &&
    [...effect.set.map((parameter) => parameter.name), ...effect.unset].some((name) => PINNED_PARAMETERS.has(name));
  return [...(moves ? [MOVED] : []), ...(pins ? [PINNED] : [])];
}

function tokensOf(facts: Analysis): readonly Token[] {
  const lexed = lex(facts.canonicalText ?? '');
  return lexed.tokens;
}

function hasWords(tokens: readonly Token[], words: readonly string[]): boolean {
  return tokens.some((_, index) => words.every((word, ahead) => isWord(tokens[index + ahead], word)));
}

/** Functions that do more than compute, wherever they are called. */
function calledRows(tokens: readonly Token[]): readonly HazardRow[] {
  return tokens.flatMap((token, index) => {
    if (!isIdentifier(token) || !isSymbol(tokens[index + 1], '(')) return [];
    const isQualified = isSymbol(tokens[index - 1], '.');
    const surface = functionSurfaceOf(token.value, isQualified ? (tokens[index - 2]?.value ?? '') : undefined);
    return surface === undefined || surface.hazards.length === 0 ? [] : [surface];
  });
}
