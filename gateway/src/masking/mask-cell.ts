import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { MaskAction } from '../policy/decision.js';
import { PLACEHOLDER, TOKEN_DIGITS, TOKEN_PREFIX } from '../policy/placeholder.js';
import type { Cell } from '../protocol/results.js';
import { MaskingFailed } from './masking-failed.js';

/** The hidden middle is always this long: a mask must not tell how long the value is. */
export const HIDDEN_RUN = 3;

/** Key bytes by the name that stands in obligations. */
export type MaskingKeys = ReadonlyMap<string, Uint8Array>;

/** The same keys ready for use: raw bytes would be prepared again for every cell. */
export type PreparedKeys = ReadonlyMap<string, KeyObject>;

/** Empty keys are no keys. */
export function prepareKeys(keys: MaskingKeys): PreparedKeys {
  return new Map(
    [...keys].filter(([, bytes]) => bytes.length > 0).map(([name, bytes]) => [name, createSecretKey(bytes)]),
  );
}

/**
 * One cell of the JSON result format under one action. NULL stays NULL. Texts are replaced; a value of any other type
 * becomes NULL, since no placeholder would keep its type. Throws `MaskingFailed` when the key is missing.
 */
export function maskCell(cell: Cell, type: string, action: MaskAction, keys: PreparedKeys): Cell {
  if (cell === null || type !== 'text') return null;
  switch (action.type) {
    case 'Redact':
      return PLACEHOLDER;
    case 'Null':
      return null;
    case 'Partial':
      return maskPartially(cell, action);
    case 'Hash':
      return hashToken(cell, keyOf(action.key, keys));
    case 'DateTruncate':
    case 'Bucket':
    case 'Constant':
    case 'Tokenize':
      return null;
  }
}

function maskPartially(text: string, action: MaskAction & { type: 'Partial' }): string {
  const characters = Array.from(text);
  const hidden = action.replacement.repeat(HIDDEN_RUN);
  if (characters.length <= action.keepFirst + action.keepLast) return hidden;
  const last = action.keepLast === 0 ? '' : characters.slice(-action.keepLast).join('');
  return `${characters.slice(0, action.keepFirst).join('')}${hidden}${last}`;
}

/** Equal texts under one key give equal tokens, in every column: joins and counts on tokens work. */
function hashToken(text: string, key: KeyObject): string {
  const digest = createHmac('sha256', key).update(text, 'utf8').digest('hex');
  return `${TOKEN_PREFIX}${digest.slice(0, TOKEN_DIGITS)}`;
}

function keyOf(name: string, keys: PreparedKeys): KeyObject {
  const key = keys.get(name);
  if (key === undefined) throw new MaskingFailed('its hash key is not available');
  return key;
}
