import { Cursor } from './cursor.js';
import { lex } from './lexer.js';
import { type ParsedQuery, parseQueryStatement } from './parse-query.js';
import { Refusal } from './refusal.js';
import { split } from './split.js';
import { isWord, type Token } from './tokens.js';

const HEADER_MODIFIERS = ['SECURE', 'LOCAL', 'GLOBAL', 'TEMP', 'TEMPORARY', 'VOLATILE', 'MATERIALIZED'];

/**
 * Reads the stored text of a view: a CREATE VIEW statement or the query alone. Throws `Refusal` of kind
 * `unreadable-view` whatever the fault in the text.
 */
export function parseView(definition: string): ParsedQuery {
  const tokens = viewTokens(definition);
  try {
    return parseQueryStatement(tokens, queryStart(tokens));
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal('unreadable-view', `in a view: ${error.message}`);
    throw error;
  }
}

function viewTokens(definition: string): readonly Token[] {
  const lexed = lex(definition);
  if (!lexed.ok) throw new Refusal('unreadable-view', `in a view: ${lexed.detail}`);
  const { kind, tokens } = split(lexed.tokens);
  if (kind !== 'one') throw new Refusal('unreadable-view', 'the text of a view is not one statement');
  return tokens;
}

/** The first token of the query behind `CREATE … VIEW name (…) … AS`. */
function queryStart(tokens: readonly Token[]): number {
  const cursor = new Cursor(tokens);
  if (!cursor.take('CREATE')) return 0;
  if (!cursor.take('OR', 'REPLACE')) cursor.take('OR', 'ALTER');
  while (cursor.takeOne(...HEADER_MODIFIERS) !== undefined);
  if (!cursor.take('VIEW')) throw new Refusal('unreadable-view', 'the text of a view is of an unknown form');
  const start = asBehindHeader(cursor);
  // A policy in the header changes what the view shows by rules that are not in its text.
  if (tokens.slice(0, start).some((token) => isWord(token, 'POLICY'))) {
    throw new Refusal('unreadable-view', 'a view carries policies of its own');
  }
  return start;
}

function asBehindHeader(cursor: Cursor): number {
  while (!cursor.done) {
    if (cursor.seesSymbol('(', '[', '{')) cursor.skipBracket();
    else if (cursor.take('AS')) return cursor.at;
    else cursor.at += 1;
  }
  throw new Refusal('unreadable-view', 'the text of a view has no query');
}
