import { createMasker, MaskingFailed } from '../masking/index.js';
import type { MaskAction } from '../policy/index.js';
import type { CatalogColumn } from '../sql/index.js';

/** A made-up value and what becomes of it. Null is SQL's NULL. */
export interface Sample {
  readonly before: string;
  readonly after: string | null;
}

/** Made-up texts by what a column's name speaks of; the first that fits. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/MAIL/i, 'jane.doe@example.com'],
  [/SSN|SOCIAL/i, '078-05-1120'],
  [/PHONE|MOBILE|TEL/i, '+1 202 555 0143'],
  [/IBAN/i, 'GB82WEST12345698765432'],
  [/CARD|PAN/i, '4111111111111111'],
  [/NAME/i, 'Jane Doe'],
];
const OTHER_TEXT = 'Example 12345';

/** Values of Snowflake's other types, in the notation of its JSON results. */
const VALUES: Readonly<Record<string, string>> = {
  fixed: '12345',
  real: '1234.5',
  boolean: '1',
  date: '20000',
  time: '45296.000000000',
  timestamp_ntz: '1727740800.000000000',
  timestamp_ltz: '1727740800.000000000',
  timestamp_tz: '1727740800.000000000 1440',
  binary: '6A616E65',
  variant: '"jane.doe@example.com"',
  object: '{"name":"Jane Doe"}',
  array: '["Jane Doe"]',
};

/** How made-up values look under an action, by the masking the gateway does. Undefined where it cannot be shown. */
export function createSampler(keys: ReadonlyMap<string, Uint8Array>) {
  const masker = createMasker({ keys });
  return (action: MaskAction, { name, type }: CatalogColumn): Sample | undefined => {
    const before = type === 'text' ? (TEXTS.find(([about]) => about.test(name))?.[1] ?? OTHER_TEXT) : VALUES[type];
    if (before === undefined) return undefined;
    const column = { object: { database: '', schema: '', name: '' }, column: name };
    const obligation = { index: 0, name, action, policy: '', rule: '', column, barrier: 'only' } as const;
    try {
      const { rows } = masker.maskRows([{ name, type }], [[before]], [obligation]);
      return { before, after: rows[0]?.[0] ?? null };
    } catch (error) {
      if (error instanceof MaskingFailed) return undefined;
      throw error;
    }
  };
}
