import type { Expressions } from './expressions.js';
import type { Random } from './random.js';
import { reshapedTable } from './reshaped.js';
import { type NamedQuery, nameText, type Scope, type Source } from './scopes.js';
import { TABLES, type TypedColumn, type View } from './world.js';

/** Where the sources of a FROM clause come from. */
export interface Supply {
  readonly views: readonly View[];
  readonly named: () => readonly NamedQuery[];
  readonly derived: (
    outer: Scope | undefined,
    depth: number,
  ) => { readonly sql: string; readonly columns: readonly TypedColumn[] };
  /** Counts a source; false when only cheap ones may follow. */
  readonly spend: () => boolean;
}

export interface FromClause {
  readonly sql: string;
  readonly sources: readonly Source[];
}

/** None is also a column's: DuckDB takes the name of a source for its whole row where Snowflake knows no such thing. */
const SOURCE_ALIASES = ['S', 'U', 'T1', 'T2', 'q'] as const;

interface Item extends Source {
  readonly sql: string;
  /** Ends with PIVOT or UNPIVOT: DuckDB applies one to the whole join before it, unless a condition of that join follows. */
  readonly reshaped?: boolean;
}

export class FromClauses {
  readonly #random: Random;
  readonly #expressions: Expressions;
  readonly #supply: Supply;

  constructor(random: Random, expressions: Expressions, supply: Supply) {
    this.#random = random;
    this.#expressions = expressions;
    this.#supply = supply;
  }

  clause(outer: Scope | undefined, depth: number): FromClause {
    const random = this.#random;
    const count = depth <= 0 ? 1 : random.pick([1, 1, 1, 2, 2, 3]);
    const taken = new Set<string>();
    const first = this.#item(outer, depth, taken);
    const sources: Source[] = [first];
    let sql = first.sql;
    for (let index = 1; index < count; index += 1) {
      if (random.chance(0.12)) {
        const next = this.#lateral(sources, outer, depth, taken);
        sql = `${sql}${next.sql}`;
        sources.push(next);
        continue;
      }
      const next = this.#item(outer, depth, taken);
      sql = this.#joined(sql, sources, next, outer);
      sources.push(next);
    }
    return { sql, sources };
  }

  #joined(left: string, sources: readonly Source[], next: Item, outer: Scope | undefined): string {
    const random = this.#random;
    const side = random.pick(['', 'INNER ', 'LEFT ', 'RIGHT OUTER ', 'FULL ']);
    const common = commonNames(sources, next);
    const conditional = ['on', 'on', 'on', 'using', 'using'] as const;
    const form = random.pick(
      next.reshaped === true ? conditional : (['comma', 'cross', 'natural', ...conditional] as const),
    );
    if (form === 'comma' && !left.includes('JOIN')) return `${left}, ${next.sql}`;
    if (form === 'using' && common.length > 0) {
      const names = random.shuffled(common).slice(0, 1 + random.below(common.length));
      const list = names.map((name) => nameText(name, random)).join(', ');
      return `${left} ${side}JOIN ${next.sql} USING (${list})`;
    }
    if (form === 'natural' && common.length > 0) return `${left} NATURAL ${side}JOIN ${next.sql}`;
    if (form === 'cross') return `${left} CROSS JOIN ${next.sql}`;
    const scope: Scope = { sources: [...sources, next], aliases: [], outer };
    const condition = this.#expressions.condition({ scope, depth: 0, windows: false });
    const joined = `${left} ${side}JOIN ${next.sql} ON ${condition}`;
    return random.chance(0.15) ? `(${joined})` : joined;
  }

  /** A source that sees those before it: a query, or the pieces of a text. */
  #lateral(sources: readonly Source[], outer: Scope | undefined, depth: number, taken: Set<string>): Item {
    const random = this.#random;
    const name = SOURCE_ALIASES.find((candidate) => !taken.has(candidate)) ?? 'L';
    taken.add(name);
    const alias = nameText(name, random);
    const scope: Scope = { sources, aliases: [], outer };
    const text = random.chance(0.5)
      ? this.#expressions.column('text', { sources, aliases: [], outer: undefined })
      : undefined;
    if (text !== undefined) {
      const columns: TypedColumn[] = [
        { name: 'SEQ', type: 'number' },
        { name: 'INDEX', type: 'number' },
        { name: 'VALUE', type: 'text' },
      ];
      return { sql: `, LATERAL SPLIT_TO_TABLE(${text}, 'a') AS ${alias}`, name, qualifiers: [alias], columns };
    }
    this.#supply.spend();
    const { sql, columns } = this.#supply.derived(scope, Math.max(0, depth - 1));
    const join = random.pick([`, LATERAL (${sql}) AS ${alias}`, ` CROSS JOIN LATERAL (${sql}) AS ${alias}`]);
    return { sql: join, name, qualifiers: [alias], columns };
  }

  #item(outer: Scope | undefined, depth: number, taken: Set<string>): Item {
    for (;;) {
      const item = this.#anyItem(outer, depth);
      if (item.name !== undefined && taken.has(item.name)) continue;
      if (item.name !== undefined) taken.add(item.name);
      return item;
    }
  }

  #anyItem(outer: Scope | undefined, depth: number): Item {
    const random = this.#random;
    const rich = this.#supply.spend() && depth > 0;
    const named = this.#supply.named();
    if (named.length > 0 && random.chance(0.4)) return this.#namedItem(random.pick(named));
    if (this.#supply.views.length > 0 && random.chance(0.15)) return this.#view(random.pick(this.#supply.views));
    if (rich && random.chance(0.3)) {
      const { sql, columns } = this.#supply.derived(outer, depth - 1);
      return this.#aliased(`(${sql})`, columns, 0.9, undefined, []);
    }
    if (random.chance(0.05)) return this.#values();
    if (random.chance(0.14)) {
      const { sql, columns, renamable } = reshapedTable(random);
      return { ...this.#aliased(sql, columns, 1, undefined, [], renamable), reshaped: true };
    }
    return this.#table();
  }

  #namedItem(named: NamedQuery): Item {
    const own = nameText(named.name, this.#random);
    return this.#aliased(own, named.columns, 0.5, named.name, [own]);
  }

  #view(view: View): Item {
    const path = `${this.#random.pick(['public', 'app.public'])}.${nameText(view.name, this.#random)}`;
    return this.#aliased(path, view.columns, 0.5, view.name, [nameText(view.name, this.#random)]);
  }

  #table(): Item {
    const random = this.#random;
    const table = random.pick(TABLES);
    const name = nameText(table.name, random);
    const schema = nameText(table.schema, random);
    const hidden = this.#supply.named().some((named) => named.name === table.name);
    const isBare = table.schema === 'PUBLIC' && !hidden && random.chance(0.5);
    const path = isBare ? name : random.pick([`${schema}.${name}`, `app.${schema}.${name}`]);
    const qualifiers = [name, name, `${schema}.${name}`, `app.${schema}.${name}`];
    return this.#aliased(path, table.columns, 0.5, table.name, qualifiers);
  }

  #values(): Item {
    const random = this.#random;
    const rows = Array.from({ length: 1 + random.below(2) }, () => {
      return `(${this.#expressions.literal('number')}, ${this.#expressions.literal('text')})`;
    });
    const name = random.pick(SOURCE_ALIASES);
    const columns: TypedColumn[] = [
      { name: 'ID', type: 'number' },
      { name: 'X', type: 'text' },
    ];
    const alias = nameText(name, random);
    return { sql: `(VALUES ${rows.join(', ')}) AS ${alias} (id, x)`, name, qualifiers: [alias], columns };
  }

  #aliased(
    sql: string,
    columns: readonly TypedColumn[],
    chance: number,
    ownName: string | undefined,
    ownQualifiers: readonly string[],
    renamable = true,
  ): Item {
    const random = this.#random;
    if (!random.chance(chance)) return { sql, columns, name: ownName, qualifiers: ownQualifiers };
    const name = random.pick(SOURCE_ALIASES);
    const alias = nameText(name, random);
    const word = random.chance(0.6) ? ' AS' : '';
    if (!renamable || !random.chance(0.1)) return { sql: `${sql}${word} ${alias}`, columns, name, qualifiers: [alias] };
    const renamed = columns.map((column, index) => ({
      ...column,
      name: ['ID', 'EMAIL', 'X', 'A'][index] ?? `C${index}`,
    }));
    const list = renamed.map((column) => nameText(column.name, random)).join(', ');
    return { sql: `${sql}${word} ${alias} (${list})`, columns: renamed, name, qualifiers: [alias] };
  }
}

/** Names that both sides have exactly once. */
function commonNames(left: readonly Source[], right: Source): readonly string[] {
  const namesOf = (columns: readonly TypedColumn[]): readonly string[] =>
    columns.flatMap((column) => column.name ?? []);
  const all = namesOf(left.flatMap((source) => source.columns));
  const own = namesOf(right.columns);
  const once = (names: readonly string[], name: string): boolean =>
    names.filter((other) => other === name).length === 1;
  return [...new Set(own)].filter((name) => once(own, name) && once(all, name));
}
