import type { Facts } from '../sql/facts.js';
import { isPureFunction } from '../sql/functions.js';
import { lex } from '../sql/lexer.js';
import { isIdentifier, isSymbol, isWord, stringValue, type Token } from '../sql/tokens.js';
import type { ClassGroup } from './classes.js';
import { explainClass } from './classes.js';
import type { ConnectionPolicy } from './compiled.js';
import { matchesObject, matchesPart, showName } from './patterns.js';
import { isPlaceholder } from './placeholder.js';

/**
 * Whether an Allow rule is enough for a statement that is not a query. Undefined when no protected value can move;
 * otherwise why not, for PISTE-1205. Everything that copies, computes over other tables, or runs code needs a person.
 *
 * The checks look at the tokens of the canonical text and err towards refusing: a column named like a keyword counts too.
 */
export function checkMovesNothing(facts: Facts, group: ClassGroup, policy: ConnectionPolicy): string | undefined {
  switch (group) {
    case 'row-change':
      return checkRowChange(facts, policy);
    case 'definition':
      return checkDefinition(facts, policy);
    case 'grant':
    case 'stage-files':
    case 'show':
    case 'describe':
      return facts.carriesQuery && group === 'grant' ? mayMove(facts) : undefined;
    case 'explain':
      return facts.carriesQuery ? mayMove(facts) : undefined;
    case 'select':
    case 'use':
    case 'alter-session':
    case 'transaction':
    case 'variable':
      return undefined;
    case 'file-transfer':
    case 'load':
    case 'unload':
    case 'copying':
    case 'opaque':
    case 'other':
      return mayMove(facts);
  }
}

function mayMove(facts: Facts): string {
  return `${explainClass(facts)} may move protected values, so a Hold rule must let a person decide`;
}

function checkRowChange(facts: Facts, policy: ConnectionPolicy): string | undefined {
  if (facts.class === 'TRUNCATE') return undefined;
  const tokens = tokensOf(facts);
  if (tokens === undefined || facts.carriesQuery || readsOtherTables(tokens, facts) || takesWholeRow(tokens))
    return mayMove(facts);
  const named = checkNames(facts, policy);
  if (named !== undefined) return named;
  const called = foreignCall(tokens, facts);
  return called === undefined ? undefined : `it calls ${showName(called)}, which may read protected columns`;
}

function checkNames(facts: Facts, policy: ConnectionPolicy): string | undefined {
  const named = facts.identifiers.find((identifier) => isProtectedName(identifier, facts, policy));
  if (named === undefined) return undefined;
  return `it names ${showName(named)}, a protected column, so a Hold rule must let a person decide`;
}

function tokensOf(facts: Facts): readonly Token[] | undefined {
  const lexed = lex(facts.canonicalText);
  return lexed.ok ? lexed.tokens : undefined;
}

function readsOtherTables(tokens: readonly Token[], facts: Facts): boolean {
  const own = facts.class === 'DELETE' ? tokens.slice(2) : tokens;
  return own.some((token) => isWord(token, 'USING', 'FROM', 'SELECT', 'JOIN', 'TABLE'));
}

/** A `*` that multiplies nothing is every column of a row, and `$1` is one of them: neither names what it takes. */
function takesWholeRow(tokens: readonly Token[]): boolean {
  return tokens.some((token, index) => {
    if (token.kind === 'variable') return /^[0-9]/.test(token.value);
    return isSymbol(token, '*') && !isOperand(tokens[index - 1]);
  });
}

function isOperand(token: Token | undefined): boolean {
  if (token === undefined || isWord(token, 'DISTINCT', 'ALL')) return false;
  return token.kind === 'symbol' ? isSymbol(token, ')', ']', '}', '?') : true;
}

/**
 * A column pattern with a name counts wherever the name turns up. A pattern for every column counts for the objects it
 * speaks about.
 */
function isProtectedName(identifier: string, facts: Facts, policy: ConnectionPolicy): boolean {
  return policy.maskingPolicies.some((masking) =>
    masking.rules.some((rule) =>
      rule.columns.some((pattern) =>
        pattern.column === '*'
          ? facts.objects.length === 0 || facts.objects.some((object) => matchesObject(pattern, object, 'wide'))
          : matchesPart(pattern.column, identifier, 'wide'),
      ),
    ),
  );
}

/** Words that stand before a parenthesis without calling anything. */
const STRUCTURAL_WORDS: ReadonlySet<string> = new Set(
  (
    'AND BETWEEN BINARY BY CASE CAST CHAR DECIMAL ELSE IN INTO IS LIKE NOT NUMBER NUMERIC OR OVER SET THEN TRY_CAST VALUES ' +
    'VARBINARY VARCHAR WHEN WHERE'
  ).split(' '),
);

/** A called name that is no pure built-in; the column list of an INSERT's target is not a call. */
function foreignCall(tokens: readonly Token[], facts: Facts): string | undefined {
  const values = facts.verb.startsWith('INSERT') ? tokens.findIndex((token) => isSymbol(token, '(')) + 1 : 0;
  const called = tokens.find((token, index) => {
    if (index < values || !isIdentifier(token) || !isSymbol(tokens[index + 1], '(')) return false;
    const isPlain = token.kind === 'word' && !isSymbol(tokens[index - 1], '.');
    return !isPlain || !(STRUCTURAL_WORDS.has(token.value) || isPureFunction(token.value));
  });
  return called?.value;
}

/** Objects that hold no program text and no copy of anything, unless the statement says so. */
const PLAIN_OBJECTS: ReadonlySet<string> = new Set([
  'DATABASE',
  'FILE_FORMAT',
  'ROLE',
  'SCHEMA',
  'SEQUENCE',
  'TABLE',
  'TAG',
  'TEMPORARY_TABLE',
  'TRANSIENT_TABLE',
  'WAREHOUSE',
]);

/** Words that copy, rename or re-point what a masking policy speaks about, or take protection away. */
const COPYING_WORDS: readonly string[] = (
  'AS CLONE DEFAULT EXCHANGE FROM GRANT LIKE MASKING POLICIES POLICY PROJECTION RENAME REPLICATION SELECT SHARE SWAP TAG ' +
  'TEMPLATE USING'
).split(' ');

function checkDefinition(facts: Facts, policy: ConnectionPolicy): string | undefined {
  if (facts.verb === 'DROP' || facts.verb === 'UNDROP' || facts.verb === 'COMMENT') {
    return facts.carriesQuery ? mayMove(facts) : undefined;
  }
  const plain = facts.objectType !== undefined && PLAIN_OBJECTS.has(facts.objectType);
  const tokens = tokensOf(facts);
  const copies = tokens === undefined || tokens.some((token) => isWord(token, ...COPYING_WORDS));
  if (!plain || facts.carriesQuery || copies) return mayMove(facts);
  // Whether a column can be changed depends on what is in it.
  return facts.verb === 'ALTER' ? checkNames(facts, policy) : undefined;
}

/**
 * True when a literal of the text is a placeholder this gateway put in place of a value: written back, it would destroy
 * the value.
 */
export function holdsPlaceholder(canonicalText: string): boolean {
  const lexed = lex(canonicalText);
  if (!lexed.ok) return false;
  return lexed.tokens.some(
    (token) => (token.kind === 'string' || token.kind === 'dollar-string') && isPlaceholder(stringValue(token)),
  );
}
