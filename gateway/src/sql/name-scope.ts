import type { ColumnSet } from './columns.js';
import { unsupported } from './refusal.js';
import { mayBeUnnamed, type ScopeItem, type Visible } from './scope.js';
import type { Expression, Select, StarItem } from './syntax.js';

/** The names visible at a place of a query, innermost first. */
export interface Scope {
  readonly visible: Visible;
  /** The outputs of the same SELECT that can be referred to by a name given to them there. */
  readonly aliases: ReadonlyMap<string, readonly AliasMeaning[]>;
  /** Some output of the same SELECT has a name derived from its text. */
  readonly derivesNames: boolean;
  /** What the named windows of the same SELECT partition and sort by. */
  readonly windows: Select['windows'];
  /** With CONNECT BY: what LEVEL depends on. */
  readonly level: ColumnSet | undefined;
  readonly outer: Scope | undefined;
  /**
   * In the SELECT list a column wins over an alias of its name. Elsewhere which of the two Snowflake takes differs from
   * clause to clause, so both count.
   */
  readonly aliasesAdd: boolean;
  /** What has been found out already: without it nested queries that are mentioned twice cost exponential time. */
  readonly values: Map<Expression, ColumnSet | 'in progress'>;
}

/** What an alias stands for: an expression, or a column that a star gives another name. In FROM it means nothing certain. */
export type AliasMeaning =
  | { readonly expression: Expression }
  | { readonly item: StarItem; readonly column: string }
  | 'unclear';

type Aliases = Scope['aliases'];

const NO_ALIASES: Aliases = new Map();
const NO_WINDOWS: Select['windows'] = new Map();

/** Within a SELECT, or with nothing but sources. */
export function createScope(visible: Visible, outer: Scope | undefined, select?: Select, level?: ColumnSet): Scope {
  const aliases = select === undefined ? NO_ALIASES : aliasesOf(select);
  const derivesNames = select?.items.some(isDerivedName) === true;
  const windows = select?.windows ?? NO_WINDOWS;
  return { visible, aliases, derivesNames, windows, level, outer, aliasesAdd: false, values: new Map() };
}

/** In the FROM clause of a SELECT, for what sees the sources before it. */
export function createLateralScope(visible: Visible, outer: Scope | undefined, select: Select): Scope {
  const aliases: Aliases = new Map([...aliasesOf(select).keys()].map((name) => [name, ['unclear']]));
  return { ...createScope(visible, outer), aliases, derivesNames: select.items.some(isDerivedName) };
}

function isDerivedName(item: Select['items'][number]): boolean {
  if (item.kind === 'star' || item.alias !== undefined) return false;
  const { exact } = item.expression;
  return exact === undefined || exact.position !== undefined;
}

function aliasesOf(select: Select): Aliases {
  let aliases: Map<string, AliasMeaning[]> | undefined;
  for (const item of select.items) {
    for (const [name, meaning] of namesGivenBy(item)) {
      aliases ??= new Map();
      const known = aliases.get(name);
      if (known === undefined) aliases.set(name, [meaning]);
      else known.push(meaning);
    }
  }
  return aliases ?? NO_ALIASES;
}

/** The names an entry of the SELECT list gives: an alias, or what a star replaces and renames. */
function namesGivenBy(item: Select['items'][number]): readonly (readonly [string, AliasMeaning])[] {
  if (item.kind === 'expression') {
    return item.alias === undefined ? [] : [[item.alias, { expression: item.expression }]];
  }
  const renamed = [...item.rename].map(([column, name]) => [name, { item, column }] as const);
  const replaced = [...item.replace].map(([column, expression]) => {
    return [item.rename.get(column) ?? column, { expression }] as const;
  });
  return [...renamed, ...replaced];
}

/** A name like `UPPER(EMAIL)` may be that of an output, which comes before anything further out. */
export function isHiddenByOutput(scope: Scope, name: string): boolean {
  return mayBeUnnamed({ unnamed: scope.derivesNames ? 'derived' : 'no' }, name);
}

/** A full name becomes alias and column: no nearer source may answer to that alias. */
export function checkNotHidden(item: ScopeItem, from: Scope, to: Scope): void {
  for (let at: Scope | undefined = from; at !== undefined && at !== to; at = at.outer) {
    if (at.visible.items.some((other) => other.name === item.name))
      unsupported('a source hidden by another of its name');
  }
}
