import { type Denial, deny } from '../errors.js';
import {
  createMaskPlan,
  detectColumns,
  type Finding,
  judgeColumns,
  type MaskedBytes,
  type MaskingKeys,
  maskBytes,
} from '../masking/index.js';
import type { ConnectionPolicy, MaskObligation } from '../policy/index.js';
import type { RowBytes, RowtypeColumn } from '../protocol/index.js';

/** What a part of a result goes through before it leaves. */
export interface PartRules {
  readonly rowtype: readonly RowtypeColumn[];
  readonly masks: readonly MaskObligation[];
  readonly detection: ConnectionPolicy['detection'];
  readonly keys: MaskingKeys;
}

/** Something that looks protected in a column that no rule names. */
export interface Detected extends Finding {
  readonly index: number;
}

export type PartOutcome =
  | {
      readonly ok: true;
      readonly masked: MaskedBytes;
      /** The rules' masks, and those for what was detected. */
      readonly masks: readonly MaskObligation[];
      readonly detected: readonly Detected[];
    }
  | { readonly ok: false; readonly denial: Denial; readonly detected: readonly Detected[] };

/** Stands for the policy in masks of what was detected. */
export const DETECTION = 'detection';

/** Looks into the part where the policy asks for it, and masks it. Throws `MaskingFailed` for what cannot be masked. */
export function maskPart(rows: RowBytes, { rowtype, masks, detection, keys }: PartRules): PartOutcome {
  const plan = createMaskPlan(rowtype, masks, keys);
  if (detection === undefined) return { ok: true, masked: maskBytes(plan, rows), masks, detected: [] };
  const judged = judgeColumns(detectColumns(plan, rows, detection.categories), detection.mode);
  const detected = judged.audit;
  const [denied] = judged.deny;
  if (denied !== undefined) {
    const denial = deny.detectedValues(rowtype[denied.index]?.name ?? '', denied.category);
    return { ok: false, denial, detected };
  }
  if (judged.mask.length === 0) return { ok: true, masked: maskBytes(plan, rows), masks, detected };
  const all = [...masks, ...judged.mask.map(({ index, category }) => redactionOf(index, category, rowtype))];
  return { ok: true, masked: maskBytes(createMaskPlan(rowtype, all, keys), rows), masks: all, detected };
}

/** Hides one column of a result whole. */
export function redactionOf(index: number, category: string, rowtype: readonly RowtypeColumn[]): MaskObligation {
  const name = rowtype[index]?.name;
  return {
    index,
    name,
    action: { type: 'Redact' },
    policy: DETECTION,
    rule: category,
    column: { object: { database: '', schema: '', name: '' }, column: name ?? '' },
    barrier: 'only',
  };
}
