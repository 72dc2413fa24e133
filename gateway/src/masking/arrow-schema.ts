import { type FlatReader, type FlatTable, malformedArrow } from './arrow-flatbuffer.js';

/** How a column's values lie in memory (Arrow columnar format 1.5); only what Snowflake sends. */
export type ArrowLayout =
  | { readonly kind: 'int'; readonly bytes: 1 | 2 | 4 | 8 }
  | { readonly kind: 'decimal128'; readonly scale: number }
  | { readonly kind: 'float'; readonly bytes: 4 | 8 }
  | { readonly kind: 'bool' }
  | { readonly kind: 'date32' }
  | { readonly kind: 'utf8' }
  | { readonly kind: 'binary' }
  | { readonly kind: 'struct'; readonly names: readonly string[]; readonly children: readonly ArrowLayout[] }
  /** Also maps: a list of structs. */
  | { readonly kind: 'list'; readonly child: ArrowLayout }
  | { readonly kind: 'fixed-list'; readonly size: number; readonly child: ArrowLayout };

export interface ArrowField {
  readonly name: string;
  readonly layout: ArrowLayout;
  /** Snowflake's metadata. */
  readonly metadata: ReadonlyMap<string, string>;
}

const MAX_FIELDS = 20_000;
const MAX_DEPTH = 16;

const TYPE = {
  int: 2,
  floatingPoint: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  list: 12,
  struct: 13,
  fixedSizeList: 16,
  map: 17,
} as const;

const FIELD = { name: 0, typeKind: 2, type: 3, dictionary: 4, children: 5, metadata: 6 } as const;

/** The columns of a Schema message. Throws `MaskingFailed` for any type outside `ArrowLayout`. */
export function readSchema(reader: FlatReader, schema: FlatTable): readonly ArrowField[] {
  const LITTLE_ENDIAN = 0;
  if (reader.int16(schema, 0, LITTLE_ENDIAN) !== LITTLE_ENDIAN) throw malformedArrow('big-endian numbers');
  return reader.tables(schema, 1, MAX_FIELDS).map((field) => readField(reader, field, 0));
}

function readField(reader: FlatReader, field: FlatTable, depth: number): ArrowField {
  if (depth > MAX_DEPTH) throw malformedArrow('types too deep');
  if (reader.field(field, FIELD.dictionary) !== undefined) throw malformedArrow('a dictionary');
  const children = reader.tables(field, FIELD.children, MAX_FIELDS).map((child) => readField(reader, child, depth + 1));
  const layout = layoutOf(reader, field, children);
  const metadata = reader
    .tables(field, FIELD.metadata, MAX_FIELDS)
    .map((pair): [string, string] => [reader.text(pair, 0) ?? '', reader.text(pair, 1) ?? '']);
  return { name: reader.text(field, FIELD.name) ?? '', layout, metadata: new Map(metadata) };
}

function layoutOf(reader: FlatReader, field: FlatTable, children: readonly ArrowField[]): ArrowLayout {
  const kind = reader.uint8(field, FIELD.typeKind, 0);
  const type = reader.table(field, FIELD.type);
  if (type === undefined) throw malformedArrow('a column without a type');
  const isNested = kind === TYPE.struct || kind === TYPE.list || kind === TYPE.map || kind === TYPE.fixedSizeList;
  if (!isNested && children.length > 0) throw malformedArrow('children where none belong');
  switch (kind) {
    case TYPE.int:
      return intLayout(reader.int32(type, 0, 0), reader.uint8(type, 1, 0));
    case TYPE.floatingPoint: {
      const precision = reader.int16(type, 0, 0);
      if (precision === 1) return { kind: 'float', bytes: 4 };
      if (precision === 2) return { kind: 'float', bytes: 8 };
      throw malformedArrow('half floats');
    }
    case TYPE.decimal:
      if (reader.int32(type, 2, 128) !== 128) throw malformedArrow('decimals of another width');
      return { kind: 'decimal128', scale: reader.int32(type, 1, 0) };
    case TYPE.date:
      if (reader.int16(type, 0, 1) !== 0) throw malformedArrow('dates in milliseconds');
      return { kind: 'date32' };
    case TYPE.bool:
      return { kind: 'bool' };
    case TYPE.utf8:
      return { kind: 'utf8' };
    case TYPE.binary:
      return { kind: 'binary' };
    case TYPE.struct:
      return {
        kind: 'struct',
        names: children.map(({ name }) => name),
        children: children.map(({ layout }) => layout),
      };
    case TYPE.list:
    case TYPE.map:
      return { kind: 'list', child: onlyChild(children) };
    case TYPE.fixedSizeList: {
      const size = reader.int32(type, 0, 0);
      if (size < 0) throw malformedArrow('a list of negative size');
      return { kind: 'fixed-list', size, child: onlyChild(children) };
    }
    default:
      throw malformedArrow('a type that Snowflake does not send');
  }
}

function intLayout(bits: number, isSigned: number): ArrowLayout {
  if (isSigned === 0) throw malformedArrow('unsigned numbers');
  if (bits === 8 || bits === 16 || bits === 32 || bits === 64) {
    return { kind: 'int', bytes: (bits / 8) as 1 | 2 | 4 | 8 };
  }
  throw malformedArrow('numbers of another width');
}

function onlyChild(children: readonly ArrowField[]): ArrowLayout {
  const [child] = children;
  if (child === undefined || children.length !== 1) throw malformedArrow('a list without one kind of element');
  return child.layout;
}

/** Field nodes and buffers a column of this layout has in every batch, itself and everything below it. */
export function partsOf(layout: ArrowLayout): { readonly nodes: number; readonly buffers: number } {
  switch (layout.kind) {
    case 'int':
    case 'decimal128':
    case 'float':
    case 'bool':
    case 'date32':
      return { nodes: 1, buffers: 2 };
    case 'utf8':
    case 'binary':
      return { nodes: 1, buffers: 3 };
    case 'struct':
      return below(1, layout.children);
    case 'list':
      return below(2, [layout.child]);
    case 'fixed-list':
      return below(1, [layout.child]);
  }
}

function below(ownBuffers: number, children: readonly ArrowLayout[]): { nodes: number; buffers: number } {
  return children
    .map(partsOf)
    .reduce((sum, parts) => ({ nodes: sum.nodes + parts.nodes, buffers: sum.buffers + parts.buffers }), {
      nodes: 1,
      buffers: ownBuffers,
    });
}
