import { createRuleChecker, type RuleChecker } from './cel-rules.js';
import { type Complaint, excerpt } from './complaint.js';
import { approvalRuleSchema } from './generated/approval-rule-schema.js';
import { maskingPolicySchema } from './generated/masking-policy-schema.js';
import type { ApprovalRule, MaskingPolicy, SnowflakeConnection } from './generated/resources.js';
import { snowflakeConnectionSchema } from './generated/snowflake-connection-schema.js';
import { API_VERSION } from './kind-names.js';
import { IGNORED_METADATA, metadataSchema } from './metadata.js';
import { isRecord, type KindSchema } from './schema.js';
import { checkStructure, type Fault } from './structure.js';
import { parseYamlDocuments } from './yaml-documents.js';

/** A checked resource with every default filled in, frozen. */
export type Resource = SnowflakeConnection | MaskingPolicy | ApprovalRule;

/** What became of a text. A resource with any complaint is not among `resources`. */
export interface ParsedResources {
  readonly resources: readonly Resource[];
  readonly complaints: readonly Complaint[];
}

/** A text larger than this is not looked at. */
export const MAX_TEXT_BYTES = 1024 * 1024;

const MAX_DOCUMENTS = 1000;
const ROOT_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

const KINDS: readonly KindSchema[] = [snowflakeConnectionSchema, maskingPolicySchema, approvalRuleSchema];

/**
 * Reads a text of YAML documents (or JSON) into resources. The checks are those of the CustomResourceDefinitions, from the
 * same schema: unknown fields are refused, defaults filled in, every CEL rule evaluated except those about the former
 * state. All complaints come together; a rule that cannot be evaluated is one. `status` is not looked at. Never throws.
 *
 * @param source where the text comes from, for complaints
 */
export function parseResources(text: string, source: string): ParsedResources {
  const whole = (message: string, fix: string): ParsedResources => ({
    resources: [],
    complaints: [{ source, document: 0, field: '', message, fix }],
  });
  if (Buffer.byteLength(text) > MAX_TEXT_BYTES) {
    return whole(`the text is larger than ${MAX_TEXT_BYTES} bytes`, 'split it into several files');
  }
  try {
    return readDocuments(text, source);
  } catch {
    // The YAML library recurses: brackets nested by the thousand exhaust the stack before any check of ours.
    return whole('the text could not be read', 'nest fields and lists less deeply');
  }
}

/**
 * Checks one object, as the API server hands it out, by the same rules as `parseResources`. Never throws for plain data.
 */
export function checkResource(value: unknown, source: string): ParsedResources {
  const { resource, complaints } = createChecker(source).check(value, 0, [], () => undefined);
  return { resources: resource === undefined ? [] : [resource], complaints };
}

function readDocuments(text: string, source: string): ParsedResources {
  const documents = parseYamlDocuments(text);
  const checker = createChecker(source);
  const complaints: Complaint[] = [];
  const byIdentity = new Map<string, Resource | undefined>();
  if (documents.length > MAX_DOCUMENTS) {
    const message = `the text holds ${documents.length} documents`;
    return {
      resources: [],
      complaints: [{ source, document: 0, field: '', message, fix: `keep at most ${MAX_DOCUMENTS} in one text` }],
    };
  }
  for (const document of documents) {
    const checked = checker.check(document.value, document.index, document.faults, document.lineOf);
    complaints.push(...checked.complaints);
    const { resource } = checked;
    if (resource === undefined) continue;
    const identity = [resource.kind, resource.metadata.namespace ?? '', resource.metadata.name].join('/');
    if (byIdentity.has(identity)) {
      complaints.push(
        checker.complaint(resource, document.index, document.lineOf, {
          field: 'metadata.name',
          message: 'this resource stands in the text twice, so none of them is used',
          fix: 'keep one of them or rename one',
        }),
      );
    }
    byIdentity.set(identity, byIdentity.has(identity) ? undefined : resource);
  }
  return { resources: [...byIdentity.values()].filter((resource) => resource !== undefined), complaints };
}

type LineOf = (field: string) => number | undefined;

function createChecker(source: string) {
  const rules = createRuleChecker();

  function complaint(value: unknown, document: number, lineOf: LineOf, fault: Fault): Complaint {
    const line = fault.line ?? lineOf(fault.field);
    const kind = isRecord(value) && typeof value['kind'] === 'string' ? excerpt(value['kind']) : undefined;
    const metadata = isRecord(value) ? value['metadata'] : undefined;
    const name = isRecord(metadata) && typeof metadata['name'] === 'string' ? excerpt(metadata['name']) : undefined;
    return {
      source,
      document,
      ...(line === undefined ? {} : { line }),
      ...(kind === undefined ? {} : { kind }),
      ...(name === undefined ? {} : { name }),
      ...fault,
    };
  }

  function check(value: unknown, document: number, yamlFaults: readonly Fault[], lineOf: LineOf) {
    // After a YAML fault the data may not be what was meant; complaints about it would mislead.
    const { resource, faults } =
      yamlFaults.length > 0 ? { resource: undefined, faults: yamlFaults } : checkObject(value, rules);
    return { resource, complaints: faults.map((fault) => complaint(value, document, lineOf, fault)) };
  }

  return { check, complaint };
}

interface Checked {
  readonly resource: Resource | undefined;
  readonly faults: readonly Fault[];
}

function checkObject(value: unknown, rules: RuleChecker): Checked {
  if (!isRecord(value)) {
    return refused({ field: '', message: 'this is not a resource', fix: 'write apiVersion, kind, metadata and spec' });
  }
  const faults: Fault[] = [];
  if (value['apiVersion'] !== API_VERSION) {
    faults.push(unknownWord('apiVersion', value['apiVersion'], `write apiVersion: ${API_VERSION}`));
  }
  const schema = KINDS.find((known) => known.kind === value['kind']);
  if (schema === undefined) {
    const kinds = KINDS.map((known) => known.kind).join(', ');
    faults.push(unknownWord('kind', value['kind'], `use one of ${kinds}`));
  }
  if (faults.length > 0 || schema === undefined) return refused(...faults);

  for (const name of Object.keys(value)) {
    if (!ROOT_FIELDS.includes(name))
      faults.push({ field: excerpt(name), message: 'this field does not exist', fix: `use ${ROOT_FIELDS.join(', ')}` });
  }
  const metadata = checkStructure(withoutIgnored(value['metadata'] ?? {}), metadataSchema, 'metadata', faults);
  const spec = checkStructure(value['spec'] ?? {}, schema.spec, 'spec', faults);
  const structural = faults.map((fault) => fault.field);
  const isFaulty = (path: string) => structural.some((field) => isBelow(field, path));
  faults.push(...rules.check(spec, schema.spec, 'spec', isFaulty));
  if (!isFaulty('metadata') && isRecord(metadata)) {
    const name = String(metadata['name']);
    faults.push(...rules.checkRules(new Map([['metadata', new Map([['name', name]])]]), schema.rules, 'metadata.name'));
  }
  if (faults.length > 0) return refused(...faults);
  return { resource: asResource({ apiVersion: API_VERSION, kind: schema.kind, metadata, spec }), faults };
}

function unknownWord(field: string, value: unknown, fix: string): Fault {
  const message = value === undefined ? 'this field is missing' : `"${excerpt(value)}" is not known here`;
  return { field, message, fix };
}

function refused(...faults: readonly Fault[]): Checked {
  return { resource: undefined, faults };
}

function isBelow(field: string, path: string): boolean {
  return field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`);
}

/** What the API server or other tools wrote is dropped, and so is a null, which serializers write for "absent". */
function withoutIgnored(metadata: unknown): unknown {
  if (!isRecord(metadata)) return metadata;
  const entries = Object.entries(metadata);
  return Object.fromEntries(entries.filter(([name, value]) => value !== null && !IGNORED_METADATA.includes(name)));
}

function asResource(checked: Readonly<Record<string, unknown>>): Resource {
  deepFreeze(checked);
  // The generated types say in TypeScript what the schema, just checked, says in OpenAPI.
  return checked as unknown as Resource;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.values(value).forEach(deepFreeze);
  Object.freeze(value);
}
