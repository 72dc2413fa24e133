import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseAllDocuments,
  type YAMLMap,
} from 'yaml';
import { childPath, type Fault } from './structure.js';

/** From 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One YAML document as plain data. `faults` non-empty means `value` must not be used for anything but naming it. */
export interface YamlDocument {
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /** Line, from 1, of the field at a path, or of the nearest field around it. */
  readonly lineOf: (field: string) => number | undefined;
  /** The same with the column, from 1. */
  readonly placeOf: (field: string) => Place | undefined;
}

const MAX_DEPTH = 32;
const MAX_FAULTS = 20;

/**
 * Splits a text into YAML 1.2 documents of plain data. Refused, each with a fault: syntax errors, duplicate keys, keys that
 * are no texts, aliases, tags, directives, nesting beyond 32, and plain scalars that YAML 1.1 readers (kubectl among them)
 * read otherwise. Documents without content are left out. Throws only what the YAML library throws on exhaustion.
 */
export function parseYamlDocuments(text: string): (YamlDocument & { readonly index: number })[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    // The library's own check compares every pair of keys; ours is linear.
    uniqueKeys: false,
    stringKeys: true,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter,
  });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document, index) => {
    if (isEmpty(document)) return [];
    return [{ index, ...readDocument(document, (offset) => placeIn(lineCounter, offset)) }];
  });
}

function placeIn(lineCounter: LineCounter, offset: number): Place {
  const { line, col } = lineCounter.linePos(offset);
  return { line, column: col };
}

function isEmpty(document: Document.Parsed): boolean {
  if (document.errors.length > 0 || document.warnings.length > 0) return false;
  const contents = document.contents;
  return contents === null || (isScalar(contents) && contents.value === null && contents.source === '');
}

function readDocument(document: Document.Parsed, placeAt: (offset: number) => Place): YamlDocument {
  const reader = createReader(placeAt);
  for (const error of [...document.errors, ...document.warnings].slice(0, MAX_FAULTS)) {
    reader.complain(
      '',
      error.pos[0],
      SYNTAX_FAULTS[error.code] ?? `this is not YAML (${error.code})`,
      'correct the text here',
    );
  }
  if (document.directives.yaml.explicit === true) {
    reader.complain('', 0, 'YAML directives are not accepted', 'remove the line that begins with %');
  }
  const value = document.contents === null ? null : reader.read(document.contents, '', 0);
  const placeOf = (field: string): Place | undefined => nearest(reader.places, field);
  return { value, faults: reader.faults, lineOf: (field) => placeOf(field)?.line, placeOf };
}

/** Plain words for the faults people make most. */
const SYNTAX_FAULTS: Readonly<Record<string, string>> = {
  NON_STRING_KEY: 'the name of a field must be a text',
  TAG_RESOLVE_FAILED: 'YAML tags are not accepted',
  TAB_AS_INDENT: 'a tab is used for indentation',
  BAD_INDENT: 'the indentation is wrong',
  MISSING_CHAR: 'a character is missing',
};

function createReader(placeAt: (offset: number) => Place) {
  const faults: Fault[] = [];
  const places = new Map<string, Place>();

  function complain(field: string, offset: number, message: string, fix: string): undefined {
    if (faults.length >= MAX_FAULTS) return;
    faults.push({ field, ...placeAt(offset), message, fix });
  }

  function read(node: ParsedNode, path: string, depth: number): unknown {
    const offset = node.range[0];
    if (!places.has(path)) places.set(path, placeAt(offset));
    if (depth > MAX_DEPTH) return complain(path, offset, 'the nesting is too deep', `nest at most ${MAX_DEPTH} levels`);
    if (isAlias(node)) return complain(path, offset, 'YAML aliases are not accepted', 'write the value out');
    if (node.tag !== undefined) return complain(path, offset, 'YAML tags are not accepted', 'remove the tag');
    if (isSeq(node)) return node.items.map((item, index) => read(item, `${path}[${index}]`, depth + 1));
    if (isMap(node)) return readMap(node, path, depth);
    if (node.type === 'PLAIN' && YAML_1_1_OTHERWISE.test(node.source)) {
      complain(
        path,
        offset,
        `${node.source} without quotes is read differently by different tools`,
        /[0-9]/.test(node.source)
          ? 'write a plain decimal number, or quotes around it'
          : `write "${node.source}" in quotes`,
      );
    }
    return node.value;
  }

  function readMap(node: YAMLMap<ParsedNode, ParsedNode | null>, path: string, depth: number): unknown {
    const names = new Set<string>();
    const entries = node.items.map(({ key, value }): [string, unknown] => {
      const name = isScalar(key) ? String(key.value) : '';
      const at = childPath(path, name);
      if (names.has(name)) complain(at, key.range[0], 'the same field stands here twice', 'keep one of them');
      names.add(name);
      places.set(at, placeAt(key.range[0]));
      return [name, value === null ? null : read(value, at, depth + 1)];
    });
    return Object.fromEntries(entries);
  }

  return { faults, places, complain, read };
}

/** Booleans, octal, binary, sexagesimal and grouped numbers of YAML 1.1, which is what the API server's tools read. */
const YAML_1_1_OTHERWISE =
  /^(?:[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|[-+]?0[0-9_]+|[-+]?0[box][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*_[0-9_]*|[-+]?[0-9]+(?::[0-5]?[0-9])+)$/;

function nearest(places: ReadonlyMap<string, Place>, field: string): Place | undefined {
  let path = field;
  for (;;) {
    const place = places.get(path);
    if (place !== undefined || path === '') return place;
    path = path.slice(0, Math.max(path.lastIndexOf('.'), path.lastIndexOf('['), 0));
  }
}
