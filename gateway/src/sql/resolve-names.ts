import { type Column, type ColumnSet, NO_COLUMNS } from './columns.js';
import { type AliasMeaning, checkNotHidden, isHiddenByOutput, type Scope } from './name-scope.js';
import { type NameParts, quoteIdentifier } from './names.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import type { Resolving } from './resolving.js';
import { columnOf, findItem, mayBeUnnamed, pick, type ScopeItem, type Visible } from './scope.js';
import type { ColumnUse, Star } from './syntax.js';
import { isIdentifier } from './tokens.js';

/** Columns by their names, seen from a scope. */

/** Longest chain of aliases that refer to each other. */
const MAX_ALIAS_CHAIN = 50;

const NOTHING: Column = { name: undefined, sources: NO_COLUMNS, direct: undefined };

export class Names {
  readonly #resolving: Resolving;
  #aliasDepth = 0;

  constructor(resolving: Resolving) {
    this.#resolving = resolving;
  }

  /** The column a name stands for. Throws `Refusal` unless it is known exactly. */
  column(use: ColumnUse, scope: Scope): Column {
    try {
      const found = this.#find(use, scope);
      if (found !== undefined) return found;
    } catch (error) {
      if (error instanceof Refusal) error.span ??= this.#spanOf(use);
      throw error;
    }
    if (use.isOptional) return NOTHING;
    throw new Refusal('unknown-column', 'a column is not known', [], this.#spanOf(use));
  }

  #spanOf({ from, to }: { readonly from: number; readonly to: number }) {
    const { tokens } = this.#resolving.context;
    return { start: tokens[from]?.start ?? 0, end: tokens[to - 1]?.end ?? 0 };
  }

  #find(use: ColumnUse, scope: Scope): Column | undefined {
    if (use.position !== undefined) return this.#positional(use, use.position, scope);
    return use.parts.length > 1 ? this.#qualified(use, scope) : this.#unqualified(use.parts[0] ?? '', scope);
  }

  #qualified(use: ColumnUse, scope: Scope): Column | undefined {
    const qualifier = use.parts.slice(0, -1);
    for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
      const item = findItem(at.visible, qualifier);
      if (item === undefined) continue;
      if (qualifier.length > 1) checkNotHidden(item, scope, at);
      this.#repoint(qualifier, item, use);
      return columnOf(item, use.parts.at(-1) ?? '');
    }
    return undefined;
  }

  /** `$n`: a column of the one source there is, or of the source that is named. What name an output of it gets is not certain. */
  #positional(use: ColumnUse, position: number, scope: Scope): Column {
    const item = use.parts.length === 0 ? onlyItem(scope.visible) : findItem(scope.visible, use.parts);
    if (item === undefined || item.isPartial) unsupported('a column by position of this source');
    const column = item.columns[position - 1];
    if (column === undefined) throw new Refusal('unknown-column', 'a column is not known');
    return { ...column, name: undefined, anyName: true };
  }

  /** The inner scope comes first, and there the column; see `Scope.aliasesAdd` for aliases beside it. */
  #unqualified(name: string, scope: Scope): Column | undefined {
    const column = this.#ownColumn(name, scope);
    if (column !== undefined && !scope.aliasesAdd) return column;
    if (column === undefined && mayBeUnnamed(scope.visible, name)) return undefined;
    const alias = this.#alias(name, scope);
    if (column === undefined && alias === undefined && isHiddenByOutput(scope, name)) return undefined;
    if (column === undefined && alias === undefined) {
      return scope.outer === undefined ? undefined : this.#unqualified(name, scope.outer);
    }
    if (column === undefined) {
      const outer = scope.outer === undefined ? undefined : this.#unqualified(name, scope.outer);
      return {
        name,
        sources: this.#resolving.union(alias ?? NO_COLUMNS, outer?.sources ?? NO_COLUMNS),
        direct: undefined,
      };
    }
    const adds = alias !== undefined && [...alias].some((id) => !column.sources.has(id));
    return adds ? { name, sources: this.#resolving.union(column.sources, alias), direct: undefined } : column;
  }

  /** A column of the sources, or LEVEL of a hierarchy. */
  #ownColumn(name: string, scope: Scope): Column | undefined {
    const columns = scope.visible.byName.get(name);
    const column = columns === undefined ? undefined : pick(columns);
    if (name !== 'LEVEL' || scope.level === undefined) return column;
    const sources = this.#resolving.union(scope.level, column?.sources ?? NO_COLUMNS);
    return { name, sources, direct: undefined };
  }

  #alias(name: string, scope: Scope): ColumnSet | undefined {
    const meanings = scope.aliases.get(name);
    if (meanings === undefined) return undefined;
    const values = meanings.map((meaning) => this.#aliasValue(meaning, scope)).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : this.#resolving.union(...values);
  }

  /** Undefined for an alias within its own expression: there only a column can be meant. */
  #aliasValue(meaning: AliasMeaning, scope: Scope): ColumnSet | undefined {
    if (meaning === 'unclear') unsupported('an alias in a source that sees the sources before it');
    if ('item' in meaning) {
      const columns = this.star(meaning.item.star, scope.visible).filter((column) => column.name === meaning.column);
      return this.#resolving.union(...columns.map((column) => column.sources));
    }
    if (scope.values.get(meaning.expression) === 'in progress') return undefined;
    if (this.#aliasDepth >= MAX_ALIAS_CHAIN) unsupported('so long a chain of aliases');
    this.#aliasDepth += 1;
    const value = this.#resolving.value(meaning.expression, { ...scope, aliasesAdd: false });
    this.#aliasDepth -= 1;
    return value;
  }

  /** The columns of `*` or `t.*`. */
  star(star: Star, visible: Visible): readonly Column[] {
    if (star.qualifier.length === 0) {
      if (visible.items.length === 0) unknownSyntax('a star without a source');
      return visible.star ?? unsupported('a star whose columns or their order are not certain', this.#spanOf(star));
    }
    const item = findItem(visible, star.qualifier);
    if (item === undefined) {
      throw new Refusal('unknown-object', 'the source before a star is not known', [], this.#spanOf(star));
    }
    if (item.columns.some((column) => column.name !== undefined && visible.merged.has(column.name))) {
      unsupported('a star over one side of USING', this.#spanOf(star));
    }
    if (item.isPartial) unsupported('a star whose columns or their order are not certain', this.#spanOf(star));
    this.#repoint(star.qualifier, item, star);
    return item.columns;
  }

  /** A name with schema or database would not find the alias its table gets: it is pointed to the alias. */
  #repoint(
    qualifier: NameParts,
    item: ScopeItem,
    use: { readonly from: number; readonly to: number } & Partial<Pick<ColumnUse, 'parts'>>,
  ): void {
    const { tokens, edits } = this.#resolving.context;
    if (qualifier.length < 2 || item.name === undefined) return;
    const last = tokens[use.to - 1];
    const written =
      use.parts === undefined ? '*' : isIdentifier(last) ? last.raw : quoteIdentifier(use.parts.at(-1) ?? '');
    edits.replace(use.from, use.to, `${quoteIdentifier(item.name)}.${written}`);
  }
}

function onlyItem(visible: Visible): ScopeItem | undefined {
  return visible.items.length === 1 ? visible.items[0] : undefined;
}
