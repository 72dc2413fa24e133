import { CATEGORIES, CATEGORY_OF, type Category, SIGNS, type Sign } from './categories.js';

/** How often one sign was met in a column, in values: a value with three addresses counts once. */
export interface SignCount {
  readonly matches: number;
  /** Values that only look like it: right shape, wrong checksum or number plan. */
  readonly lookalikes: number;
}

/**
 * When a column counts as holding something. All of it must be true:
 * - `matches / values` reaches `share`, or `matches` reaches `enough`: with that many values chance is ruled out however
 *   large the column is, and padding a result with other rows hides nothing;
 * - `matches / (matches + lookalikes)` reaches `ofLookalikes`: real numbers pass their checksum nearly always, others as
 *   often as chance will have it.
 * Every rule is met by one match in a result of one row: a single address in a one-row answer is a leak.
 */
export interface Threshold {
  readonly share: number;
  readonly enough: number;
  readonly ofLookalikes: number;
}

export const THRESHOLDS: Readonly<Record<Sign, Threshold>> = {
  // Prefixes of issuers and markers such as `PRIVATE KEY` do not come by chance, and one key can be enough to lose everything.
  secret: { share: 0, enough: 1, ofLookalikes: 0 },
  // Of numbers with an issuer's prefix and length one in ten passes the Luhn sum: three in five are not chance.
  card: { share: 0, enough: 1, ofLookalikes: 0.6 },
  // Of part numbers written 3-2-4 most lie in issued areas, so only columns of mostly impossible numbers are told apart.
  'ssn with dashes': { share: 0, enough: 1, ofLookalikes: 0.5 },
  // Spaces separate all kinds of numbers: a column of them, not one among many.
  'ssn with spaces': { share: 0.2, enough: Number.POSITIVE_INFINITY, ofLookalikes: 0.95 },
  // One text in 97 of this shape passes by chance.
  iban: { share: 0, enough: 1, ofLookalikes: 0.5 },
  // The form leaves little to chance, but an address of a mailing list in one log line of thousands makes no column of people.
  email: { share: 0.001, enough: 3, ofLookalikes: 0 },
  // Nearly as safe as an address thanks to the plus sign and the country code.
  'international phone': { share: 0.002, enough: 5, ofLookalikes: 0 },
  // Codes in groups can look the same. Random ones pass the number plan in at most three of four cases.
  'national phone': { share: 0.02, enough: 20, ofLookalikes: 0.85 },
};

/** What a column holds, by the numbers of its strongest sign. Names no value. */
export interface Finding {
  readonly category: Category;
  readonly matches: number;
  /** Values that were looked at; NULLs are none. */
  readonly values: number;
  readonly share: number;
}

export function isReached({ matches, lookalikes }: SignCount, values: number, threshold: Threshold): boolean {
  if (matches === 0) return false;
  const isFrequent = matches >= threshold.enough || matches >= threshold.share * values;
  return isFrequent && matches >= threshold.ofLookalikes * (matches + lookalikes);
}

/** What the counts of a column amount to, the gravest category first. */
export function judgeCounts(counts: Readonly<Record<Sign, SignCount>>, values: number): readonly Finding[] {
  const reached = SIGNS.filter((sign) => isReached(counts[sign], values, THRESHOLDS[sign]));
  return CATEGORIES.flatMap((category) => {
    const matches = reached.filter((sign) => CATEGORY_OF[sign] === category).map((sign) => counts[sign].matches);
    const most = Math.max(0, ...matches);
    return most === 0 ? [] : [{ category, matches: most, values, share: most / values }];
  });
}

/** What an operator wants done with columns in which something was found. */
export type DetectionMode = 'Audit' | 'Mask' | 'Deny';

export interface JudgedColumns {
  /** Every finding, for the record, whatever the mode. */
  readonly audit: readonly (Finding & { readonly index: number })[];
  /** Columns to mask, each once, by its gravest category. */
  readonly mask: readonly { readonly index: number; readonly category: Category }[];
  /** Columns for which the result must be refused. */
  readonly deny: readonly { readonly index: number; readonly category: Category }[];
}

/** What follows from the findings of the columns of a result, in their order, under one mode. */
export function judgeColumns(verdicts: readonly (Finding | undefined)[], mode: DetectionMode): JudgedColumns {
  const audit = verdicts.flatMap((finding, index) => (finding === undefined ? [] : [{ ...finding, index }]));
  const columns = audit.map(({ index, category }) => ({ index, category }));
  switch (mode) {
    case 'Audit':
      return { audit, mask: [], deny: [] };
    case 'Mask':
      return { audit, mask: columns, deny: [] };
    case 'Deny':
      return { audit, mask: [], deny: columns };
  }
}
