import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { generateFiles } from './generate.js';
import { parseKindSource } from './source.js';
import { createTypePrinter } from './types.js';

const root = join(import.meta.dirname, '..', '..');

const SHARED = 'label: {type: string, maxLength: 9, description: A label.}';
const source = (spec: string) => `kind: Thing
plural: things
singular: thing
shortNames: [th]
description: A thing.
printerColumns: []
spec: ${spec}
status: {type: object}
`;
const typesOf = (spec: string) => {
  const printer = createTypePrinter();
  printer.addKind(parseKindSource(source(spec), SHARED));
  return printer.print().replaceAll(/\s+/g, ' ');
};

describe('generated files', () => {
  test('are what the schemas say, byte for byte, with none left over', () => {
    const files = generateFiles(root);
    for (const [path, text] of files) expect([path, readFileSync(join(root, path), 'utf8')]).toEqual([path, text]);
    const present = ['manifests', 'src/generated'].flatMap((folder) =>
      readdirSync(join(root, folder)).map((file) => `${folder}/${file}`),
    );
    expect(present.toSorted()).toEqual([...files.keys()].toSorted());
  }, 60_000);
});

describe('parseKindSource', () => {
  test.each([
    ['an unknown keyword', '{type: object, oneOf: []}', 'Thing.spec: unknown keyword oneOf'],
    ['a node without type', '{properties: {}}', 'Thing.spec: type must be one of'],
    ['an unknown type', '{type: number}', 'Thing.spec: type must be one of'],
    [
      'an unknown piece',
      '{type: object, properties: {a: {$ref: nothing}}}',
      'Thing.spec.a ($ref nothing): a schema must be a mapping',
    ],
    [
      'a rule without fix',
      '{type: object, rules: [{rule: "true", message: m}]}',
      'Thing.spec.rules[0]: fix must be a text',
    ],
    [
      'a union without members',
      '{type: object, union: {discriminator: a}}',
      'Thing.spec: union needs discriminator and members',
    ],
  ])('refuses %s', (_title, spec, message) => {
    expect(() => parseKindSource(source(spec), SHARED)).toThrow(message);
  });

  test("lets a field's own words win over the piece it refers to", () => {
    const { spec } = parseKindSource(
      source('{type: object, properties: {a: {$ref: label, description: My label.}}}'),
      SHARED,
    );
    expect(spec.properties?.['a']).toEqual({ type: 'string', maxLength: 9, description: 'My label.' });
  });

  test('fills a default with the defaults below it', () => {
    const inner = '{type: object, default: {}, properties: {b: {type: integer, default: 1}, c: {type: integer}}}';
    const { spec } = parseKindSource(source(`{type: object, properties: {a: ${inner}}}`), SHARED);
    expect(spec.properties?.['a']?.default).toEqual({ b: 1 });
  });

  test('marks rules about the former state', () => {
    const { spec } = parseKindSource(
      source('{type: object, rules: [{rule: self == oldSelf, message: m, fix: f}]}'),
      SHARED,
    );
    expect(spec.rules).toEqual([{ rule: 'self == oldSelf', message: 'm', fix: 'f', transition: true }]);
  });
});

describe('generated types', () => {
  test('have no question mark where a field is required or has a default', () => {
    const spec =
      '{type: object, required: [a], properties: {a: {type: string}, b: {type: integer, default: 1}, c: {type: boolean}}}';
    expect(typesOf(spec)).toContain('readonly spec: { readonly a: string; readonly b: number; readonly c?: boolean; }');
  });

  test('tell union members apart by their discriminator', () => {
    const spec =
      '{type: object, union: {discriminator: t, members: {A: a}}, required: [t], properties: {t: {type: string, enum: [A, B]}, a: {type: string}}}';
    expect(typesOf(spec)).toContain(
      "| { readonly t: 'A'; readonly a: string; } | { readonly t: 'B'; readonly a?: never; }",
    );
  });

  test('refuse one name for two shapes', () => {
    const spec =
      '{type: object, properties: {a: {type: string, typeName: T, enum: [A]}, b: {type: string, typeName: T, enum: [B]}}}';
    expect(() => typesOf(spec)).toThrow('the type T has two shapes');
  });
});
