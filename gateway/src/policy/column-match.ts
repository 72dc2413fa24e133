import type { CatalogColumn, ColumnRef, ColumnTag, ObjectName } from '../sql/facts.js';
import type { CompiledMaskingRule, TagPattern } from './compiled.js';
import { matchesGlob, matchesObject } from './patterns.js';

/** Snowflake's type words, as the catalog says them, by the words of the MaskingPolicy schema. */
const WORD_OF_TYPE: Readonly<Record<string, string>> = {
  array: 'ARRAY',
  binary: 'BINARY',
  boolean: 'BOOLEAN',
  date: 'DATE',
  decfloat: 'DECFLOAT',
  file: 'FILE',
  fixed: 'NUMBER',
  geography: 'GEOGRAPHY',
  geometry: 'GEOMETRY',
  map: 'MAP',
  object: 'OBJECT',
  real: 'FLOAT',
  text: 'VARCHAR',
  time: 'TIME',
  timestamp_ltz: 'TIMESTAMP_LTZ',
  timestamp_ntz: 'TIMESTAMP_NTZ',
  timestamp_tz: 'TIMESTAMP_TZ',
  variant: 'VARIANT',
  vector: 'VECTOR',
};

/** Snowflake's classification writes what it finds into this tag. */
const CATEGORY_TAG = 'SNOWFLAKE.CORE.SEMANTIC_CATEGORY';

/** For an object, which of its columns a rule protects; undefined where none can be. */
export type RuleMatcher = (object: ObjectName) => ColumnMatcher | undefined;

/** `upperName` is the column's name in upper case. */
export type ColumnMatcher = (column: ColumnRef, upperName: string) => boolean;

/**
 * A column is protected when any entry of any list of the rule fits it. What is not known of a column (no traits, tags not read,
 * a type nobody lists) counts as fitting: such a rule protects what it may be meant for.
 */
export function createRuleMatcher(rule: CompiledMaskingRule): RuleMatcher {
  const { columns, tags = [], categories = [], dataTypes = [] } = rule;
  const patterns = columns.map((pattern) => ({ pattern, fitsName: createNameMatcher(pattern.column) }));
  const asksTraits = tags.length + categories.length + dataTypes.length > 0;
  return (object) => {
    const here = patterns.filter(({ pattern }) => matchesObject(pattern, object, 'wide'));
    if (here.length === 0 && !asksTraits) return undefined;
    return ({ traits }, upperName) =>
      here.some(({ fitsName }) => fitsName(upperName)) || (asksTraits && fitsTraits(rule, traits));
  };
}

/** `matchesPart` with wide reach for many names, which come in upper case. */
function createNameMatcher(glob: string): (upperName: string) => boolean {
  const upper = glob.toUpperCase();
  const stars = upper.split('*').length - 1;
  if (stars === 0) return (name) => name === '' || name === upper;
  const rest = upper.slice(1);
  if (stars === 1 && upper.startsWith('*')) return (name) => name === '' || name.endsWith(rest);
  return (name) => name === '' || matchesGlob(upper, name);
}

function fitsTraits(rule: CompiledMaskingRule, traits: CatalogColumn | undefined): boolean {
  const { tags = [], categories = [], dataTypes = [] } = rule;
  return (
    (tags.length > 0 && fitsTags(tags, traits) !== 'no') ||
    (categories.length > 0 && fitsCategories(categories, traits) !== 'no') ||
    (dataTypes.length > 0 && fitsTypes(dataTypes, traits))
  );
}

/** True when a tag or category of the rule is known to be on the column. */
export function isMarkedFor(rule: CompiledMaskingRule, column: CatalogColumn): boolean {
  return fitsTags(rule.tags ?? [], column) === 'yes' || fitsCategories(rule.categories ?? [], column) === 'yes';
}

type Fit = 'yes' | 'no' | 'unknown';

function fitsTags(wanted: readonly TagPattern[], traits: CatalogColumn | undefined): Fit {
  const tags = traits?.tags;
  if (tags === undefined) return wanted.length === 0 ? 'no' : 'unknown';
  return wanted.some((pattern) => tags.some((tag) => fitsTag(pattern, tag))) ? 'yes' : 'no';
}

function fitsTag(pattern: TagPattern, tag: ColumnTag): boolean {
  if (!isSameWord(pattern.name, tag.name)) return false;
  return pattern.value === undefined || isSameWord(pattern.value, tag.value);
}

function fitsCategories(wanted: readonly string[], traits: CatalogColumn | undefined): Fit {
  const found = categoriesOf(traits);
  if (found.some((category) => wanted.some((word) => isSameWord(word, category)))) return 'yes';
  return wanted.length > 0 && found.length === 0 && traits?.tags === undefined ? 'unknown' : 'no';
}

function categoriesOf(traits: CatalogColumn | undefined): readonly string[] {
  const tagged = (traits?.tags ?? []).filter((tag) => tag.name === CATEGORY_TAG).map((tag) => tag.value);
  return traits?.category === undefined ? tagged : [traits.category, ...tagged];
}

function fitsTypes(wanted: readonly string[], traits: CatalogColumn | undefined): boolean {
  const type = traits?.type.toLowerCase() ?? '';
  const word = Object.hasOwn(WORD_OF_TYPE, type) ? WORD_OF_TYPE[type] : undefined;
  return word === undefined || wanted.includes(word);
}

/** Doubts fall on the side of protection, as everywhere in patterns that protect. */
function isSameWord(a: string, b: string): boolean {
  return a.toUpperCase() === b.toUpperCase();
}
