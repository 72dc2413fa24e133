import { allowsDatePart, isAggregateFunction, isPureFunction } from '@piste/gateway/dist/sql/functions.js';
import { DATE_PARTS } from '@piste/gateway/dist/sql/keywords.js';
import type { ColumnUse, Expression, Query, Star } from '@piste/gateway/dist/sql/syntax.js';
import { branch, list, nameParts, notAdapted, only, storedName, type Tree, text, variant } from './tree.js';

/** What an expression needs from the query around it. */
export interface Surroundings {
  readonly query: (tree: Tree) => Query;
  readonly window: (name: string) => Tree;
}

interface Mentions {
  readonly columns: ColumnUse[];
  readonly stars: Star[];
  readonly queries: Query[];
}

/** The operands of each kind of expression; `.` is the content itself. Kinds that are not here are refused. */
const OPERANDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['BinaryOp', ['left', 'right']],
  ['UnaryOp', ['expr']],
  ...[
    'Nested',
    'IsNull',
    'IsNotNull',
    'IsTrue',
    'IsNotTrue',
    'IsFalse',
    'IsNotFalse',
    'IsDistinctFrom',
    'IsNotDistinctFrom',
    'Tuple',
    'OuterJoin',
    'Prior',
  ].map((kind): [string, string[]] => [kind, ['.']]),
  ['InList', ['expr', 'list']],
  ['Between', ['expr', 'low', 'high']],
  ['Like', ['expr', 'pattern']],
  ['ILike', ['expr', 'pattern']],
  ['RLike', ['expr', 'pattern']],
  ['AnyOp', ['left', 'right']],
  ['AllOp', ['left', 'right']],
  ['Array', ['elem']],
  ['Position', ['expr', 'in']],
  ['Substring', ['expr', 'substring_from', 'substring_for']],
  ['Trim', ['expr', 'trim_what', 'trim_characters']],
  ['Ceil', ['expr']],
  ['Floor', ['expr']],
  ['AtTimeZone', ['timestamp', 'time_zone']],
  ['Interval', ['value']],
  ['Cast', ['expr']],
  ['Collate', ['expr']],
]);

const CALLS = new Set(['Function', 'Substring', 'Position', 'Trim', 'Ceil', 'Floor', 'Extract']);
const NOWHERE = { from: 0, to: 0 };

/** An expression of the other parser as the resolver takes it: what it mentions. */
export function adaptExpression(tree: Tree, around: Surroundings): Expression {
  const mentions: Mentions = { columns: [], stars: [], queries: [] };
  mention(tree, mentions, around);
  const [kind, content] = variant(tree);
  const isColumn = kind === 'Identifier' || kind === 'CompoundIdentifier' || place(content) !== undefined;
  const mentionsNothing = mentions.columns.length + mentions.stars.length + mentions.queries.length === 0;
  return {
    ...mentions,
    exact: isColumn ? mentions.columns[0] : undefined,
    ordinal: wholeNumber(kind, content) ?? (mentionsNothing && !CALLS.has(kind) ? 'unclear' : undefined),
    isBracketed: kind === 'Nested' || kind === 'Subquery' || kind === 'Tuple',
    isAggregate: kind === 'Function' && isAggregateCall(content),
    windowKeys: [],
    windows: [],
    variables: [],
    canFail: true,
  };
}

/** The number in `$n`: a column by its place. */
function place(content: Tree): number | undefined {
  const value = typeof content === 'object' && content !== null && 'value' in content ? content['value'] : undefined;
  const placeholder = typeof value === 'object' && value !== null && 'Placeholder' in value ? value['Placeholder'] : '';
  return placeNumber(placeholder);
}

function placeNumber(name: Tree): number | undefined {
  const [, digits] = /^\$([0-9]+)$/.exec(typeof name === 'string' ? name : '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function compound(parts: readonly Tree[]): ColumnUse {
  const position = placeNumber(branch(parts.at(-1))['value']);
  const names = (position === undefined ? parts : parts.slice(0, -1)).map(storedName);
  return { parts: names, position, ...NOWHERE, isOptional: false };
}

function wholeNumber(kind: string, content: Tree): number | undefined {
  if (kind !== 'Value') return undefined;
  const [type, number] = variant(branch(content)['value']);
  const digits = type === 'Number' ? text(list(number)[0]) : '';
  return /^[0-9]+$/.test(digits) ? Number(digits) : undefined;
}

function isAggregateCall(content: Tree): boolean {
  const { name, over } = branch(content);
  return over === undefined && isAggregateFunction(nameParts(name).join('.'));
}

function mentionAll(trees: readonly Tree[], mentions: Mentions, around: Surroundings): void {
  for (const tree of trees) mention(tree, mentions, around);
}

function mention(tree: Tree, mentions: Mentions, around: Surroundings): void {
  const [kind, content] = variant(tree);
  switch (kind) {
    case 'Identifier':
      mentions.columns.push({ parts: [storedName(content)], position: undefined, ...NOWHERE, isOptional: false });
      return;
    case 'CompoundIdentifier':
      mentions.columns.push(compound(list(content)));
      return;
    case 'Subquery':
      mentions.queries.push(around.query(content));
      return;
    case 'Exists':
      mentions.queries.push(around.query(only(content, 'subquery', 'negated')['subquery']));
      return;
    case 'InSubquery': {
      const { expr, subquery } = only(content, 'expr', 'subquery', 'negated');
      mention(expr, mentions, around);
      mentions.queries.push(around.query(subquery));
      return;
    }
    case 'Value':
      value(content, mentions);
      return;
    case 'TypedString':
      checkValue(branch(branch(content)['value'])['value']);
      return;
    case 'Function':
      call(content, mentions, around);
      return;
    default:
      structured(kind, content, mentions, around);
  }
}

function structured(kind: string, content: Tree, mentions: Mentions, around: Surroundings): void {
  switch (kind) {
    case 'Case': {
      const { operand, conditions, else_result: otherwise } = only(content, 'operand', 'conditions', 'else_result');
      const branches = list(conditions).flatMap((entry) => [branch(entry)['condition'], branch(entry)['result']]);
      mentionAll(
        [operand, ...branches, otherwise].filter((entry) => entry !== undefined),
        mentions,
        around,
      );
      return;
    }
    case 'Dictionary':
      mentionAll(
        list(content).map((entry) => branch(entry)['value']),
        mentions,
        around,
      );
      return;
    case 'JsonAccess':
      mention(branch(content)['value'], mentions, around);
      for (const step of list(branch(branch(content)['path'])['path'])) {
        const [stepKind, key] = variant(step);
        if (stepKind === 'Bracket') mention(branch(key)['key'], mentions, around);
        else if (stepKind !== 'Dot') notAdapted(`a path with ${stepKind}`);
      }
      return;
    case 'Extract':
      datePart(branch(content)['field'], mentions);
      mention(branch(content)['expr'], mentions, around);
      return;
    default:
      operands(kind, content, mentions, around);
  }
}

function operands(kind: string, content: Tree, mentions: Mentions, around: Surroundings): void {
  const keys = OPERANDS.get(kind) ?? notAdapted(`an expression of kind ${kind}`);
  for (const key of keys) {
    const operand = key === '.' ? content : branch(content)[key];
    if (Array.isArray(operand)) mentionAll(operand, mentions, around);
    else if (operand !== undefined && operand !== null) mention(operand, mentions, around);
  }
}

function value(content: Tree, mentions: Mentions): void {
  const position = place(content);
  if (position !== undefined) mentions.columns.push({ parts: [], position, ...NOWHERE, isOptional: false });
  else checkValue(branch(content)['value']);
}

function checkValue(value: Tree): void {
  const [kind, content] = variant(value);
  // `DATE "x"` is a column called DATE with an alias, not a date.
  if (kind === 'DoubleQuotedString') notAdapted('a text in double quotes');
  if (kind === 'Placeholder' && !/^(\?|:[0-9]+)$/.test(text(content))) notAdapted('a placeholder of this form');
}

/** The part of EXTRACT may be a column's name. */
function datePart(field: Tree, mentions: Mentions): void {
  const [kind, custom] = variant(field);
  const name = kind === 'Custom' ? storedName(custom) : kind.toUpperCase();
  mentions.columns.push({ parts: [name], position: undefined, ...NOWHERE, isOptional: true });
}

// ---------------------------------------------------------------------------------------------- calls

function call(content: Tree, mentions: Mentions, around: Surroundings): void {
  const fields = only(content, 'name', 'args', 'over', 'within_group', 'null_treatment', 'parameters');
  const parts = nameParts(fields['name']);
  const [name = ''] = parts;
  if (parts.length > 1 || !isPureFunction(name)) notAdapted('a function that is not on the list');
  const [kind, args] = variant(fields['args']);
  if (kind === 'List') callArguments(name, args, mentions, around);
  else if (kind !== 'None') notAdapted(`arguments of kind ${kind}`);
  ordering(fields['within_group'], mentions, around);
  if (fields['over'] !== undefined) windowSpec(fields['over'], mentions, around);
}

function callArguments(name: string, tree: Tree, mentions: Mentions, around: Surroundings): void {
  const { args, clauses, duplicate_treatment: distinct } = only(tree, 'args', 'clauses', 'duplicate_treatment');
  const all = list(args);
  for (const [position, argument] of all.entries()) {
    const [kind, value] = variant(argument);
    if (kind !== 'Unnamed') notAdapted(`an argument of kind ${kind}`);
    const [form, expression] = variant(value);
    if (form === 'Wildcard') {
      const countsRows = name === 'COUNT' && all.length === 1 && distinct === undefined;
      if (!countsRows) mentions.stars.push({ qualifier: [], ...NOWHERE });
    } else if (form === 'QualifiedWildcard') mentions.stars.push({ qualifier: nameParts(expression), ...NOWHERE });
    else if (form !== 'Expr') notAdapted(`an argument of form ${form}`);
    else if (!isDatePart(name, position, expression, mentions)) mention(expression, mentions, around);
  }
  for (const clause of list(clauses)) {
    const [kind, value] = variant(clause);
    if (kind === 'OrderBy') ordering(value, mentions, around);
    else if (kind !== 'IgnoreOrRespectNulls') notAdapted(`a clause ${kind} in a call`);
  }
}

function isDatePart(name: string, position: number, expression: Tree, mentions: Mentions): boolean {
  const [kind, ident] = variant(expression);
  if (kind !== 'Identifier' || branch(ident)['quote_style'] !== undefined) return false;
  const part = storedName(ident);
  if (!allowsDatePart(name, position) || !DATE_PARTS.has(part)) return false;
  mentions.columns.push({ parts: [part], position: undefined, ...NOWHERE, isOptional: true });
  return true;
}

function ordering(tree: Tree, mentions: Mentions, around: Surroundings): void {
  for (const entry of list(tree)) mention(only(entry, 'expr', 'options')['expr'], mentions, around);
}

/** `OVER name`, `OVER (…)`, and what WINDOW defines. */
function windowSpec(tree: Tree, mentions: Mentions, around: Surroundings): void {
  const [kind, content] = variant(tree);
  if (kind === 'NamedWindow') {
    windowSpec(around.window(storedName(content)), mentions, around);
    return;
  }
  if (kind !== 'WindowSpec') notAdapted(`a window of kind ${kind}`);
  const spec = only(content, 'window_name', 'partition_by', 'order_by', 'window_frame');
  if (spec['window_name'] !== undefined) {
    windowSpec(around.window(storedName(spec['window_name'])), mentions, around);
  }
  mentionAll(list(spec['partition_by']), mentions, around);
  ordering(spec['order_by'], mentions, around);
}
