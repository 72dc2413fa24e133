import type { CatalogColumn, MaskableQuery, ObjectName, SourceSite } from './facts.js';
import { formatObjectName, quoteIdentifier } from './names.js';

/** The expression that stands in place of a column, or undefined where the column stays as it is. */
export type MaskOf = (object: ObjectName, column: CatalogColumn) => string | undefined;

export type MaskedSources =
  | { readonly ok: true; readonly text: string }
  /** Why a source that needs it cannot be masked, for PISTE-1403. */
  | { readonly ok: false; readonly detail: string };

/** How an inlined view is called inside the query that stands for it. */
const VIEW_NAME = '"PISTE_VIEW"';

/** Longest text that is sent: Snowflake takes no longer one, and views in views can double it level by level. */
const MAX_MASKED_CHARACTERS = 1_000_000;

class Unmaskable extends Error {}

/**
 * The query with every source that has a masked column replaced by a query in brackets that gives the same columns, the
 * masked ones by their expression; views with such a source behind them are written out. Everything the text does with a
 * column then works on the masked value (the meaning of Snowflake's own masking policies). Names that are not masked stay
 * named one by one, so a column added later does not come through. The text itself is returned where nothing is masked.
 */
export function maskSources(query: MaskableQuery, maskOf: MaskOf): MaskedSources {
  try {
    return { ok: true, text: new Masking(maskOf).textOf(query) };
  } catch (error) {
    if (error instanceof Unmaskable) return { ok: false, detail: error.message };
    throw error;
  }
}

/** Each view is written once, however often it is read. */
class Masking {
  readonly #maskOf: MaskOf;
  readonly #texts = new Map<MaskableQuery, string>();

  constructor(maskOf: MaskOf) {
    this.#maskOf = maskOf;
  }

  textOf(query: MaskableQuery): string {
    const known = this.#texts.get(query);
    if (known !== undefined) return known;
    const text = this.#write(query);
    this.#texts.set(query, text);
    return text;
  }

  #write(query: MaskableQuery): string {
    const pieces: string[] = [];
    let length = query.text.length;
    let at = 0;
    for (const site of [...query.sources].sort((one, other) => one.start - other.start)) {
      const masked = this.#maskedSource(site, query.text.slice(site.start, site.end));
      if (masked === undefined) continue;
      length += masked.length;
      if (length > MAX_MASKED_CHARACTERS) throw new Unmaskable('a statement that is too long with its masks');
      pieces.push(query.text.slice(at, site.start), masked);
      at = site.end;
    }
    pieces.push(query.text.slice(at));
    return pieces.join('');
  }

  /** What stands in the place of a source; undefined where it can stay. */
  #maskedSource(site: SourceSite, text: string): string | undefined {
    const masks = site.columns.map((column) => this.#maskOf(site.object, column));
    const view = site.view === undefined ? undefined : this.textOf(site.view);
    const isInlined = view !== undefined && view !== site.view?.text;
    if (!isInlined && masks.every((mask) => mask === undefined)) return undefined;
    if (site.unmaskable !== undefined) {
      throw new Unmaskable(`${site.unmaskable} on ${formatObjectName(site.object)}, which holds protected columns`);
    }
    const names = site.columns.map((column) => quoteIdentifier(column.name));
    const list = names
      .map((name, index) => (masks[index] === undefined ? name : `${masks[index]} AS ${name}`))
      .join(', ');
    if (!isInlined) return `(SELECT ${list} FROM ${text})`;
    return `(WITH ${VIEW_NAME} (${names.join(', ')}) AS (${view}) SELECT ${list} FROM ${VIEW_NAME})`;
  }
}
