import { describe, expect, test } from '@jest/globals';
import { type MaskingPolicy, parseResources } from '@piste/crds';
import { compileMaskingPolicy, strictestDetection } from './compile-masking.js';

const NOW = Date.parse('2026-11-01T00:00:00Z');
const KEYS: Readonly<Record<string, number>> = { 'k/hash': 20, 'k/short': 15, 'k/aes': 32, 'k/odd': 20 };

function read(spec: string): MaskingPolicy {
  const indented = spec.replaceAll('\n', '\n  ');
  const text = `apiVersion: piste.dev/v1alpha1
kind: MaskingPolicy
metadata: {name: p}
spec:
  targetRefs: [{kind: SnowflakeConnection, name: prod}]
  ${indented}
`;
  const { resources, complaints } = parseResources(text, 'p.yaml');
  expect(complaints).toEqual([]);
  return resources[0] as MaskingPolicy;
}

const compile = (spec: string) =>
  compileMaskingPolicy(read(spec), { byteLength: (name) => (Object.hasOwn(KEYS, name) ? KEYS[name] : undefined) }, NOW);

const COLUMNS = 'columns: [{database: D, column: C}]';
const withRule = (rest: string, match = COLUMNS) => `rules: [{name: r, match: {${match}}, ${rest}}]`;
const withAction = (action: string) => withRule(`action: {${action}}`);
const withExemption = (exemption: string) => withRule(`action: {type: Redact}, unless: [{${exemption}}]`);

describe('what compiles says what is written', () => {
  test.each<readonly [string, string, object]>([
    ['Redact', 'type: Redact', { type: 'Redact' }],
    ['Null', 'type: "Null"', { type: 'Null' }],
    ['Deny', 'type: Deny', { type: 'Deny' }],
    [
      'Partial',
      'type: Partial, partial: {keepLast: 4}',
      { type: 'Partial', keepFirst: 0, keepLast: 4, replacement: '*' },
    ],
    ['Hash', 'type: Hash, hash: {keySecretRef: {name: k, key: hash}}', { type: 'Hash', key: 'k/hash' }],
    ['DateTruncate', 'type: DateTruncate, dateTruncate: {unit: Week}', { type: 'DateTruncate', unit: 'Week' }],
    ['Bucket', 'type: Bucket, bucket: {size: 10}', { type: 'Bucket', size: 10 }],
    ['Constant', 'type: Constant, constant: {value: x}', { type: 'Constant', value: 'x' }],
    [
      'Tokenize',
      'type: Tokenize, tokenize: {keySecretRef: {name: k, key: aes}, alphabet: Digits}',
      { type: 'Tokenize', key: 'k/aes', alphabet: 'Digits' },
    ],
  ])('the action %s', (_name, action, expected) => {
    const { value, faults } = compile(withAction(action));
    expect(faults).toEqual([]);
    expect(value?.policy.rules[0]?.action).toEqual(expected);
  });

  test('every list of the match, categories in upper case', () => {
    const match = `${COLUMNS}, tags: [{name: A.B.PII, value: x}, {name: A.B.T}], categories: [Email], dataTypes: [BINARY]`;
    expect(compile(withRule('action: {type: Redact}', match)).value?.policy).toEqual({
      name: 'p',
      enforcement: 'Enforce',
      predicates: 'Mask',
      onUnresolved: 'Deny',
      rules: [
        {
          name: 'r',
          columns: [{ database: 'D', schema: '*', object: '*', column: 'C' }],
          tags: [
            { name: 'A.B.PII', value: 'x' },
            { name: 'A.B.T', value: undefined },
          ],
          categories: ['EMAIL'],
          dataTypes: ['BINARY'],
          action: { type: 'Redact' },
          unless: [],
        },
      ],
    });
  });

  test.each(['Mask', 'Allow', 'Deny'])('predicates %s', (mode) => {
    expect(compile(`predicates: ${mode}\n${withAction('type: Redact')}`).value?.policy.predicates).toBe(mode);
  });

  test('a match on tags alone has no column pattern', () => {
    expect(
      compile(withRule('action: {type: Redact}', 'tags: [{name: A.B.C}]')).value?.policy.rules[0]?.columns,
    ).toEqual([]);
  });
});

describe('what cannot be in force as written', () => {
  test.each([
    ['a missing hash key', 'type: Hash, hash: {keySecretRef: {name: k, key: gone}}', 'hash.keySecretRef'],
    ['a short hash key', 'type: Hash, hash: {keySecretRef: {name: k, key: short}}', 'hash.keySecretRef'],
    ['a missing token key', 'type: Tokenize, tokenize: {keySecretRef: {name: k, key: gone}}', 'tokenize.keySecretRef'],
    [
      'a token key no AES knows',
      'type: Tokenize, tokenize: {keySecretRef: {name: k, key: odd}}',
      'tokenize.keySecretRef',
    ],
  ])('%s', (_what, action, field) => {
    const { value, faults } = compile(withAction(action));
    expect(value).toBeUndefined();
    expect(faults).toEqual([expect.objectContaining({ field: `spec.rules[0].action.${field}`, fatal: true })]);
  });
});

describe('exemptions', () => {
  const END = 'expiresAt: "2027-01-01T00:00:00Z"';
  test.each<readonly [string, string, readonly string[]]>([
    ['with reason and end draw no warning', `kind: Group, name: g, reason: audit, ${END}`, []],
    ['without a reason', `kind: Group, name: g, ${END}`, ['.reason: nobody can tell why this exemption exists']],
    ['without an end', 'kind: Group, name: g, reason: audit', ['.expiresAt: this exemption never ends']],
    [
      'that are over',
      'kind: User, name: u, reason: audit, expiresAt: "2026-11-01T00:00:00Z"',
      ['.expiresAt: this exemption is over and exempts nobody'],
    ],
    ['by a claim', `kind: Claim, name: d, value: v, reason: audit, ${END}`, [': this is not built in this version']],
  ])('%s', (_what, exemption, expected) => {
    const { value, faults } = compile(withExemption(exemption));
    expect(value).toBeDefined();
    expect(faults.every((fault) => !fault.fatal && fault.fix !== '')).toBe(true);
    expect(faults.map((fault) => `${fault.field}: ${fault.message}`)).toEqual(
      expected.map((text) => `spec.rules[0].unless[0]${text}`),
    );
  });
});

describe('detection', () => {
  test('is what the policy says, and only looks in DryRun', () => {
    const detection = 'detection: {mode: Deny, categories: [Phone, Email]}';
    expect(compile(detection).value?.detection).toEqual({ mode: 'Deny', categories: ['Email', 'Phone'] });
    expect(compile(`enforcement: DryRun\n${detection}`).value?.detection?.mode).toBe('Audit');
    expect(compile(withAction('type: Redact')).value?.detection).toBeUndefined();
  });

  test('of several policies is the strictest mode for the categories of all', () => {
    const audit = { mode: 'Audit', categories: ['Iban', 'Email'] } as const;
    const mask = { mode: 'Mask', categories: ['Email'] } as const;
    const deny = { mode: 'Deny', categories: ['Card'] } as const;
    expect(strictestDetection([])).toBeUndefined();
    expect(strictestDetection([audit])?.mode).toBe('Audit');
    expect(strictestDetection([audit, mask])).toEqual({ mode: 'Mask', categories: ['Email', 'Iban'] });
    expect(strictestDetection([deny, audit, mask])).toEqual({ mode: 'Deny', categories: ['Card', 'Email', 'Iban'] });
  });
});
