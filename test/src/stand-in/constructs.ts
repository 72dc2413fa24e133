import { isToken, made, type Token } from './lexer.js';

/** Words that stand for DuckDB's own notation through the translation; its text replaces them at the end. */
export const constructMarks: Readonly<Record<string, string>> = {
  STANDIN_OBJECT: 'to_json(struct_pack(*COLUMNS(*)))',
  STANDIN_TUPLE: 'row(*COLUMNS(*))',
  STANDIN_HASH: 'bit_xor(hash(*COLUMNS(*)))',
  STANDIN_ARRAY: 'json_array',
  STANDIN_TEXTS: 'VARCHAR[]',
  STANDIN_JSONS: 'JSON[]',
};

const flattened = (input: string, from: string): string => `AS TABLE SELECT 1 AS "SEQ",
  CASE WHEN json_type(${input}) = 'OBJECT' THEN f.key END AS "KEY", f.fullkey AS "PATH",
  CASE WHEN json_type(${input}) = 'ARRAY' THEN TRY_CAST(f.key AS INTEGER) END AS "INDEX", f.value AS "VALUE",
  ${input} AS "THIS" FROM ${from}`;

/** Macros that the rewritten constructs call. */
export const constructMacros: readonly string[] = [
  `SF_FLATTEN(input) ${flattened('to_json(input)', 'json_each(to_json(input)) AS f')}`,
  `SF_FLATTEN_OUTER(input) ${flattened('to_json(input)', '(SELECT 1) AS one LEFT JOIN json_each(to_json(input)) AS f ON TRUE')}`,
  `SF_SPLIT_TO_TABLE(input, separator) AS TABLE SELECT 1 AS "SEQ", generate_subscripts(string_split(input, separator), 1) AS "INDEX",
    unnest(string_split(input, separator)) AS "VALUE"`,
  'SF_GENERATOR(amount) AS TABLE SELECT "range" AS STANDIN_SEQ FROM range(amount)',
  'SF_OBJECT_KEYS(a) AS json_keys(a)',
  'SF_OBJECT_AGG(a, b) AS json_group_object(a, b)',
  'SF_BITMAP_COUNT(a) AS bit_count(a)',
  'SF_UPPER(a) AS upper(CAST(a AS VARCHAR))',
];

type Call = { readonly args: readonly (readonly Token[])[]; readonly next: number };
type Rewrite = (tokens: readonly Token[], at: number) => { readonly tokens: readonly Token[]; readonly next: number };

/** Rewrites what the translator passes on as it is and DuckDB writes in another way. */
export function rewriteConstructs(tokens: readonly Token[]): readonly Token[] {
  const result: Token[] = [];
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at];
    if (token === undefined) break;
    const found = rewrites.map((rewrite) => rewrite(tokens, at)).find(({ next }) => next > at);
    result.push(...(found === undefined ? [token] : found.tokens));
    at = found?.next ?? at + 1;
  }
  return result;
}

const unchanged = (at: number) => ({ tokens: [], next: at });
const word = (value: string, spaced = true): Token => made('word', value, spaced);
const joined = (parts: readonly (readonly Token[])[]): readonly Token[] =>
  parts.flatMap((part, index) => (index === 0 ? part : [made('symbol', ',', false), ...part]));
const call = (name: string, args: readonly (readonly Token[])[]): readonly Token[] => [
  word(name),
  made('symbol', '(', false),
  ...rewriteConstructs(joined(args)),
  made('symbol', ')', false),
];

/** The arguments from the bracket at `open` to its end. */
function readArguments(tokens: readonly Token[], open: number): Call | undefined {
  const args: Token[][] = [[]];
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) return undefined;
    const isOpening = token.kind === 'symbol' && ['(', '[', '{'].includes(token.text);
    const isClosing = token.kind === 'symbol' && [')', ']', '}'].includes(token.text);
    if (isClosing) depth -= 1;
    if (depth === 0 && isClosing) return { args: args[0]?.length === 0 ? [] : args, next: at + 1 };
    if (depth === 1 && isToken(token, ',')) args.push([]);
    else if (depth > 0) args.at(-1)?.push(token);
    if (isOpening) depth += 1;
  }
  return undefined;
}

const readCall = (tokens: readonly Token[], at: number, name: string): Call | undefined =>
  isToken(tokens[at], name) && isToken(tokens[at + 1], '(') && !isToken(tokens[at - 1], '.')
    ? readArguments(tokens, at + 1)
    : undefined;

/** `FLATTEN(..)` and the like, also inside `TABLE(..)`. */
function tableFunction(name: string, translated: (args: Call['args']) => readonly Token[] | undefined): Rewrite {
  return (tokens, at) => {
    const isWrapped = isToken(tokens[at], 'TABLE') && isToken(tokens[at + 1], '(') && isToken(tokens[at + 2], name);
    const found = readCall(tokens, isWrapped ? at + 2 : at, name);
    const made = found === undefined ? undefined : translated(found.args);
    if (found === undefined || made === undefined) return unchanged(at);
    return { tokens: made, next: isWrapped ? found.next + 1 : found.next };
  };
}

/** The argument `NAME => value`, or the one at the position. */
function argument(args: Call['args'], name: string, position: number): readonly Token[] | undefined {
  const named = args.find((arg) => isToken(arg[0], name) && isToken(arg[1], '=>'));
  if (named !== undefined) return named.slice(2);
  const positional = args[position];
  return isToken(positional?.[1], '=>') ? undefined : positional;
}

const flatten = tableFunction('FLATTEN', (args) => {
  const input = argument(args, 'INPUT', 0);
  const path = argument(args, 'PATH', 1);
  const outer = argument(args, 'OUTER', 2);
  const isKnown = args.length <= 3 && !args.some(([first]) => isToken(first, 'RECURSIVE') || isToken(first, 'MODE'));
  if (input === undefined || !isKnown) return undefined;
  const isOuter = isToken(outer?.[0], 'TRUE');
  return call(isOuter ? 'SF_FLATTEN_OUTER' : 'SF_FLATTEN', [
    path === undefined ? input : call('GET_PATH', [input, path]),
  ]);
});
const splitToTable = tableFunction('SPLIT_TO_TABLE', (args) => call('SF_SPLIT_TO_TABLE', args));
const generator = tableFunction('GENERATOR', (args) => {
  const amount = argument(args, 'ROWCOUNT', 0);
  return amount === undefined ? undefined : call('SF_GENERATOR', [amount]);
});

/** SEQ4() and the like count the rows of the statement's GENERATOR. */
const sequence: Rewrite = (tokens, at) => {
  const isSequence =
    /^SEQ[1248]$/.test(tokens[at]?.value ?? '') && isToken(tokens[at + 1], '(') && isToken(tokens[at + 2], ')');
  const hasGenerator = tokens.some((token) => isToken(token, 'SF_GENERATOR') || isToken(token, 'GENERATOR'));
  return isSequence && hasGenerator ? { tokens: [word('STANDIN_SEQ')], next: at + 3 } : unchanged(at);
};

/** Nothing here remembers the past: a table is now what it was then. */
const timeTravel: Rewrite = (tokens, at) => {
  const isTravel =
    (isToken(tokens[at], 'AT') || isToken(tokens[at], 'BEFORE')) &&
    isToken(tokens[at + 1], '(') &&
    /^(OFFSET|TIMESTAMP|STATEMENT)$/.test(tokens[at + 2]?.value ?? '') &&
    isToken(tokens[at + 3], '=>');
  return { tokens: [], next: isTravel ? (readArguments(tokens, at + 1)?.next ?? at) : at };
};

const lambdas: Rewrite = (tokens, at) => {
  const [list, ...rest] = readCall(tokens, at, 'TRANSFORM')?.args ?? readCall(tokens, at, 'REDUCE')?.args ?? [];
  const next = readArguments(tokens, at + 1)?.next ?? at;
  const [first, second] = rest;
  if (list === undefined || first === undefined) return unchanged(at);
  const as = (type: string): readonly Token[] => call('CAST', [[...list, word('AS'), word(type)]]);
  if (isToken(tokens[at], 'TRANSFORM')) return { tokens: call('LIST_TRANSFORM', [as('STANDIN_JSONS'), first]), next };
  if (second === undefined) return unchanged(at);
  return { tokens: call('LIST_REDUCE', [as('STANDIN_TEXTS'), second, first]), next };
};

/** A star that stands for all columns as one value. */
const starValues: Rewrite = (tokens, at) => {
  const isStarCall = (name: string) =>
    isToken(tokens[at], name) &&
    isToken(tokens[at + 1], '(') &&
    isToken(tokens[at + 2], '*') &&
    isToken(tokens[at + 3], ')');
  if (isStarCall('OBJECT_CONSTRUCT')) return { tokens: [word('STANDIN_OBJECT')], next: at + 4 };
  if (isStarCall('HASH_AGG')) return { tokens: [word('STANDIN_HASH')], next: at + 4 };
  if (
    isToken(tokens[at], 'DISTINCT') &&
    isToken(tokens[at - 1], '(') &&
    isToken(tokens[at + 1], '*') &&
    isToken(tokens[at + 2], ')')
  ) {
    return { tokens: [word('DISTINCT', false), word('STANDIN_TUPLE')], next: at + 2 };
  }
  return unchanged(at);
};

const trueEvents: Rewrite = (tokens, at) => {
  const found = readCall(tokens, at, 'CONDITIONAL_TRUE_EVENT');
  if (found === undefined) return unchanged(at);
  const counted = [
    word('CASE'),
    word('WHEN'),
    ...joined(found.args).map((token, index) => ({ ...token, spaced: token.spaced || index === 0 })),
    word('THEN'),
    word('1'),
    word('ELSE'),
    word('0'),
    word('END'),
  ];
  return { tokens: call('SUM', [counted]), next: found.next };
};

/** `[a, b]` of values of any type; lists of literals stay DuckDB's. */
const arrays: Rewrite = (tokens, at) => {
  const before = tokens[at - 1];
  const isLiteral =
    isToken(tokens[at], '[') && (isToken(before, 'SELECT') || isToken(before, ',') || isToken(before, '('));
  const found = isLiteral ? readArguments(tokens, at) : undefined;
  if (found === undefined || !found.args.some((arg) => arg.some(({ kind }) => kind === 'word'))) return unchanged(at);
  return { tokens: call('STANDIN_ARRAY', found.args), next: found.next };
};

/** `{*}` and `{* EXCLUDE (..)}`. */
const starObjects: Rewrite = (tokens, at) => {
  if (!isToken(tokens[at], '{') || !isToken(tokens[at + 1], '*')) return unchanged(at);
  if (isToken(tokens[at + 2], '}')) return { tokens: [word('STANDIN_OBJECT')], next: at + 3 };
  const excluded = readCall(tokens, at + 2, 'EXCLUDE');
  if (excluded === undefined || !isToken(tokens[excluded.next], '}')) return unchanged(at);
  return { tokens: call('STANDIN_EXCEPT', excluded.args), next: excluded.next + 1 };
};

const arrayContains: Rewrite = (tokens, at) => {
  const found = readCall(tokens, at, 'ARRAY_CONTAINS');
  const [value, list] = found?.args ?? [];
  if (found === undefined || value === undefined || list === undefined) return unchanged(at);
  const values = call('CAST', [[...call('TO_VARIANT', [list]), word('AS'), word('STANDIN_JSONS')]]);
  return { tokens: call('LIST_CONTAINS', [values, value]), next: found.next };
};

/** Snowflake calls a pivoted column like the literal with its quotes. */
const pivots: Rewrite = (tokens, at) => {
  const isValue = tokens[at]?.kind === 'string' && (isToken(tokens[at + 1], ',') || isToken(tokens[at + 1], ')'));
  const opening = tokens.findLastIndex((token, index) => index < at && isToken(token, 'PIVOT'));
  const list = tokens.findIndex((token, index) => index > opening && isToken(token, 'IN'));
  const isInside = opening >= 0 && list > opening && list < at && (readArguments(tokens, list + 1)?.next ?? 0) > at;
  if (!isValue || !isInside || tokens[at] === undefined) return unchanged(at);
  return { tokens: [tokens[at], word('AS'), made('quoted', tokens[at].text)], next: at + 1 };
};

/** A column that is called like a word DuckDB reads as part of TRIM. */
const wordColumns: Rewrite = (tokens, at) =>
  isToken(tokens[at], 'BOTH') && isToken(tokens[at - 1], '(') && isToken(tokens[at + 1], ')')
    ? { tokens: [made('quoted', 'BOTH', false)], next: at + 1 }
    : unchanged(at);

/** Puts DuckDB's notation in the places of the marks. */
export function finishConstructs(text: string): string {
  const withoutFilter = text.replaceAll(' FILTER(WHERE STANDIN_OBJECT IS NOT NULL)', '');
  return withoutFilter.replaceAll(/STANDIN_EXCEPT\(([^()]*)\)/g, 'to_json(struct_pack(*COLUMNS(* EXCLUDE ($1))))');
}

const rewrites: readonly Rewrite[] = [
  wordColumns,
  starObjects,
  arrayContains,
  pivots,

  flatten,
  splitToTable,
  generator,
  sequence,
  timeTravel,
  lambdas,
  starValues,
  trueEvents,
  arrays,
];
