import { keyPads, type MaskingKeys, sourceExpression } from '../masking/index.js';
import { columnKey, type SourceMask } from '../policy/index.js';
import type { JsonObject } from '../protocol/index.js';
import { type MaskableQuery, maskSources, numberPlaceholders, placeholdersOf, quoteIdentifier } from '../sql/index.js';

/** A query whose protected columns are replaced where they are read. */
export type MaskedAtSource =
  | {
      readonly ok: true;
      readonly text: string;
      /** Values of the placeholders that stand for keys: they go to Snowflake with the caller's own, and nowhere else. */
      readonly keyBindings: JsonObject | undefined;
    }
  | { readonly ok: false; readonly detail: string };

export interface MaskingQuestion {
  readonly query: MaskableQuery;
  readonly masks: readonly SourceMask[];
  readonly keys: MaskingKeys;
  readonly bindings: JsonObject | undefined;
  /** Nothing runs, so no key is needed and none leaves. */
  readonly describeOnly: boolean;
}

/** Stands for both pads of a key where nothing runs. */
const NO_KEY = `'${'00'.repeat(64)}'`;

/**
 * The text that is sent for a query with masks. Keys of hashes are bind values, so that no text, no record and no query
 * history holds them; beside them every placeholder has a number.
 */
export function maskAtSource({ query, masks, keys, bindings, describeOnly }: MaskingQuestion): MaskedAtSource {
  if (masks.length === 0) return { ok: true, text: query.text, keyBindings: undefined };
  if (!describeOnly && masks.some(({ action }) => action.type === 'Hash' && !keys.has(action.key))) {
    return { ok: false, detail: 'a column whose hash key is not available' };
  }
  const placeholders = placeholdersOf(query.text);
  const keyring = createKeyring(keys, Math.max(placeholders.positional, placeholders.highest));
  const byColumn = new Map(masks.map((mask) => [columnKey(mask.column), mask]));
  const pads: Keyring['pads'] = describeOnly ? () => ({ inner: NO_KEY, outer: NO_KEY }) : (name) => keyring.pads(name);
  const masked = maskSources(query, (object, column) => {
    const mask = byColumn.get(columnKey({ object, column: column.name }));
    return mask && sourceExpression(mask.action, column, quoteIdentifier(column.name), pads);
  });
  const keyBindings = keyring.bindings();
  if (!masked.ok) return masked;
  if (keyBindings === undefined) return { ...masked, keyBindings };
  if (Object.values(bindings ?? {}).some(isBatch))
    return { ok: false, detail: 'a statement run for a batch of values' };
  return { ok: true, text: numberPlaceholders(masked.text), keyBindings };
}

const isBatch = (binding: JsonObject[string]): boolean =>
  typeof binding === 'object' && binding !== null && 'value' in binding && Array.isArray(binding['value']);

interface Keyring {
  /** The placeholders of a key's pads, the same for each mention of it. */
  pads(name: string): { readonly inner: string; readonly outer: string };
  bindings(): JsonObject | undefined;
}

function createKeyring(keys: MaskingKeys, taken: number): Keyring {
  const numbers = new Map<string, number>();
  const values: [string, JsonObject][] = [];
  return {
    pads(name) {
      const key = keys.get(name);
      if (key === undefined) throw new Error('a key is asked for that is not there');
      const known = numbers.get(name);
      const number = known ?? taken + values.length + 1;
      if (known === undefined) {
        const { inner, outer } = keyPads(key);
        numbers.set(name, number);
        for (const [at, value] of [inner, outer].entries()) values.push([String(number + at), { type: 'TEXT', value }]);
      }
      return { inner: `:${number}`, outer: `:${number + 1}` };
    },
    bindings: () => (values.length === 0 ? undefined : Object.fromEntries(values)),
  };
}
