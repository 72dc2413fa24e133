/** What a column can turn out to hold, the gravest first. */
export const CATEGORIES = ['Secret', 'Card', 'Ssn', 'Iban', 'Email', 'Phone'] as const;

export type Category = (typeof CATEGORIES)[number];

/** The forms in which a category shows itself. They differ in how likely chance is, so each has thresholds of its own. */
export const SIGNS = [
  'secret',
  'card',
  'ssn with dashes',
  'ssn with spaces',
  'iban',
  'email',
  'international phone',
  'national phone',
] as const;

export type Sign = (typeof SIGNS)[number];

export const CATEGORY_OF: Readonly<Record<Sign, Category>> = {
  secret: 'Secret',
  card: 'Card',
  'ssn with dashes': 'Ssn',
  'ssn with spaces': 'Ssn',
  iban: 'Iban',
  email: 'Email',
  'international phone': 'Phone',
  'national phone': 'Phone',
};

/** Bit of a sign in the set that the scan of one cell returns. */
export const bitOf = (sign: Sign): number => 1 << SIGNS.indexOf(sign);

/** Look-alikes stand this many bits higher in the same set. */
export const LOOKALIKE_SHIFT = SIGNS.length;

/** What a matcher says of one place: a look-alike has the shape of the category but fails its checksum or number plan. */
export type Outcome = typeof NOTHING | typeof LOOKALIKE | typeof MATCH;
export const NOTHING = 0;
export const LOOKALIKE = 1;
export const MATCH = 2;
