import type { Random } from './random.js';
import type { TypedColumn, ValueType } from './world.js';

/** One source of a FROM clause, as the generator knows it. */
export interface Source {
  /** What may stand before a dot; undefined where nothing may. */
  readonly qualifiers: readonly string[];
  /** The name it is reached by, as stored; two sources of one FROM must not share it. */
  readonly name: string | undefined;
  readonly columns: readonly TypedColumn[];
}

/** What names mean at a place of a query, innermost first. */
export interface Scope {
  readonly sources: readonly Source[];
  /** Aliases of the same SELECT, in order. */
  readonly aliases: TypedColumn[];
  readonly outer: Scope | undefined;
}

/** A relation by name in a WITH clause. */
export interface NamedQuery {
  readonly name: string;
  readonly columns: readonly TypedColumn[];
}

/** Names outputs and aliases get: those of base columns, quoted ones, and one that DuckDB derives for an expression. */
export const ALIASES = [
  'ID',
  'A',
  'B',
  'EMAIL',
  'X',
  'NAME',
  'email',
  'Mixed',
  'COUNT',
  'DATE',
  'max(A)',
  'min(ID)',
] as const;

const OUTER_CHANCE = 0.2;
const ALIAS_CHANCE = 0.15;
const QUALIFIED_CHANCE = 0.6;

/** A stored name as text: unquoted in either case where that is possible. */
export function nameText(name: string, random: Random): string {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) return quoted;
  return random.pick([name.toLowerCase(), name.toLowerCase(), name, quoted]);
}

/** A reference to some column of the type that is visible, or undefined where there is none. */
export function reference(type: ValueType, scope: Scope | undefined, random: Random): string | undefined {
  if (scope === undefined) return undefined;
  if (scope.outer !== undefined && random.chance(OUTER_CHANCE)) {
    const outer = reference(type, scope.outer, random);
    if (outer !== undefined) return outer;
  }
  if (random.chance(ALIAS_CHANCE)) {
    const aliases = scope.aliases.filter((alias) => alias.type === type);
    const alias = aliases.length === 0 ? undefined : random.pick(aliases);
    if (alias?.name !== undefined) return nameText(alias.name, random);
  }
  const found = scope.sources.flatMap((source) =>
    source.columns.filter((column) => column.type === type).map((column) => ({ source, column })),
  );
  if (found.length === 0) return reference(type, scope.outer, random);
  const { source, column } = random.pick(found);
  const name = column.name ?? random.pick(['max(A)', 'min(ID)']);
  const isAmbiguous = found.filter((other) => other.column.name === name).length > 1;
  const qualifier = source.qualifiers.length === 0 ? undefined : random.pick(source.qualifiers);
  const isQualified = qualifier !== undefined && random.chance(isAmbiguous ? 0.97 : QUALIFIED_CHANCE);
  return isQualified ? `${qualifier}.${nameText(name, random)}` : nameText(name, random);
}
