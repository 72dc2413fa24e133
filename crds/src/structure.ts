import { excerpt } from './complaint.js';
import { isRecord, type JsonValue, type Schema } from './schema.js';

/** A fault of one field, before it is known which document it stands in. */
export interface Fault {
  readonly field: string;
  /** Line of the text, where the fault knows it better than its field does. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  readonly fix: string;
}

/** Path of a property below `path`. */
export function childPath(path: string, name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name)) return `${path}[${JSON.stringify(excerpt(name))}]`;
  return path === '' ? name : `${path}.${name}`;
}

const MAX_FAULTS = 100;

/**
 * Checks a value against a structural schema as the API server does (OpenAPI v3, field validation Strict) and returns it
 * with defaults filled in. Faults are added to `faults`; with any fault below a path the value there means nothing.
 * Stops adding after 100 faults.
 */
export function checkStructure(value: unknown, schema: Schema, path: string, faults: Fault[]): unknown {
  if (faults.length >= MAX_FAULTS) return value;
  const complain = (message: string, fix: string): undefined => {
    if (faults.length < MAX_FAULTS) faults.push({ field: path, message, fix });
  };
  if (value === null) {
    return complain(
      'no value is given',
      schema.enum?.includes('Null') ? 'write "Null" in quotes' : 'give a value or remove the field',
    );
  }
  switch (schema.type) {
    case 'object':
      return isRecord(value)
        ? checkObject(value, schema, path, faults)
        : complain(`expected a mapping, found ${nameOfType(value)}`, 'write fields, each with a name');
    case 'array':
      return Array.isArray(value)
        ? checkArray(value, schema, path, faults)
        : complain(`expected a list, found ${nameOfType(value)}`, 'write a list, even of one entry');
    case 'string':
      if (typeof value !== 'string')
        return complain(
          `expected a text, found ${nameOfType(value)}`,
          'write a text; numbers, true and false need quotes',
        );
      checkText(value, schema, complain);
      return value;
    case 'integer':
      if (typeof value !== 'number')
        return complain(`expected a whole number, found ${nameOfType(value)}`, 'write a whole number without quotes');
      checkInteger(value, schema, complain);
      return value;
    case 'boolean':
      return typeof value === 'boolean'
        ? value
        : complain(`expected true or false, found ${nameOfType(value)}`, 'write true or false without quotes');
  }
}

function checkObject(value: Readonly<Record<string, unknown>>, schema: Schema, path: string, faults: Fault[]) {
  const properties = schema.properties ?? {};
  const names = Object.keys(value);
  const result: [string, unknown][] = [];
  if (schema.maxProperties !== undefined && names.length > schema.maxProperties) {
    faults.push({ field: path, message: `has ${names.length} entries`, fix: `keep at most ${schema.maxProperties}` });
    return undefined;
  }
  for (const name of names) {
    const known = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties;
    const at = childPath(path, name);
    if (known !== undefined) result.push([name, checkStructure(value[name], known, at, faults)]);
    else if (faults.length < MAX_FAULTS)
      faults.push({ field: at, message: 'this field does not exist', fix: suggestion(name, Object.keys(properties)) });
  }
  for (const [name, child] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) continue;
    const at = childPath(path, name);
    if (child.default !== undefined) result.push([name, checkStructure(copyOf(child.default), child, at, faults)]);
    else if (schema.required?.includes(name) && faults.length < MAX_FAULTS)
      faults.push({ field: at, message: 'this field is missing', fix: `add ${name}` });
  }
  return Object.fromEntries(result);
}

function checkArray(value: readonly unknown[], schema: Schema, path: string, faults: Fault[]) {
  const { items, minItems = 0, maxItems = 0 } = schema;
  if (items === undefined) throw new Error(`${path}: the schema of a list has no items`);
  if (value.length < minItems)
    faults.push({ field: path, message: `has ${value.length} entries`, fix: `give at least ${minItems}` });
  if (value.length > maxItems) {
    faults.push({ field: path, message: `has ${value.length} entries`, fix: `keep at most ${maxItems}` });
    return undefined;
  }
  const result = value.map((item, index) => checkStructure(item, items, `${path}[${index}]`, faults));
  checkUnique(result, schema, path, faults);
  return result;
}

function checkUnique(items: readonly unknown[], schema: Schema, path: string, faults: Fault[]): void {
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map') return;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const identity =
      listType === 'set'
        ? JSON.stringify(item)
        : JSON.stringify(keys.map((key) => (isRecord(item) ? item[key] : undefined)));
    if (seen.has(identity)) {
      const what =
        listType === 'set' ? 'this entry stands in the list twice' : `another entry has the same ${keys.join(' and ')}`;
      faults.push({
        field: `${path}[${index}]`,
        message: what,
        fix: listType === 'set' ? 'remove one' : `give every entry its own ${keys.join(' and ')}`,
      });
    }
    seen.add(identity);
  }
}

type Complain = (message: string, fix: string) => undefined;

function checkText(value: string, schema: Schema, complain: Complain): undefined {
  if (schema.enum !== undefined) {
    if (!schema.enum.includes(value)) complain(`"${excerpt(value)}" is not known here`, suggestion(value, schema.enum));
    return undefined;
  }
  // Characters, as the API server counts them, not UTF-16 units.
  const length = Array.from(value).length;
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  if (length < minLength)
    return complain(
      minLength === 1 ? 'the text is empty' : `the text has ${length} characters`,
      `write at least ${minLength} character${minLength === 1 ? '' : 's'}`,
    );
  // Patterns run on texts of bounded length only.
  if (length > maxLength) return complain(`the text has ${length} characters`, `write at most ${maxLength}`);
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    // Not quoted: what stands where a Secret's name belongs may be the secret itself.
    complain('the text does not have the right form', `write ${schema.form ?? `a text of the form ${schema.pattern}`}`);
  }
  return undefined;
}

function checkInteger(value: number, schema: Schema, complain: Complain): void {
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema;
  if (!Number.isSafeInteger(value))
    complain(
      `${value} is not a whole number that can be kept exactly`,
      `write a whole number from ${minimum} to ${maximum}`,
    );
  else if (value < minimum) complain(`${value} is too small`, `write at least ${minimum}`);
  else if (value > maximum) complain(`${value} is too large`, `write at most ${maximum}`);
}

function nameOfType(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'a mapping';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'number') return 'a number';
  return typeof value === 'boolean' ? String(value) : typeof value;
}

/** Names the word that differs in case or by a typing slip only, and otherwise all of them. */
function suggestion(word: string, known: readonly string[]): string {
  const plain = word.slice(0, 64).toLowerCase();
  const near =
    known.find((candidate) => candidate.toLowerCase() === plain) ??
    known.find((candidate) => isNear(candidate.toLowerCase(), plain));
  return near === undefined ? `use ${known.length > 1 ? 'one of ' : ''}${known.join(', ')}` : `did you mean ${near}?`;
}

/** True when one insertion, deletion or replacement turns one word into the other. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || Math.min(a.length, b.length) < 4) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  if (start === 0) return false;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return Math.max(a.length, b.length) - start - end <= 1;
}

function copyOf(value: JsonValue): unknown {
  return structuredClone(value);
}
