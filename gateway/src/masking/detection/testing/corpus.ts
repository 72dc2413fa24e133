import type { Category } from '../categories.js';
import { IBAN_LENGTHS } from '../iban.js';

/** Numbers in [0, 1). */
export type Random = () => number;

/** One way a value can look. The generator makes endless values of it. */
export interface Kind {
  readonly name: string;
  readonly make: (random: Random) => string;
}

export interface PositiveKind extends Kind {
  readonly category: Category;
}

/** Numbers in [0, 1) that the seed alone determines (xorshift). */
export function createSeededRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export const below = (random: Random, count: number): number => Math.floor(random() * count);
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[below(random, items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

const DIGITS = '0123456789';
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LOWER = UPPER.toLowerCase();
const ALPHANUMERIC = `${DIGITS}${UPPER}${LOWER}`;
const HEX = '0123456789abcdef';

const text = (random: Random, length: number, alphabet: string): string =>
  Array.from({ length }, () => alphabet[below(random, alphabet.length)]).join('');
const digits = (random: Random, length: number): string => text(random, length, DIGITS);
/** The first digit is not zero. */
const number = (random: Random, length: number): string =>
  `${1 + below(random, 9)}${length > 1 ? digits(random, length - 1) : ''}`;
const between = (random: Random, least: number, most: number): number => least + below(random, most - least + 1);
const two = (value: number): string => String(value).padStart(2, '0');

/** `N` stands for 2 to 9, `D` for any digit, `Z` for 1 to 9; everything else for itself. */
const filled = (random: Random, pattern: string): string =>
  pattern.replaceAll(/[NDZ]/g, (letter) =>
    String(letter === 'D' ? below(random, 10) : letter === 'Z' ? between(random, 1, 9) : between(random, 2, 9)),
  );
const patterns =
  (...list: readonly string[]): Kind['make'] =>
  (random) =>
    filled(random, pick(random, list));

const WORDS = ['maria', 'chen', 'smith', 'o.brien', 'jan-peter', 'sales', 'info', 'k', 'x7', 'müller', '王伟'] as const;
const HOSTS = ['example', 'mail.example', 'a-b', 'eu.corp.acme', 'münchen', 'xn--bcher-kva', '例え', '3com'] as const;
const TOP_LEVELS = ['com', 'org', 'co.uk', 'de', 'io', 'museum', 'xn--p1ai', 'рф', 'технологии'] as const;

const domain = (random: Random): string => `${pick(random, HOSTS)}.${pick(random, TOP_LEVELS)}`;
const word = (random: Random): string => pick(random, WORDS);

/** Digits completed by the digit that makes the Luhn sum right. */
export function withLuhn(start: string): string {
  const sum = Array.from(start)
    .toReversed()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return `${start}${(10 - (sum % 10)) % 10}`;
}

const CARD_STARTS = [
  ['4', 16],
  ['51', 16],
  ['55', 16],
  ['2221', 16],
  ['34', 15],
  ['37', 15],
  ['36', 14],
  ['6011', 16],
  ['65', 16],
  ['3530', 16],
  ['62', 16],
  ['62', 19],
  ['2202', 16],
] as const;

function card(random: Random): string {
  const [start, length] = pick(random, CARD_STARTS);
  return withLuhn(start + digits(random, length - start.length - 1));
}

function groupedCard(random: Random): string {
  const solid = card(random);
  const groups =
    solid.length === 15 ? /^(.{4})(.{6})(.{5})$/ : solid.length === 14 ? /^(.{4})(.{6})(.{4})$/ : /.{1,4}/g;
  const parts = solid.length <= 15 ? (groups.exec(solid)?.slice(1) ?? []) : (solid.match(groups) ?? []);
  return parts.join(pick(random, [' ', '-', '\u00a0']));
}

/** A valid account number of a country of the registry with a random account part. */
export function iban(random: Random, country: string): string {
  const length = (IBAN_LENGTHS[country] ?? 0) - 4;
  const account = `${text(random, 4, pick(random, [UPPER, DIGITS]))}${digits(random, length - 4)}`;
  const spelled = Array.from(`${account}${country}00`, (character) => Number.parseInt(character, 36)).join('');
  return `${country}${two(98 - Number(BigInt(spelled) % 97n))}${account}`;
}

const anyIban = (random: Random): string => {
  const countries = Object.keys(IBAN_LENGTHS);
  return iban(random, countries[below(random, countries.length)] ?? 'DE');
};

const base64url = (random: Random, length: number): string => text(random, length, `${ALPHANUMERIC}-_`);

export const POSITIVE_KINDS: readonly PositiveKind[] = [
  { category: 'Email', name: 'plain address', make: (r) => `${word(r)}@${domain(r)}` },
  { category: 'Email', name: 'address with plus', make: (r) => `${word(r)}+${number(r, 3)}@${domain(r)}` },
  { category: 'Email', name: 'address in upper case', make: (r) => `${word(r)}@${domain(r)}`.toUpperCase() },
  { category: 'Email', name: 'quoted local part', make: (r) => `"${word(r)} ${word(r)}"@${domain(r)}` },
  {
    category: 'Email',
    name: 'address of a bare IP',
    make: (r) => `${word(r)}@[192.168.${below(r, 256)}.${below(r, 256)}]`,
  },
  { category: 'Email', name: 'address in a URL', make: (r) => `https://x.example/?m=${word(r)}%40${domain(r)}` },
  {
    category: 'Phone',
    name: 'international number',
    make: patterns(
      '+49 17D ZDDDDDDD',
      '+49 (0)30 ZDDDDDD',
      '+49-89-ZDDDDDD',
      '+4917DZDDDDDD',
      '+1 (NDD) NDD-DDDD',
      '+1-NDD-NDD-DDDD',
      '+1.NDD.NDD.DDDD',
      '+1NDDNDDDDDD',
      '+44 20 7DDD DDDD',
      '+33 6 DD DD DD DD',
      '+33.6DDDDDDDD',
      '+91 9DDDD DDDDD',
      '+86 138 DDDD DDDD',
      '+55 (11) 9DDDD-DDDD',
      '+358 40 DDD DDDD',
      '+(44) 7911 DDDDDD',
      '+81\u00a090\u00a0DDDD\u00a0DDDD',
    ),
  },
  {
    category: 'Phone',
    name: 'national number',
    make: patterns(
      '(NDD) NDD-DDDD',
      '(NDD)NDD-DDDD',
      'NDD-NDD-DDDD',
      'NDD.NDD.DDDD',
      '1-NDD-NDD-DDDD',
      '1 (NDD) NDD-DDDD',
      '017D ZDDDDDD',
      '030/ZDDDDDDD',
      '(030) ZDDDDDDD',
      '020 7DDD DDDD',
      '06-ZDDDDDDD',
      '06 DD DD DD DD',
      '06.DD.DD.DD.DD',
      '04DD DDD DDD',
      '090-DDDD-DDDD',
      '(11) 9DDDD-DDDD',
      '0049 17D ZDDDDDD',
      '001 NDD NDD DDDD',
    ),
  },
  { category: 'Card', name: 'card without gaps', make: card },
  { category: 'Card', name: 'card in groups', make: groupedCard },
  {
    category: 'Ssn',
    name: 'social security number',
    make: (r) => `${pick(r, ['1', '2', '7', '8'])}${digits(r, 2)}-${two(between(r, 1, 99))}-${number(r, 4)}`,
  },
  { category: 'Iban', name: 'account number', make: anyIban },
  { category: 'Iban', name: 'account number in groups', make: (r) => (anyIban(r).match(/.{1,4}/g) ?? []).join(' ') },
  { category: 'Iban', name: 'account number in lower case', make: (r) => anyIban(r).toLowerCase() },
  { category: 'Secret', name: 'cloud access key', make: (r) => `AKIA${text(r, 16, `${UPPER}234567`)}` },
  { category: 'Secret', name: 'access key setting', make: (r) => `AWS_SECRET_ACCESS_KEY=${text(r, 40, ALPHANUMERIC)}` },
  { category: 'Secret', name: 'API key', make: (r) => `AIza${base64url(r, 35)}` },
  {
    category: 'Secret',
    name: 'repository token',
    make: (r) => `${pick(r, ['ghp_', 'gho_', 'ghs_'])}${text(r, 36, ALPHANUMERIC)}`,
  },
  { category: 'Secret', name: 'chat token', make: (r) => `xoxb-${digits(r, 12)}-${text(r, 24, ALPHANUMERIC)}` },
  { category: 'Secret', name: 'payment key', make: (r) => `sk_live_${text(r, 24, ALPHANUMERIC)}` },
  {
    category: 'Secret',
    name: 'private key',
    make: (r) =>
      `-----BEGIN ${pick(r, ['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '])}PRIVATE KEY-----\nMII${base64url(r, 40)}`,
  },
  {
    category: 'Secret',
    name: 'web token',
    make: (r) => `eyJ${base64url(r, between(r, 20, 400))}.eyJ${base64url(r, between(r, 20, 400))}.${base64url(r, 43)}`,
  },
  {
    category: 'Secret',
    name: 'bearer header',
    make: (r) => `Authorization: Bearer ${base64url(r, 19)}7${base64url(r, 9)}`,
  },
  {
    category: 'Secret',
    name: 'URL with password',
    make: (r) => `postgres://app:${text(r, 12, ALPHANUMERIC)}@db:5432/app`,
  },
  {
    category: 'Secret',
    name: 'connection string',
    make: (r) => `Server=db;User Id=sa;Password=${text(r, 12, ALPHANUMERIC)};`,
  },
  { category: 'Secret', name: 'password in JSON', make: (r) => `{\n  "password": "${text(r, 12, ALPHANUMERIC)}"\n}` },
  { category: 'Secret', name: 'storage key', make: (r) => `AccountName=x;AccountKey=${text(r, 86, ALPHANUMERIC)}==` },
  {
    category: 'Secret',
    name: 'session token',
    make: (r) => `ver:3-hint:${digits(r, 12)}-ETMsDg${text(r, 60, ALPHANUMERIC)}`,
  },
];

const uuid = (random: Random): string => [8, 4, 4, 4, 12].map((size) => text(random, size, HEX)).join('-');
const date = (random: Random): readonly [string, string, string] => [
  String(between(random, 1960, 2035)),
  two(between(random, 1, 12)),
  two(between(random, 1, 28)),
];
const time = (random: Random): string => [23, 59, 59].map((most) => two(below(random, most + 1))).join(':');
const ip = (random: Random): string => Array.from({ length: 4 }, () => below(random, 256)).join('.');

/** Values in which nothing may ever be seen, not even once. */
export const NEGATIVE_KINDS: readonly Kind[] = [
  { name: 'UUID', make: uuid },
  { name: 'UUID of digits', make: (r) => [8, 4, 4, 4, 12].map((size) => digits(r, size)).join('-') },
  { name: 'hash', make: (r) => text(r, pick(r, [32, 40, 64, 128]), HEX) },
  { name: 'hash in upper case', make: (r) => text(r, pick(r, [32, 40, 64]), HEX).toUpperCase() },
  {
    name: 'ISO timestamp',
    make: (r) => `${date(r).join('-')}T${time(r)}.${digits(r, 3)}${pick(r, ['Z', '+01:00', '-0800'])}`,
  },
  {
    name: 'Snowflake timestamp',
    make: (r) => `${date(r).join('-')} ${time(r)}.${digits(r, 9)} ${pick(r, ['+0000', '-0800', 'Z'])}`,
  },
  { name: 'epoch seconds', make: (r) => `${between(r, 1_000_000_000, 1_999_999_999)}.${digits(r, 9)} 1440` },
  { name: 'German date', make: (r) => `${date(r).toReversed().join('.')} ${time(r)}` },
  { name: 'date with dashes', make: (r) => `${date(r).toReversed().join('-')} ${time(r).slice(0, 5)}` },
  { name: 'range of dates', make: (r) => `${date(r).join('-')} - ${date(r).join('-')}` },
  {
    name: 'American date',
    make: (r) => `${two(between(r, 1, 12))}/${two(between(r, 1, 28))}/${between(r, 1960, 2035)}`,
  },
  { name: 'numeric id', make: (r) => number(r, between(r, 1, 13)) },
  { name: 'zero-padded id', make: (r) => digits(r, between(r, 1, 8)).padStart(10, '0') },
  { name: 'epoch nanoseconds', make: (r) => `17${digits(r, 17)}` },
  { name: 'fraction', make: (r) => `${pick(r, ['', '-'])}0.${digits(r, 16)}` },
  {
    name: 'coordinates',
    make: (r) => `${between(r, -90, 90)}.${digits(r, 6)}, ${between(r, -180, 180)}.${digits(r, 14)}`,
  },
  {
    name: 'price',
    make: (r) => `${pick(r, ['$', '€ ', 'USD '])}${between(r, 1, 999)},${digits(r, 3)},${digits(r, 3)}.${digits(r, 2)}`,
  },
  { name: 'price with spaces', make: (r) => `${number(r, 3)} ${digits(r, 3)} EUR` },
  { name: 'signed amount', make: (r) => `+${number(r, 7)}.${digits(r, 2)}` },
  { name: 'version', make: (r) => `v${below(r, 40)}.${below(r, 40)}.${below(r, 4_000)}-beta.${below(r, 9)}` },
  { name: 'IP address', make: (r) => `${ip(r)}:${between(r, 1024, 65_535)}` },
  { name: 'IPv6 address', make: (r) => Array.from({ length: 8 }, () => text(r, 4, HEX)).join(':') },
  { name: 'order number', make: (r) => `ORD-${date(r)[0]}-${digits(r, 6)}` },
  { name: 'SKU', make: (r) => `${text(r, 3, UPPER)}-${digits(r, 4)}-${text(r, 2, UPPER)}${digits(r, 2)}` },
  { name: 'ISBN', make: (r) => `978-${below(r, 10)}-${digits(r, 3)}-${digits(r, 5)}-${below(r, 10)}` },
  { name: 'hash token', make: (r) => `pst_${text(r, 32, HEX)}` },
  { name: 'placeholder', make: () => '***' },
  { name: 'masked address', make: (r) => `${pick(r, ['', 'j'])}***@${domain(r)}` },
  { name: 'masked card', make: (r) => `**** **** **** ${digits(r, 4)}` },
  { name: 'masked password', make: () => 'postgres://app:***@db.internal/app?password=******' },
  { name: 'password reference', make: () => `{"password": "\${DB_PASSWORD}", "note": "password policy applies"}` },
  { name: 'handle', make: (r) => `@${text(r, 8, LOWER)} and @${text(r, 5, LOWER)}.` },
  { name: 'package', make: (r) => `npm:@scope/name@${below(r, 20)}.${below(r, 20)}.${below(r, 20)}` },
  { name: 'image file', make: (r) => `logo-${text(r, 4, LOWER)}@2x.png` },
  { name: 'URL', make: (r) => `https://example.com:8443/a/${digits(r, 6)}?page=${below(r, 99)}&id=${uuid(r)}` },
  { name: 'list of pairs', make: (r) => Array.from({ length: 7 }, () => two(between(r, 1, 49))).join(' ') },
  { name: 'public key', make: (r) => `-----BEGIN PUBLIC KEY-----\nMII${base64url(r, 40)}` },
  { name: 'base64', make: (r) => `${text(r, 88, `${ALPHANUMERIC}+/`)}==` },
  {
    name: 'sentence',
    make: (r) => `Shipped ${between(r, 2, 900)} boxes, ${below(r, 100)} % on time; see ticket #${number(r, 5)}.`,
  },
  { name: 'query id', make: (r) => `01b2c3d4-0000-${text(r, 4, HEX)}-0000-${text(r, 12, HEX)}` },
  { name: 'empty', make: () => '' },
];

/** Values that pass a checksum or a number plan by chance now and then: a column of them must be left alone. */
export const CHANCE_KINDS: readonly Kind[] = [
  { name: 'ids of 16 digits', make: (r) => number(r, 16) },
  { name: 'ids of 16 digits that begin like a card', make: (r) => `4${digits(r, 15)}` },
  { name: 'codes in four groups', make: (r) => Array.from({ length: 4 }, () => digits(r, 4)).join('-') },
  { name: 'texts shaped like account numbers', make: (r) => `DE${digits(r, 20)}` },
  { name: 'codes written 3-3-4', make: (r) => `${digits(r, 3)}-${digits(r, 3)}-${digits(r, 4)}` },
  { name: 'codes in two groups', make: (r) => `${digits(r, 4)}-${digits(r, 6)}` },
  { name: 'numbers written 3 2 4', make: (r) => `${digits(r, 3)} ${digits(r, 2)} ${digits(r, 4)}` },
];

const SENTENCES: readonly ((value: string) => string)[] = [
  (value) => value,
  (value) => `Please use ${value}, thanks!`,
  (value) => `(${value})`,
  (value) => `客户信息：${value}，谢谢`,
  (value) => `first line\n${value}\nlast line`,
  (value) => `{"id": 12, "note": ${JSON.stringify(`first\n${value}\nlast`)}}`,
  (value) => JSON.stringify({ tags: ['a', 'b'], nested: { deep: value } }, undefined, 2),
  (value) => `Müller & Söhne | ${value} | 2024-03-15`,
];

/** The value alone, in a sentence, in another script, or in the JSON text of a variant. */
export const inContext = (random: Random, value: string): string => pick(random, SENTENCES)(value);
