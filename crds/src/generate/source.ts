import { parse } from 'yaml';
import { isRecord, type JsonValue, type Rule } from '../schema.js';

/** A schema node as the source files write it, after `$ref` is replaced and shorthand is turned into rules. */
export interface SourceSchema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  /** Name of the TypeScript type; nodes without one are printed in place. */
  readonly typeName?: string;
  /** What the type says wherever it is used; a shared piece's own description. */
  readonly typeDescription?: string;
  readonly properties?: Readonly<Record<string, SourceSchema>>;
  readonly items?: SourceSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly default?: JsonValue;
  readonly description?: string;
  readonly rules?: readonly Rule[];
  /** The member named here is set exactly when the discriminator has the value; TypeScript gets a union. */
  readonly union?: { readonly discriminator: string; readonly members: Readonly<Record<string, string>> };
  readonly exactlyOne?: readonly string[];
  /** Every other keyword is copied as it stands. */
  readonly [keyword: string]: unknown;
}

/** One file of `schemas/`: a kind with everything its manifest needs. */
export interface SourceKind {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly printerColumns: readonly unknown[];
  readonly scale: unknown;
  readonly rules: readonly Rule[];
  readonly spec: SourceSchema;
  readonly status: SourceSchema;
}

const COPIED_KEYWORDS = [
  'type',
  'typeName',
  'typeDescription',
  'description',
  'required',
  'minItems',
  'maxItems',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'minLength',
  'maxLength',
  'pattern',
  'form',
  'enum',
  'format',
  'minimum',
  'maximum',
  'default',
];
const OTHER_KEYWORDS = ['$ref', 'properties', 'items', 'rules', 'union', 'exactlyOne', 'atLeastOne'];
const TYPES = ['object', 'array', 'string', 'integer', 'boolean'];

type Pieces = Readonly<Record<string, unknown>>;

/** Reads one kind; `sharedText` holds the pieces `$ref` names. Throws on anything the dialect does not know. */
export function parseKindSource(text: string, sharedText: string): SourceKind {
  const source: unknown = parse(text);
  const pieces: unknown = parse(sharedText);
  if (!isRecord(source) || !isRecord(pieces)) throw new Error('a source file is not a YAML mapping');
  const at = String(source['kind']);
  return {
    kind: textOf(source, 'kind', at),
    plural: textOf(source, 'plural', at),
    singular: textOf(source, 'singular', at),
    description: textOf(source, 'description', at),
    shortNames: textsOf(source['shortNames'], `${at}.shortNames`),
    printerColumns: listOf(source['printerColumns'], `${at}.printerColumns`),
    scale: source['scale'],
    rules: rulesOf(source['rules'], `${at}.rules`),
    spec: readNode(source['spec'], pieces, `${at}.spec`, 0),
    status: readNode(source['status'], pieces, `${at}.status`, 0),
  };
}

function readNode(raw: unknown, pieces: Pieces, at: string, depth: number): SourceSchema {
  if (depth > 24) throw new Error(`${at}: nested too deeply`);
  const node = resolvePiece(raw, pieces, at);
  for (const keyword of Object.keys(node)) {
    if (!COPIED_KEYWORDS.includes(keyword) && !OTHER_KEYWORDS.includes(keyword)) {
      throw new Error(`${at}: unknown keyword ${keyword}`);
    }
  }
  const type = node['type'];
  if (!isType(type)) throw new Error(`${at}: type must be one of ${TYPES.join(', ')}`);
  const properties = node['properties'] === undefined ? undefined : readProperties(node, pieces, at, depth);
  const union = unionOf(node['union'], at);
  const exactlyOne = node['exactlyOne'] === undefined ? undefined : textsOf(node['exactlyOne'], `${at}.exactlyOne`);
  const atLeastOne = node['atLeastOne'] === undefined ? undefined : textsOf(node['atLeastOne'], `${at}.atLeastOne`);
  const rules = [
    ...rulesOf(node['rules'], `${at}.rules`),
    ...(union === undefined ? [] : unionRules(union)),
    ...(exactlyOne === undefined ? [] : [exactlyOneRule(exactlyOne)]),
    ...(atLeastOne === undefined ? [] : [atLeastOneRule(atLeastOne)]),
  ];
  const copied = Object.fromEntries(Object.entries(node).filter(([keyword]) => COPIED_KEYWORDS.includes(keyword)));
  // The API server checks a default against the rules before it fills in the defaults below it.
  const whole = node['default'] === undefined ? undefined : filledDefault(node['default'], properties ?? {});
  return {
    ...copied,
    type,
    ...(whole === undefined ? {} : { default: whole }),
    ...(properties === undefined ? {} : { properties }),
    ...(node['items'] === undefined ? {} : { items: readNode(node['items'], pieces, `${at}[]`, depth + 1) }),
    ...(rules.length === 0 ? {} : { rules }),
    ...(union === undefined ? {} : { union }),
    ...(exactlyOne === undefined ? {} : { exactlyOne }),
  };
}

function filledDefault(own: unknown, properties: Readonly<Record<string, SourceSchema>>): JsonValue {
  if (!isRecord(own)) return own as JsonValue;
  const below = Object.entries(properties).flatMap(([name, child]) =>
    child.default === undefined ? [] : [[name, child.default] as const],
  );
  return { ...Object.fromEntries(below), ...(own as Readonly<Record<string, JsonValue>>) };
}

function resolvePiece(raw: unknown, pieces: Pieces, at: string): Readonly<Record<string, unknown>> {
  if (!isRecord(raw)) throw new Error(`${at}: a schema must be a mapping`);
  const { $ref: name, ...own } = raw;
  if (name === undefined) return 'typeName' in own ? { ...own, typeDescription: own['description'] } : own;
  if (typeof name !== 'string') throw new Error(`${at}: $ref must be a name`);
  return { ...resolvePiece(pieces[name], pieces, `${at} ($ref ${name})`), ...own };
}

function readProperties(node: Readonly<Record<string, unknown>>, pieces: Pieces, at: string, depth: number) {
  const raw = node['properties'];
  if (!isRecord(raw)) throw new Error(`${at}: properties must be a mapping`);
  return Object.fromEntries(
    Object.entries(raw).map(([name, child]) => [name, readNode(child, pieces, `${at}.${name}`, depth + 1)]),
  );
}

function unionOf(raw: unknown, at: string): SourceSchema['union'] {
  if (raw === undefined) return undefined;
  if (!isRecord(raw) || typeof raw['discriminator'] !== 'string' || !isRecord(raw['members'])) {
    throw new Error(`${at}: union needs discriminator and members`);
  }
  const members = Object.entries(raw['members']).map(([value, member]) => [value, String(member)] as const);
  return { discriminator: raw['discriminator'], members: Object.fromEntries(members) };
}

function unionRules(union: NonNullable<SourceSchema['union']>): Rule[] {
  const by = union.discriminator;
  return Object.entries(union.members).map(([value, member]) => ({
    rule: `self.${by} == '${value}' ? has(self.${member}) : !has(self.${member})`,
    message: `${member} belongs to ${by} ${value}, and only to it`,
    fix: `set ${member} exactly when ${by} is ${value}`,
    fieldPath: `.${member}`,
  }));
}

function exactlyOneRule(members: readonly string[]): Rule {
  return {
    rule: `[${members.map((member) => `has(self.${member})`).join(', ')}].filter(x, x).size() == 1`,
    message: `exactly one of ${members.join(', ')} must be set`,
    fix: 'set one of them and no other',
  };
}

function atLeastOneRule(members: readonly string[]): Rule {
  return {
    rule: members.map((member) => `has(self.${member})`).join(' || '),
    message: 'nothing is selected',
    fix: `set at least one of ${members.join(', ')}`,
  };
}

function rulesOf(raw: unknown, at: string): Rule[] {
  if (raw === undefined) return [];
  return listOf(raw, at).map((entry, index) => {
    if (!isRecord(entry)) throw new Error(`${at}[${index}]: a rule must be a mapping`);
    const rule = textOf(entry, 'rule', `${at}[${index}]`);
    const fieldPath = entry['fieldPath'];
    return {
      rule,
      message: textOf(entry, 'message', `${at}[${index}]`),
      fix: textOf(entry, 'fix', `${at}[${index}]`),
      ...(typeof fieldPath === 'string' ? { fieldPath } : {}),
      ...(/\boldSelf\b/.test(rule) ? { transition: true as const } : {}),
    };
  });
}

function isType(value: unknown): value is SourceSchema['type'] {
  return typeof value === 'string' && TYPES.includes(value);
}

function textOf(record: Readonly<Record<string, unknown>>, key: string, at: string): string {
  const value = record[key];
  if (typeof value !== 'string' || value === '') throw new Error(`${at}: ${key} must be a text`);
  return value;
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${at}: must be a list`);
  return value;
}

function textsOf(value: unknown, at: string): string[] {
  return listOf(value, at).map((entry) => {
    if (typeof entry !== 'string') throw new Error(`${at}: must be a list of texts`);
    return entry;
  });
}
