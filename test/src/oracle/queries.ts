import { Expressions, type Place } from './expressions.js';
import { FromClauses } from './from-clauses.js';
import type { Random } from './random.js';
import { ALIASES, type NamedQuery, nameText, type Scope, type Source } from './scopes.js';
import type { TypedColumn, ValueType, View } from './world.js';

/** A query and what it gives. */
export interface Generated {
  readonly sql: string;
  readonly columns: readonly TypedColumn[];
}

interface Wanted {
  /** Undefined: any columns, stars included. */
  readonly types: readonly ValueType[] | undefined;
  readonly single: boolean;
}

const TYPES: readonly ValueType[] = ['number', 'text'];
/** Sources in one statement; keeps products of rows small. */
const MAX_SOURCES = 9;

/** Makes random queries over the tables of `TABLES` and the given views. */
export class QueryGenerator {
  readonly #random: Random;
  readonly #expressions: Expressions;
  readonly #from: FromClauses;
  #named: NamedQuery[] = [];
  #sources = 0;

  constructor(random: Random, views: readonly View[]) {
    this.#random = random;
    this.#expressions = new Expressions(random, {
      scalar: (type, outer, depth) => this.#query({ types: [type], single: true }, outer, depth - 1).sql,
      rows: (types, outer, depth) => this.#query({ types, single: false }, outer, depth).sql,
    });
    this.#from = new FromClauses(random, this.#expressions, {
      views,
      named: () => this.#named,
      derived: (outer, depth) => this.#query({ types: undefined, single: false }, outer, depth),
      spend: () => {
        this.#sources += 1;
        return this.#sources < MAX_SOURCES;
      },
    });
  }

  /** One statement. */
  query(depth: number): Generated {
    this.#named = [];
    this.#sources = 0;
    return this.#query({ types: undefined, single: false }, undefined, depth);
  }

  #query(wanted: Wanted, outer: Scope | undefined, depth: number): Generated {
    const before = this.#named;
    const clause = depth > 0 && this.#random.chance(0.25) ? this.#with(outer, depth) : '';
    const body = this.#body(wanted, outer, depth);
    this.#named = before;
    return { ...body, sql: `${clause}${body.sql}` };
  }

  /** Rows that come out of rows of the same query, some times over. */
  #recursive(outer: Scope | undefined): string {
    const random = this.#random;
    const name = random.pick(['R', 'T1', 'Q']);
    const columns: TypedColumn[] = [
      { name: 'N', type: 'number' },
      { name: random.pick(['X', 'EMAIL']), type: 'text' },
      { name: random.pick(['ID', 'A']), type: 'number' },
    ];
    const text = nameText(name, random);
    const anchor = this.#query({ types: ['number', 'text', 'number'], single: false }, outer, 0).sql;
    const scope: Scope = { sources: [{ name: 'S', qualifiers: ['s'], columns }], aliases: [], outer: undefined };
    const place: Place = { scope, depth: 1, windows: false };
    const step =
      `SELECT s.n + 1, ${this.#expressions.value('text', place)}, ${this.#expressions.value('number', place)} ` +
      `FROM ${text} AS s WHERE s.n < 4${random.chance(0.3) ? ` AND ${this.#expressions.condition({ ...place, depth: 0 })}` : ''}`;
    this.#named = [{ name, columns }, ...this.#named];
    const list = columns.map((column) => nameText(column.name ?? '', random)).join(', ');
    return `WITH RECURSIVE ${text} (${list}) AS (SELECT * FROM (${anchor}) AS "anchor" UNION ALL ${step}) `;
  }

  #with(outer: Scope | undefined, depth: number): string {
    const random = this.#random;
    if (random.chance(0.15)) return this.#recursive(outer);
    const definitions: string[] = [];
    const names = random.shuffled(['T1', 'T2', 'Q', 'R', 'V1']).slice(0, 1 + random.below(2));
    for (const name of names) {
      const { sql, columns } = this.#query({ types: undefined, single: false }, outer, depth - 1);
      const renamed = random.chance(0.2)
        ? columns.map((column, index) => ({ ...column, name: `C${index + 1}` }))
        : undefined;
      const list =
        renamed === undefined ? '' : ` (${renamed.map((column) => nameText(column.name, random)).join(', ')})`;
      definitions.push(`${nameText(name, random)}${list} AS (${sql})`);
      this.#named = [{ name, columns: renamed ?? columns }, ...this.#named];
    }
    return `WITH ${definitions.join(', ')} `;
  }

  #body(wanted: Wanted, outer: Scope | undefined, depth: number): Generated {
    if (depth <= 0 || !this.#random.chance(0.15)) return this.#select(wanted, outer, depth, true);
    const types = wanted.types ?? Array.from({ length: 1 + this.#random.below(3) }, () => this.#random.pick(TYPES));
    const arms = Array.from({ length: this.#random.chance(0.2) ? 3 : 2 }, () => {
      const nests = depth > 1 && this.#random.chance(0.25);
      if (!nests) return this.#select({ types, single: wanted.single }, outer, depth - 1, false);
      const nested = this.#body({ types, single: wanted.single }, outer, depth - 1);
      return { ...nested, sql: `(${nested.sql})` };
    });
    const operations = ['UNION', 'UNION ALL', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'MINUS'];
    const sql = arms
      .map((arm, index) => {
        const text = this.#random.chance(0.3) ? `(${arm.sql})` : arm.sql;
        return index === 0 ? text : `${this.#random.pick(operations)} ${text}`;
      })
      .join(' ');
    const columns = arms[0]?.columns ?? [];
    const tail = wanted.single ? ' LIMIT 1' : this.#random.chance(0.2) ? ' LIMIT 3' : '';
    const ordered = tail !== '' || this.#random.chance(0.3);
    return { sql: `${sql}${ordered ? this.#orderByAll(columns) : ''}${tail}`, columns };
  }

  #orderByAll(columns: readonly TypedColumn[]): string {
    const positions = this.#random.shuffled(columns.map((_, index) => String(index + 1)));
    const keys = this.#random.chance(0.6) ? positions : positions.slice(0, 1);
    const named = columns.find((column) => column.name !== undefined)?.name;
    const first = named !== undefined && this.#random.chance(0.4) ? [nameText(named, this.#random)] : [];
    return ` ORDER BY ${[...first, ...keys].join(', ')}`;
  }

  #select(wanted: Wanted, outer: Scope | undefined, depth: number, mayOrder: boolean): Generated {
    const random = this.#random;
    const from = this.#from.clause(outer, depth);
    const scope: Scope = { sources: from.sources, aliases: [], outer };
    const place: Place = { scope, depth: Math.min(depth, 2), windows: true };
    const mode =
      wanted.single && !mayOrder ? 'aggregate' : random.pick(['plain', 'plain', 'plain', 'grouped', 'aggregate']);
    switch (mode) {
      case 'grouped':
        return this.#grouped(wanted, from.sql, place, mayOrder);
      case 'aggregate':
        return this.#aggregated(wanted, from.sql, place);
      default:
        return this.#plain(wanted, from.sql, place, mayOrder);
    }
  }

  #where(place: Place, chance: number): string {
    if (!this.#random.chance(chance)) return '';
    return ` WHERE ${this.#expressions.condition({ ...place, windows: false })}`;
  }

  #alias(
    type: ValueType,
    place: Place,
    taken: Set<string>,
  ): { readonly text: string; readonly name: string | undefined } {
    if (!this.#random.chance(0.65)) return { text: '', name: undefined };
    const name = this.#random.pick(ALIASES);
    if (taken.has(name)) return { text: '', name: undefined };
    taken.add(name);
    place.scope.aliases.push({ name, type });
    const word = this.#random.chance(0.7) || /^(COUNT|DATE)$/.test(name) ? ' AS ' : ' ';
    return { text: `${word}${nameText(name, this.#random)}`, name };
  }

  #plain(wanted: Wanted, from: string, outside: Place, mayOrder: boolean): Generated {
    const random = this.#random;
    const windowName = random.chance(0.12) ? random.pick(['w', 'W1', '"id"']) : undefined;
    const place: Place = windowName === undefined ? outside : { ...outside, named: [windowName] };
    const taken = new Set<string>();
    const items: string[] = [];
    const columns: TypedColumn[] = [];
    const types = wanted.types ?? Array.from({ length: 1 + random.below(3) }, () => random.pick(TYPES));
    for (const type of types) {
      const star = wanted.types === undefined && random.chance(0.2) ? this.#star(place) : undefined;
      if (star !== undefined) {
        items.push(star.sql);
        columns.push(...star.columns);
        continue;
      }
      const sql = this.#expressions.value(type, place);
      const alias = this.#alias(type, place, taken);
      items.push(`${sql}${alias.text}`);
      columns.push({ name: alias.name ?? plainName(sql), type });
    }
    const distinct = random.chance(0.12) ? 'DISTINCT ' : '';
    const qualify = random.chance(0.1)
      ? ` QUALIFY ${this.#expressions.window('number', place)} ${random.pick(['=', '<='])} ${random.pick(['1', '2'])}`
      : '';
    const where = this.#where(place, 0.5);
    const windows = windowName === undefined ? '' : ` WINDOW ${windowName} AS (${this.#expressions.windowBody(place)})`;
    const head = `SELECT ${distinct}${items.join(', ')} FROM ${from}${where}${windows}${qualify}`;
    const tail = mayOrder ? this.#ordering(columns, place, wanted.single, distinct !== '') : '';
    return { sql: `${head}${tail}`, columns };
  }

  /**
   * Positions often close the list, so that ties are not settled by the engine. They also make every output decide about
   * the order, so often they do not.
   */
  #ordering(columns: readonly TypedColumn[], place: Place, single: boolean, distinct: boolean): string {
    const random = this.#random;
    if (!single && !random.chance(0.35)) return '';
    const keys = columns.map((_, index) => String(index + 1));
    const names = columns.flatMap((column) => (column.name === undefined ? [] : [nameText(column.name, random)]));
    const key = (): string => {
      if (distinct) return random.pick(keys);
      if (names.length > 0 && random.chance(0.6)) return random.pick(names);
      return this.#expressions.column(random.pick(TYPES), place.scope) ?? random.pick(keys);
    };
    const first = `${key()}${random.pick(['', ' ASC', ' DESC', ' NULLS LAST'])}`;
    const limit = single ? ' LIMIT 1' : random.chance(0.4) ? ` LIMIT ${1 + random.below(3)}` : '';
    const closing = distinct || random.chance(0.3) ? random.shuffled(keys) : [];
    return ` ORDER BY ${[first, ...closing].join(', ')}${limit}`;
  }

  #star(place: Place): Generated | undefined {
    const random = this.#random;
    const { sources } = place.scope;
    const source: Source = random.pick(sources);
    const qualifier = random.chance(0.5) && source.qualifiers.length > 0 ? random.pick(source.qualifiers) : undefined;
    const all = qualifier === undefined ? sources.flatMap((entry) => entry.columns) : source.columns;
    const names = [...new Set(all.flatMap((column) => column.name ?? []))];
    const prefix = qualifier === undefined ? '*' : `${qualifier}.*`;
    const [excluded, replaced, renamed] = random.shuffled(names);
    const text = (name: string): string => nameText(name, random);
    let sql = prefix;
    let columns = all;
    if (excluded !== undefined && names.length > 1 && random.chance(0.3)) {
      sql += random.chance(0.5) ? ` EXCLUDE ${text(excluded)}` : ` EXCLUDE (${text(excluded)})`;
      columns = columns.filter((column) => column.name !== excluded);
    }
    const type = all.find((column) => column.name === replaced)?.type;
    if (replaced !== undefined && type !== undefined && random.chance(0.25)) {
      sql += ` REPLACE (${this.#expressions.value(type, { ...place, depth: 1 })} AS ${text(replaced)})`;
    }
    if (renamed !== undefined && random.chance(0.3)) {
      const name = random.pick([...ALIASES, ...(excluded === undefined ? [] : [excluded])]);
      sql += ` RENAME (${text(renamed)} AS ${text(name)})`;
      columns = columns.map((column) => (column.name === renamed ? { ...column, name } : column));
    }
    place.scope.aliases.push(...columns.filter((column) => column.name !== undefined && random.chance(0.2)));
    return { sql, columns };
  }

  #aggregated(wanted: Wanted, from: string, place: Place): Generated {
    const types = wanted.types ?? Array.from({ length: 1 + this.#random.below(2) }, () => this.#random.pick(TYPES));
    const taken = new Set<string>();
    const columns: TypedColumn[] = [];
    const items = types.map((type) => {
      const sql = this.#expressions.aggregate(type, place);
      const alias = this.#alias(type, place, taken);
      columns.push({ name: alias.name, type });
      return `${sql}${alias.text}`;
    });
    place.scope.aliases.length = 0;
    return { sql: `SELECT ${items.join(', ')} FROM ${from}${this.#where(place, 0.5)}`, columns };
  }

  #grouped(wanted: Wanted, from: string, place: Place, mayOrder: boolean): Generated {
    const random = this.#random;
    const types = wanted.types ?? [random.pick(TYPES), random.pick(TYPES)];
    const taken = new Set<string>();
    const where = this.#where(place, 0.3);
    const keys: string[] = [];
    const columns: TypedColumn[] = [];
    const items = types.map((type, index) => {
      const isKey = index === 0 || random.chance(0.3);
      const sql = isKey
        ? this.#expressions.value(type, { ...place, windows: false, depth: 1 })
        : this.#expressions.aggregate(type, { ...place, depth: 1 });
      const alias = this.#alias(type, { ...place, scope: { ...place.scope, aliases: [] } }, taken);
      if (isKey)
        keys.push(
          random.pick([sql, sql, String(index + 1), alias.name === undefined ? sql : nameText(alias.name, random)]),
        );
      columns.push({ name: alias.name ?? (isKey ? plainName(sql) : undefined), type });
      return `${sql}${alias.text}`;
    });
    // DuckDB counts a key twice that is written in two ways.
    const forms = ['list', 'list', 'all', 'more', ...(keys.length === 1 ? ['rollup', 'sets'] : [])];
    const form = random.pick(forms);
    const more = this.#expressions.value(random.pick(TYPES), { ...place, windows: false, depth: 1 });
    const grouping: Readonly<Record<string, string>> = {
      list: keys.join(', '),
      all: 'ALL',
      rollup: `${random.pick(['ROLLUP', 'CUBE'])} (${keys.join(', ')})`,
      sets: `GROUPING SETS ((${keys.join(', ')}), ())`,
      more: [...keys, more].join(', '),
    };
    const having = random.chance(0.25)
      ? ` HAVING ${this.#expressions.aggregate('number', { ...place, depth: 1 })} ${random.pick(['>', '<='])} 1`
      : '';
    const head = `SELECT ${items.join(', ')} FROM ${from}${where} GROUP BY ${grouping[form] ?? 'ALL'}${having}`;
    const ordered = mayOrder && (wanted.single || random.chance(0.3));
    const limit = wanted.single ? ' LIMIT 1' : ordered && random.chance(0.4) ? ' LIMIT 2' : '';
    return { sql: `${head}${ordered ? this.#orderByAll(columns) : ''}${limit}`, columns };
  }
}

/** The name a plain column reference gives its output. */
function plainName(sql: string): string | undefined {
  const last = /^(?:[A-Za-z_0-9"]+\.)*(?:([A-Za-z_][A-Za-z0-9_]*)|"([^"]+)")$/.exec(sql);
  return last?.[1]?.toUpperCase() ?? last?.[2];
}
