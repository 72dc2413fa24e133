import type { Facts } from '../sql/facts.js';
import { isPureFunction } from '../sql/functions.js';
import type { ClassGroup } from './classes.js';
import { explainClass } from './classes.js';
import type { ConnectionPolicy } from './compiled.js';
import { matchesObject, matchesPart, showName } from './patterns.js';

/**
 * Whether an Allow rule is enough for a statement that is not a query. Undefined when no protected value can move;
 * otherwise why not, for PISTE-1205. Everything that copies, computes over other tables, or runs code needs a person.
 *
 * The checks read the canonical text by pattern and err towards refusing: a word inside a string literal counts too.
 */
export function checkMovesNothing(facts: Facts, group: ClassGroup, policy: ConnectionPolicy): string | undefined {
  switch (group) {
    case 'row-change':
      return checkRowChange(facts, policy);
    case 'definition':
      return checkDefinition(facts);
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

/** `(*)`, `t.*`: every column of a row without naming one. */
const WHOLE_ROW = /[(,.]\s*\*/;
const OTHER_TABLES = /\b(?:USING|FROM|SELECT|JOIN|TABLE)\b/i;

function checkRowChange(facts: Facts, policy: ConnectionPolicy): string | undefined {
  if (facts.class === 'TRUNCATE') return undefined;
  const text = facts.class === 'DELETE' ? facts.canonicalText.replace(/^\s*DELETE\s+FROM\b/i, '') : facts.canonicalText;
  if (facts.carriesQuery || OTHER_TABLES.test(text) || WHOLE_ROW.test(text)) return mayMove(facts);
  const named = facts.identifiers.find((identifier) => isProtectedName(identifier, facts, policy));
  if (named !== undefined)
    return `it names ${showName(named)}, a protected column, so a Hold rule must let a person decide`;
  const called = foreignCall(text);
  return called === undefined ? undefined : `it calls ${showName(called)}, which may read protected columns`;
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
function foreignCall(text: string): string | undefined {
  const body = text.slice(targetEnd(text));
  for (const match of body.matchAll(/(\.?)\s*("(?:[^"]|"")*"|[A-Za-z_$][\w$]*)\s*\(/g)) {
    const name = match[2] ?? '';
    const word = name.toUpperCase();
    const isHarmless = match[1] === '' && (STRUCTURAL_WORDS.has(word) || isPureFunction(word));
    if (!isHarmless) return name;
  }
  return undefined;
}

/** Where `INSERT [OVERWRITE] INTO <name> (` ends; 0 when the text begins otherwise. */
function targetEnd(text: string): number {
  const part = String.raw`(?:"(?:[^"]|"")*"|[A-Za-z_$][\w$]*)`;
  const target = new RegExp(String.raw`^\s*INSERT\s+(?:OVERWRITE\s+)?INTO\s+${part}(?:\s*\.\s*${part}){0,2}\s*\(`, 'i');
  return target.exec(text)?.[0].length ?? 0;
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
const COPYING_WORDS =
  /\b(?:AS|CLONE|DEFAULT|EXCHANGE|FROM|GRANT|LIKE|MASKING|POLICY|PROJECTION|RENAME|REPLICATION|SELECT|SHARE|SWAP|TAG|TEMPLATE|USING)\b/i;

function checkDefinition(facts: Facts): string | undefined {
  if (facts.verb === 'DROP' || facts.verb === 'UNDROP' || facts.verb === 'COMMENT') {
    return facts.carriesQuery ? mayMove(facts) : undefined;
  }
  const plain = facts.objectType !== undefined && PLAIN_OBJECTS.has(facts.objectType);
  return !plain || facts.carriesQuery || COPYING_WORDS.test(facts.canonicalText) ? mayMove(facts) : undefined;
}
