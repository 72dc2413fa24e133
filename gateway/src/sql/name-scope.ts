import type { ColumnSet } from './columns.js';
import { unsupported } from './refusal.js';
import { mayBeUnnamed, type ScopeItem, type Visible } from './scope.js';
import type { Expression, Select, Star } from './syntax.js';

/** The names visible at a place of a query, innermost first. */
export interface Scope {
  readonly visible: Visible;
  /** The outputs of the same SELECT that can be referred to by a name given to them there. */
  readonly aliases: ReadonlyMap<string, readonly AliasMeaning[]>;
  /** Some output of the same SELECT has a name derived from its text. */
  readonly derivesNames: boolean;
  readonly outer: Scope | undefined;
  /**
   * In the SELECT list a column wins over an alias of its name. Elsewhere which of the two Snowflake takes differs from
   * clause to clause, so both count.
   */
  readonly aliasesAdd: boolean;
  /** What has been found out already: without it nested queries that are mentioned twice cost exponential time. */
  readonly values: Map<Expression, ColumnSet | 'in progress'>;
}

/** What an alias stands for: an expression, or a column that a star gives another name. */
export type AliasMeaning = { readonly expression: Expression } | { readonly star: Star; readonly column: string };

export function createScope(visible: Visible, outer: Scope | undefined, select?: Select): Scope {
  const aliases = select === undefined ? new Map<string, readonly AliasMeaning[]>() : aliasesOf(select);
  const derivesNames = select?.items.some(isDerivedName) === true;
  return { visible, aliases, derivesNames, outer, aliasesAdd: false, values: new Map() };
}

function isDerivedName(item: Select['items'][number]): boolean {
  return item.kind === 'expression' && item.alias === undefined && item.expression.exact === undefined;
}

function aliasesOf(select: Select): Scope['aliases'] {
  const aliases = new Map<string, AliasMeaning[]>();
  for (const [name, meaning] of select.items.flatMap(namesGivenBy)) {
    aliases.set(name, [...(aliases.get(name) ?? []), meaning]);
  }
  return aliases;
}

/** The names an entry of the SELECT list gives: an alias, or what a star replaces and renames. */
function namesGivenBy(item: Select['items'][number]): readonly (readonly [string, AliasMeaning])[] {
  if (item.kind === 'expression') {
    return item.alias === undefined ? [] : [[item.alias, { expression: item.expression }]];
  }
  const { star } = item;
  const renamed = [...item.rename].map(([column, name]) => [name, { star, column }] as const);
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
