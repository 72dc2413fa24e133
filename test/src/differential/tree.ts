/** A tree of the other parser: enum variants are objects of one key or plain text, everything else is JSON. */
export type Tree = string | number | boolean | null | undefined | readonly Tree[] | Branch;
export interface Branch {
  readonly [key: string]: Tree;
}

/** The adapter does not know this part of the other parser's tree: nothing is compared. */
export class NotAdapted extends Error {}

export function notAdapted(what: string): never {
  throw new NotAdapted(what);
}

export function branch(tree: Tree): Branch {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree)
    ? (tree as Branch)
    : notAdapted(`${JSON.stringify(tree)?.slice(0, 40)} where a structure was expected`);
}

export function list(tree: Tree): readonly Tree[] {
  return Array.isArray(tree) ? tree : notAdapted('no list where one was expected');
}

export function text(tree: Tree): string {
  return typeof tree === 'string' ? tree : notAdapted('no text where one was expected');
}

/** Name and content of an enum variant. */
export function variant(tree: Tree): readonly [string, Tree] {
  if (typeof tree === 'string') return [tree, undefined];
  const entries = Object.entries(branch(tree));
  const [entry] = entries;
  return entry !== undefined && entries.length === 1 ? entry : notAdapted('a structure where a variant was expected');
}

/** Refuses every field beside those named that says something. */
export function only(tree: Tree, ...known: readonly string[]): Branch {
  const fields = branch(tree);
  for (const [key, value] of Object.entries(fields)) {
    if (known.includes(key) || key.endsWith('_token') || isSilent(value)) continue;
    notAdapted(`the field ${key}`);
  }
  return fields;
}

function isSilent(value: Tree): boolean {
  return (
    value === undefined ||
    value === null ||
    value === false ||
    value === 'None' ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** A name as Snowflake stores it. */
export function storedName(ident: Tree): string {
  const { value, quote_style: quote } = only(ident, 'value', 'quote_style');
  if (quote !== undefined && quote !== '"') notAdapted('a name in other quotes');
  return quote === '"' ? text(value) : text(value).toUpperCase();
}

/** Parts of a dotted name. */
export function nameParts(tree: Tree): readonly string[] {
  return list(tree).map((part) => {
    const [kind, ident] = variant(part);
    return kind === 'Identifier' ? storedName(ident) : notAdapted('a name that is computed');
  });
}
