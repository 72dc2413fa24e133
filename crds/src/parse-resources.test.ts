import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatComplaint } from './complaint.js';
import { checkResource, MAX_TEXT_BYTES, parseResources } from './parse-resources.js';

const CONNECTION = `apiVersion: piste.dev/v1alpha1
kind: SnowflakeConnection
metadata:
  name: prod
spec:
  account: {identifier: acme-prod1}
  auth: {type: Passthrough}
  issuers:
    - {name: people, url: 'https://login.acme.example', audience: piste}
  allowedGroups: [analysts]
  allowedRoles: [ANALYST]
`;

const validFolder = join(import.meta.dirname, '..', 'examples', 'valid');
const validTexts = readdirSync(validFolder).map((file) => readFileSync(join(validFolder, file), 'utf8'));

const lines = (text: string) => parseResources(text, 'a.yaml').complaints.map(formatComplaint);

describe('parseResources', () => {
  test('fills in every default of a connection', () => {
    const { resources } = parseResources(CONNECTION, 'a.yaml');
    expect(resources).toEqual([
      {
        apiVersion: 'piste.dev/v1alpha1',
        kind: 'SnowflakeConnection',
        metadata: { name: 'prod' },
        spec: {
          account: { identifier: 'acme-prod1', port: 443, connectivity: 'Public', transport: 'TLS' },
          auth: { type: 'Passthrough' },
          issuers: [
            {
              name: 'people',
              url: 'https://login.acme.example',
              audience: 'piste',
              algorithms: ['RS256', 'ES256'],
              claims: { principal: 'sub', groups: 'groups' },
            },
          ],
          allowedGroups: ['analysts'],
          defaults: {},
          allowedRoles: ['ANALYST'],
          unmatchedObjects: 'Deny',
          allowedPolicies: { namespaces: 'Same' },
          session: { idleTimeoutSeconds: 1800, maxLifetimeSeconds: 28800, statementTimeoutSeconds: 3600 },
          gateway: { drainSeconds: 300, networkPolicy: 'Managed', monitoring: 'Auto' },
        },
      },
    ]);
  });

  test('returns frozen resources, defaults included', () => {
    const [connection] = parseResources(CONNECTION, 'a.yaml').resources;
    const spec = connection?.kind === 'SnowflakeConnection' ? connection.spec : undefined;
    expect([connection, spec, spec?.session, spec?.issuers[0]?.algorithms].every(Object.isFrozen)).toBe(true);
  });

  test('does not share defaults between resources', () => {
    const two = parseResources(
      `${CONNECTION}---\n${CONNECTION.replace('name: prod', 'name: test')}`,
      'a.yaml',
    ).resources;
    const sessions = two.map((resource) =>
      resource.kind === 'SnowflakeConnection' ? resource.spec.session : undefined,
    );
    expect(sessions[0]).toEqual(sessions[1]);
    expect(sessions[0]).not.toBe(sessions[1]);
  });

  test('reports every fault of every document at once, with its line', () => {
    const broken = CONNECTION.replace('piste}', 'snowflakecomputing.com}').replace('[ANALYST]', '[ANALYST, ANALYST]');
    expect(lines(`# a comment\n${broken}---\n${broken.replace('kind: Snow', 'kind: snow')}`)).toEqual([
      'a.yaml:12: SnowflakeConnection prod: spec.allowedRoles[1]: this entry stands in the list twice; remove one',
      'a.yaml:10: SnowflakeConnection prod: spec.issuers[0].audience: a token for that audience would also open Snowflake; choose an audience only this gateway accepts, such as its own URL',
      'a.yaml:15: snowflakeConnection prod: kind: "snowflakeConnection" is not known here; use one of SnowflakeConnection, MaskingPolicy, ApprovalRule',
    ]);
  });

  test('returns the sound resources beside the faulty ones', () => {
    const { resources, complaints } = parseResources(`${CONNECTION}---\nkind: Pod\n`, 'a.yaml');
    expect(resources.map((resource) => resource.metadata.name)).toEqual(['prod']);
    expect(complaints.map((complaint) => [complaint.document, complaint.field])).toEqual([
      [1, 'apiVersion'],
      [1, 'kind'],
    ]);
  });

  test('uses neither of two resources of the same name', () => {
    const { resources, complaints } = parseResources(`${CONNECTION}---\n${CONNECTION}---\n${CONNECTION}`, 'a.yaml');
    expect(resources).toEqual([]);
    expect(complaints.map((complaint) => [complaint.document, complaint.field])).toEqual([
      [1, 'metadata.name'],
      [2, 'metadata.name'],
    ]);
  });

  test('keeps resources of the same name in different namespaces', () => {
    const inNamespace = (name: string) => CONNECTION.replace('name: prod', `name: prod\n  namespace: ${name}`);
    expect(parseResources(`${inNamespace('a')}---\n${inNamespace('b')}`, 'a.yaml').resources).toHaveLength(2);
  });

  test('reads what the API server hands out: JSON, its own metadata, a status', () => {
    const [own] = parseResources(CONNECTION, 'a.yaml').resources;
    const served = {
      ...own,
      metadata: {
        name: 'prod',
        uid: 'u',
        generation: 3,
        creationTimestamp: null,
        managedFields: [{ manager: 'kubectl' }],
      },
      status: { whatever: true },
    };
    const expected = { ...own, metadata: { name: 'prod', uid: 'u', generation: 3 } };
    expect(parseResources(JSON.stringify(served), 'a.json')).toEqual({ resources: [expected], complaints: [] });
    expect(checkResource(served, 'watch')).toEqual({ resources: [expected], complaints: [] });
  });

  test.each([
    ['', 0],
    ['\n# nothing\n---\n---\n', 0],
    [`---\n${CONNECTION}...\n---\n`, 1],
  ])('finds no fault in documents without content (%#)', (text, count) => {
    const { resources, complaints } = parseResources(text, 'a.yaml');
    expect([resources.length, complaints]).toEqual([count, []]);
  });

  test.each([
    ['a duplicate field', `${CONNECTION}kind: ApprovalRule\n`, 'kind: the same field stands here twice'],
    [
      'a duplicate field in a flow mapping',
      CONNECTION.replace('{identifier: acme-prod1}', '{identifier: a, identifier: b}'),
      'spec.account.identifier: the same field stands here twice',
    ],
    [
      'an alias',
      CONNECTION.replace('[analysts]', '&a [analysts]').replace('[ANALYST]', '*a'),
      'spec.allowedRoles: YAML aliases are not accepted',
    ],
    [
      'an alias as a field name',
      CONNECTION.replace('prod1}', 'prod1, &a host: b, *a : c}'),
      'the name of a field must be a text',
    ],
    [
      'a merge key',
      CONNECTION.replace('{identifier: acme-prod1}', '{<<: {identifier: a}}'),
      'this field does not exist',
    ],
    ['a tag', CONNECTION.replace('[ANALYST]', '!!set {A}'), 'YAML tags are not accepted'],
    ['a custom tag', CONNECTION.replace('acme-prod1', '!env ACCOUNT'), 'YAML tags are not accepted'],
    ['a directive', `%YAML 1.1\n---\n${CONNECTION}`, 'YAML directives are not accepted'],
    [
      'a number as field name',
      CONNECTION.replace('{identifier', '{? [1] : 2, identifier'),
      'the name of a field must be a text',
    ],
    [
      'a boolean of YAML 1.1',
      CONNECTION.replace('[ANALYST]', '[yes]'),
      'spec.allowedRoles[0]: yes without quotes is read differently',
    ],
    [
      'an octal number of YAML 1.1',
      CONNECTION.replace('prod1}', 'prod1, port: 0443}'),
      '0443 without quotes is read differently',
    ],
    [
      'a grouped number of YAML 1.1',
      CONNECTION.replace('prod1}', 'prod1, port: 1_0}'),
      '1_0 without quotes is read differently',
    ],
    [
      'a number too large to keep',
      CONNECTION.replace('prod1}', 'prod1, port: 9007199254740993}'),
      'cannot be kept exactly|whole number',
    ],
    ['an infinite number', CONNECTION.replace('prod1}', 'prod1, port: .inf}'), 'whole number'],
    ['a null', CONNECTION.replace('[ANALYST]', '~'), 'spec.allowedRoles: no value is given'],
    [
      'a field of the prototype',
      CONNECTION.replace('{identifier', '{__proto__: {host: a}, identifier'),
      'spec.account.__proto__: this field does not exist',
    ],
    [
      'an inherited name',
      CONNECTION.replace('{identifier', '{constructor: a, identifier'),
      'spec.account.constructor: this field does not exist',
    ],
    ['an unknown field beside spec', `${CONNECTION}data: {}\n`, 'data: this field does not exist'],
    [
      'an unknown field of metadata',
      CONNECTION.replace('name: prod', 'name: prod\n  generateName: a'),
      'metadata.generateName: this field does not exist',
    ],
    [
      'a missing spec',
      'apiVersion: piste.dev/v1alpha1\nkind: MaskingPolicy\nmetadata: {name: a}\n',
      'spec.targetRefs: this field is missing',
    ],
    ['a text', 'hello', 'this is not a resource'],
    ['a list', '- a', 'this is not a resource'],
    ['an open bracket', `${CONNECTION}status: [`, 'the indentation is wrong'],
    ['nesting beyond the limit', `${'a: {'.repeat(40)}${'}'.repeat(40)}`, 'the nesting is too deep'],
    ['nesting that exhausts the parser', '['.repeat(100_000), 'this is not YAML|could not be read'],
    ['a text beyond the limit', `# ${'x'.repeat(MAX_TEXT_BYTES)}`, 'the text is larger than'],
    ['too many documents', '--- a\n'.repeat(1001), 'the text holds 1001 documents'],
  ])('refuses %s', (_title, text, message) => {
    const { resources, complaints } = parseResources(text, 'a.yaml');
    expect(resources).toEqual([]);
    expect(complaints.map(formatComplaint).join('\n')).toMatch(new RegExp(message.replaceAll(/[[\]]/g, '\\$&')));
  });

  test('checks many fields in a time that grows with their number only', () => {
    const many = Array.from({ length: 30_000 }, (_, index) => `  k${index}: 1`).join('\n');
    const { complaints } = parseResources(`${CONNECTION}${many}`, 'a.yaml');
    expect(complaints).toHaveLength(100);
  }, 15_000);

  test('quotes at most 60 characters, on one line', () => {
    const text = CONNECTION.replace('SnowflakeConnection', `"${'\\e[2J\\n'.repeat(30)}"`);
    const [complaint] = lines(text);
    expect(complaint).toMatch(/^[^\p{C}]{100,300}$/u);
  });

  test.each([
    ['in a field of its own', '{type: Passthrough, privateKey: MIIEvQIBADAN}'],
    [
      'in place of the name of a Secret',
      '{type: KeyPair, keyPair: {user: A, privateKeySecretRef: {name: MIIEvQIBADAN, key: a}}}',
    ],
    ['in place of a reference', '{type: KeyPair, keyPair: {user: A, privateKeySecretRef: MIIEvQIBADAN}}'],
  ])('does not repeat a secret that was written %s', (_title, auth) => {
    const complaints = lines(CONNECTION.replace('{type: Passthrough}', auth));
    expect(complaints).toHaveLength(1);
    expect(complaints.join()).not.toContain('MIIEvQIBADAN');
  });
});

describe('parseResources on anything', () => {
  test('never throws on arbitrary text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void parseResources(text, 'any')),
      { numRuns: 300 },
    );
  });

  test('never throws on pieces of YAML in any order', () => {
    const pieces = fc.constantFrom(
      '[',
      ']',
      '{',
      '}',
      ': ',
      '- ',
      '\n',
      '  ',
      '&a',
      '*a',
      '!!x',
      '? ',
      '|',
      '>',
      '"',
      "'",
      '---\n',
      '%',
      '#',
      'a',
      'kind',
      'spec',
      '\t',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => void parseResources(parts.join(''), 'any')),
      { numRuns: 500 },
    );
  });

  test('never throws on a damaged resource, and what it returns is sound', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...validTexts), fc.nat(), fc.nat({ max: 20 }), fc.string({ maxLength: 8 }))
      .map(
        ([text, at, length, insert]) =>
          text.slice(0, at % text.length) + insert + text.slice((at % text.length) + length),
      );
    fc.assert(
      fc.property(damaged, (text) => {
        for (const resource of parseResources(text, 'any').resources) {
          expect(parseResources(JSON.stringify(resource), 'again')).toEqual({ resources: [resource], complaints: [] });
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test('never throws on arbitrary data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (spec) => {
        const value = { apiVersion: 'piste.dev/v1alpha1', kind: 'ApprovalRule', metadata: { name: 'a' }, spec };
        expect(checkResource(value, 'any').resources).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
