import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { isRecord } from '../schema.js';
import { KIND_FILES } from './generate.js';

type Node = Readonly<Record<string, unknown>>;

const record = (value: unknown): Node => (isRecord(value) ? value : {});
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const manifests = KIND_FILES.map((file) => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'manifests', `${file}.yaml`), 'utf8');
  const crd = record(parse(text));
  const version = record(list(record(crd['spec'])['versions'])[0]);
  return { file, crd, version, root: record(record(version['schema'])['openAPIV3Schema']) };
});

/** Keywords a structural schema may carry; everything else of OpenAPI is refused or ignored by the API server. */
const KEYWORDS = new Set(
  'type description required properties items minItems maxItems minLength maxLength pattern enum format minimum maximum default x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-validations'.split(
    ' ',
  ),
);

function* walk(node: Node, path: string): Generator<{ node: Node; path: string }> {
  yield { node, path };
  if (isRecord(node['items'])) yield* walk(node['items'], `${path}[]`);
  for (const [name, child] of Object.entries(record(node['properties']))) yield* walk(record(child), `${path}.${name}`);
}

/** Faults the API server would find, or that would make its cost estimate of the rules unbounded. */
function structuralFaults(node: Node): string[] {
  const faults = Object.keys(node)
    .filter((keyword) => !KEYWORDS.has(keyword))
    .map((keyword) => `keyword ${keyword}`);
  const properties = record(node['properties']);
  const required = list(node['required']).map(String);
  if (typeof node['type'] !== 'string') faults.push('no type');
  for (const name of required) {
    if (!(name in properties)) faults.push(`requires the unknown ${name}`);
    if (record(properties[name])['default'] !== undefined) faults.push(`requires ${name}, which has a default`);
  }
  if (node['type'] === 'string' && !['maxLength', 'pattern', 'enum', 'format'].some((keyword) => keyword in node))
    faults.push('unbounded text');
  if (node['type'] === 'integer' && !('format' in node && 'minimum' in node))
    faults.push('integer without format or minimum');
  return [...faults, ...(node['type'] === 'array' ? listFaults(node) : [])];
}

function listFaults(node: Node): string[] {
  const faults: string[] = [];
  const items = record(node['items']);
  const listType = node['x-kubernetes-list-type'];
  if (typeof node['maxItems'] !== 'number') faults.push('unbounded list');
  if (listType === 'set' && items['type'] !== 'string') faults.push('set of other than texts');
  if (listType !== 'set' && listType !== 'map' && listType !== 'atomic') faults.push('no list type');
  for (const key of listType === 'map' ? list(node['x-kubernetes-list-map-keys']).map(String) : []) {
    if (!list(items['required']).includes(key)) faults.push(`key ${key} is not required`);
    if (record(record(items['properties'])[key])['type'] !== 'string') faults.push(`key ${key} is not a text`);
  }
  return faults;
}

function exists(root: Node, path: string): boolean {
  let node = root;
  for (const step of path
    .replaceAll(/\[[^\]]*\]/g, '.[]')
    .split('.')
    .slice(1)) {
    node = step === '[]' ? record(node['items']) : record(record(node['properties'])[step]);
    if (node['type'] === undefined) return path.startsWith('.metadata.');
  }
  return true;
}

describe.each(manifests)('manifest $file', ({ crd, version, root }) => {
  const spec = record(crd['spec']);
  const names = record(spec['names']);

  test('names the kind the way kubectl users type it', () => {
    expect(crd['metadata']).toEqual({ name: `${textOf(names['plural'])}.piste.dev` });
    expect([
      spec['group'],
      spec['scope'],
      names['categories'],
      version['name'],
      version['served'],
      version['storage'],
    ]).toEqual(['piste.dev', 'Namespaced', ['piste'], 'v1alpha1', true, true]);
    expect(list(names['shortNames']).length).toBeGreaterThan(0);
  });

  test('is a bounded structural schema', () => {
    const faults = [...walk(root, '')]
      .filter(({ path }) => !['.apiVersion', '.kind', '.metadata'].includes(path))
      .flatMap(({ node, path }) => structuralFaults(node).map((fault) => `${path}: ${fault}`));
    expect(faults).toEqual([]);
  });

  test('has a status subresource with conditions as a map by type', () => {
    expect(record(version['subresources'])['status']).toEqual({});
    const status = record(record(root['properties'])['status']);
    expect(record(record(status['properties'])['conditions'])['x-kubernetes-list-map-keys']).toEqual(['type']);
  });

  test('shows and scales by fields that exist', () => {
    const columns = list(version['additionalPrinterColumns']).map((column) => String(record(column)['jsonPath']));
    const scale = Object.values(record(record(version['subresources'])['scale'])).map(String);
    expect([...columns, ...scale].filter((path) => !exists(root, path))).toEqual([]);
    expect(columns).toContain('.metadata.creationTimestamp');
  });

  test('has rules whose messages fit on one line and blame fields that exist', () => {
    for (const { node, path } of walk(root, '')) {
      for (const rule of list(node['x-kubernetes-validations']).map(record)) {
        expect([path, String(rule['message'])]).toEqual([path, expect.stringMatching(/^[^\n]+; [^\n]+$/)]);
        if (rule['fieldPath'] !== undefined)
          expect([path, exists(node, textOf(rule['fieldPath']))]).toEqual([path, true]);
      }
    }
  });
});
