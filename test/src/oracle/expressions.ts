import type { Random } from './random.js';
import { reference, type Scope } from './scopes.js';
import type { ValueType } from './world.js';

/** What an expression may hold at its place. */
export interface Place {
  /** Windows that a WINDOW clause names, and that expressions here may use. */
  readonly named?: readonly string[];
  readonly scope: Scope;
  readonly depth: number;
  readonly windows: boolean;
}

/** Queries for expressions; given by the query generator. */
export interface Subqueries {
  /** One row at most, or one row for certain: columns of these types. */
  readonly scalar: (type: ValueType, outer: Scope, depth: number) => string;
  readonly rows: (types: readonly ValueType[], outer: Scope, depth: number) => string;
}

/** Expressions over what the scope offers. Only TO_NUMBER and TO_DOUBLE can fail, and only on values of changed columns. */
export class Expressions {
  readonly #random: Random;
  readonly #subqueries: Subqueries;

  constructor(random: Random, subqueries: Subqueries) {
    this.#random = random;
    this.#subqueries = subqueries;
  }

  value(type: ValueType, place: Place): string {
    if (place.depth <= 0 || this.#random.chance(0.5)) return this.atom(type, place.scope);
    return type === 'number' ? this.#number(deeper(place)) : this.#text(deeper(place));
  }

  atom(type: ValueType, scope: Scope): string {
    const found = this.#random.chance(0.88) ? reference(type, scope, this.#random) : undefined;
    return found ?? this.literal(type);
  }

  /** A plain reference, where there is one. */
  column(type: ValueType, scope: Scope): string | undefined {
    return reference(type, scope, this.#random);
  }

  literal(type: ValueType): string {
    return type === 'number'
      ? this.#random.pick(['0', '1', '2', '3'])
      : this.#random.pick(["'a'", "'b'", "'ab'", "''", '$$c$$']);
  }

  #number(place: Place): string {
    const { pick } = this.#random;
    const n = (): string => this.value('number', place);
    const t = (): string => this.value('text', place);
    const forms: (() => string)[] = [
      () => `${n()} ${pick(['+', '-'])} ${n()}`,
      () => `(${n()})`,
      () => `-${this.atom('number', place.scope)}`,
      () => `ABS(${n()})`,
      () => `LENGTH(${t()})`,
      () => pick([`TO_NUMBER(${t()})`, `TO_DOUBLE(${n()})`]),
      () => `${pick(['COALESCE', 'NVL', 'GREATEST', 'LEAST', 'NULLIF'])}(${n()}, ${n()})`,
      () => `IFF(${this.condition(place)}, ${n()}, ${n()})`,
      () => `CASE WHEN ${this.condition(place)} THEN ${n()} ELSE ${n()} END`,
      () => `CASE ${t()} WHEN ${this.literal('text')} THEN ${n()} END`,
      () => `(${this.#subqueries.scalar('number', place.scope, place.depth)})`,
    ];
    if (place.windows) forms.push(() => this.window('number', place));
    return pick(forms)();
  }

  #text(place: Place): string {
    const { pick } = this.#random;
    const n = (): string => this.value('number', place);
    const t = (): string => this.value('text', place);
    const forms: (() => string)[] = [
      () => `${t()} || ${t()}`,
      () => `${pick(['UPPER', 'LOWER', 'TRIM', 'REVERSE'])}(${t()})`,
      () => `SUBSTR(${t()}, 1, ${pick(['1', '2'])})`,
      () => `${pick(['COALESCE', 'NVL', 'NULLIF'])}(${t()}, ${t()})`,
      () => `(${n()})::VARCHAR`,
      () => `CAST(${n()} AS VARCHAR)`,
      () => `REPLACE(${t()}, 'a', 'b')`,
      () => `IFF(${this.condition(place)}, ${t()}, ${t()})`,
      () => `CASE WHEN ${this.condition(place)} THEN ${t()} WHEN ${this.condition(place)} THEN ${t()} END`,
      () => `(${this.#subqueries.scalar('text', place.scope, place.depth)})`,
    ];
    if (place.windows) forms.push(() => this.window('text', place));
    return pick(forms)();
  }

  condition(place: Place): string {
    const { pick } = this.#random;
    const inner = deeper(place);
    const type = pick<ValueType>(['number', 'text']);
    const v = (): string => this.value(type, inner);
    const forms: (() => string)[] = [
      () => `${v()} ${pick(['=', '<>', '<', '>=', '!='])} ${v()}`,
      () => `${v()} IS ${pick(['', 'NOT '])}NULL`,
      () => `${this.value('text', inner)} ${pick(['LIKE', 'NOT LIKE', 'ILIKE'])} 'a%'`,
      () =>
        `${this.atom('number', place.scope)} BETWEEN ${this.atom('number', place.scope)} AND ${this.value('number', inner)}`,
      () => `${v()} ${pick(['IN', 'NOT IN'])} (${this.literal(type)}, ${v()})`,
      () => `${v()} IS ${pick(['', 'NOT '])}DISTINCT FROM ${v()}`,
    ];
    if (place.depth > 0) {
      const rows = (...types: ValueType[]): string => this.#subqueries.rows(types, place.scope, place.depth - 1);
      forms.push(
        () => `${this.condition(inner)} ${pick(['AND', 'OR'])} ${this.condition(inner)}`,
        () => `NOT (${this.condition(inner)})`,
        () => `${v()} ${pick(['IN', 'NOT IN'])} (${rows(type)})`,
        () => `${pick(['EXISTS', 'NOT EXISTS'])} (${rows(type)})`,
        () => `${v()} ${pick(['=', '>', '<>'])} ${pick(['ANY', 'ALL'])} (${rows(type)})`,
        () => `(${this.value('number', inner)}, ${this.value('text', inner)}) IN (${rows('number', 'text')})`,
      );
    }
    return pick(forms)();
  }

  aggregate(type: ValueType, place: Place): string {
    const { pick } = this.#random;
    const inner = { ...deeper(place), windows: false };
    const n = (): string => this.value('number', inner);
    const t = (): string => this.value('text', inner);
    if (type === 'text') {
      const key = (): string => (this.#random.chance(0.5) ? n() : t());
      return pick([
        () => `${pick(['MIN', 'MAX'])}(${t()})`,
        () => `LISTAGG(${t()}, ',') WITHIN GROUP (ORDER BY ${key()}, ${t()}, ${n()})`,
        () => `${pick(['MIN_BY', 'MAX_BY'])}(${t()}, ${n()})`,
      ])();
    }
    return pick([
      () => 'COUNT(*)',
      () => `COUNT(${pick(['', 'DISTINCT '])}${this.#random.chance(0.5) ? n() : t()})`,
      () => `${pick(['SUM', 'MIN', 'MAX'])}(${n()})`,
      // Named like this by DuckDB too, and referred to by that name.
      () => pick(['MAX(a)', 'MIN(id)']),
      () => `COUNT_IF(${this.condition(inner)})`,
    ])();
  }

  /** What stands in the brackets of a named window. */
  windowBody(place: Place): string {
    const inner = { ...deeper(place), windows: false };
    const any = (): string => this.value(this.#random.pick<ValueType>(['number', 'text']), inner);
    const partition = this.#random.chance(0.6) ? `PARTITION BY ${any()} ` : '';
    return `${partition}ORDER BY ${any()}, ${any()}`;
  }

  window(type: ValueType, place: Place): string {
    const { pick, chance } = this.#random;
    const inner = { ...deeper(place), windows: false };
    const any = (): string => this.value(pick<ValueType>(['number', 'text']), inner);
    const partition = chance(0.5) ? `PARTITION BY ${any()}` : '';
    const order = `ORDER BY ${any()}${pick(['', ' DESC', ' NULLS FIRST'])}, ${any()}`;
    const frame = chance(0.2) ? ' ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW' : '';
    const ordered = `OVER (${partition} ${order})`;
    const argument = this.value(type, inner);
    const named = place.named ?? [];
    if (named.length > 0 && chance(0.6)) {
      const over = `OVER ${pick(named)}`;
      if (type === 'number' && chance(0.4)) return `${pick(['ROW_NUMBER', 'RANK'])}() ${over}`;
      return `${pick(['MIN', 'MAX', 'FIRST_VALUE', 'LAG'])}(${argument}) ${over}`;
    }
    const shared = [
      `${pick(['MIN', 'MAX'])}(${argument}) OVER (${partition})`,
      `${pick(['FIRST_VALUE', 'LAST_VALUE'])}(${argument}) OVER (${partition} ${order}${frame})`,
      `${pick(['LAG', 'LEAD'])}(${argument}) ${ordered}`,
    ];
    if (type === 'text') return pick(shared);
    return pick([
      ...shared,
      `${pick(['ROW_NUMBER', 'RANK', 'DENSE_RANK'])}() ${ordered}`,
      `COUNT(${pick(['*', any()])}) OVER (${partition})`,
      `SUM(${argument}) OVER (${partition} ${order}${frame})`,
    ]);
  }
}

function deeper(place: Place): Place {
  return { ...place, depth: place.depth - 1 };
}
