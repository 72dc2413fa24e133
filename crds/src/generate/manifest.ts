import { stringify } from 'yaml';
import { GROUP, VERSION } from '../kind-names.js';
import type { Rule } from '../schema.js';
import type { SourceKind, SourceSchema } from './source.js';

const SOURCE_ONLY = [
  'typeName',
  'typeDescription',
  'form',
  'union',
  'exactlyOne',
  'rules',
  'properties',
  'items',
  'description',
];

/** The CustomResourceDefinition (apiextensions.k8s.io/v1) of a kind, as YAML. */
export function printManifest(source: SourceKind, header: string): string {
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${source.plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind: source.kind,
        listKind: `${source.kind}List`,
        plural: source.plural,
        singular: source.singular,
        shortNames: source.shortNames,
        categories: ['piste'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {}, ...(source.scale === undefined ? {} : { scale: source.scale }) },
          additionalPrinterColumns: source.printerColumns,
          schema: { openAPIV3Schema: rootSchema(source) },
        },
      ],
    },
  };
  return `${header}${stringify(crd, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

function rootSchema(source: SourceKind): object {
  return {
    type: 'object',
    description: source.description,
    required: ['spec'],
    ...(source.rules.length === 0 ? {} : { 'x-kubernetes-validations': source.rules.map(validation) }),
    properties: {
      apiVersion: { type: 'string', description: `${GROUP}/${VERSION}` },
      kind: { type: 'string', description: source.kind },
      metadata: { type: 'object' },
      spec: openApiSchema(source.spec),
      status: openApiSchema(source.status),
    },
  };
}

function openApiSchema(node: SourceSchema): object {
  const { description, properties, items, rules } = node;
  const copied = Object.fromEntries(Object.entries(node).filter(([keyword]) => !SOURCE_ONLY.includes(keyword)));
  return {
    ...(description === undefined ? {} : { description }),
    ...copied,
    ...(rules === undefined ? {} : { 'x-kubernetes-validations': rules.map(validation) }),
    ...(items === undefined ? {} : { items: openApiSchema(items) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, child]) => [name, openApiSchema(child)]),
          ),
        }),
  };
}

function validation(rule: Rule): object {
  return {
    rule: rule.rule,
    message: `${rule.message}; ${rule.fix}`,
    ...(rule.fieldPath === undefined ? {} : { fieldPath: rule.fieldPath }),
  };
}
