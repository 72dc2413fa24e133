import { malformedArrow } from './arrow-flatbuffer.js';
import type { ArrowField, ArrowLayout } from './arrow-schema.js';
import { malformedResult } from './masking-failed.js';
import { type MaskableColumn, scaleOf } from './value-type.js';

/** How the moments of one column lie in memory (protocol notes 5.4). */
export type MomentLayout =
  | { readonly kind: 'units' }
  /** Children `epoch`, then `fraction` and `timezone` where they are. */
  | { readonly kind: 'struct'; readonly fraction: number | undefined; readonly timezone: number | undefined };

/**
 * Checks that an Arrow stream has the columns that were announced: as many, of the same names, in layouts their types can
 * have. A repeated name may carry its column's number, as writers that cannot repeat a name do.
 */
export function checkFields(fields: readonly ArrowField[], columns: readonly MaskableColumn[]): void {
  if (fields.length !== columns.length) throw malformedResult('an Arrow result with other columns than its row type');
  fields.forEach((field, index) => {
    const column = columns[index];
    if (column === undefined || !isNameOf(field.name, columns, index)) {
      throw malformedResult('an Arrow result with other column names than its row type');
    }
    if (!fits(column, field.layout)) throw malformedArrow(`a column of type ${column.type} in another form`);
  });
}

function isNameOf(name: string, columns: readonly MaskableColumn[], index: number): boolean {
  const expected = columns[index]?.name;
  if (name === expected) return true;
  const isRepeated = columns.findIndex((column) => column.name === expected) < index;
  return isRepeated && name === `${expected} (${index + 1})`;
}

/** A scale that masks count on must be the announced one. */
export function checkScale(field: ArrowField, column: MaskableColumn): void {
  const announced = field.layout.kind === 'decimal128' ? field.layout.scale : field.metadata.get('scale');
  if (announced !== undefined && Number(announced) !== scaleOf(column)) {
    throw malformedArrow('another scale than its row type');
  }
}

function fits({ type }: MaskableColumn, layout: ArrowLayout): boolean {
  switch (type) {
    case 'text':
      return layout.kind === 'utf8';
    case 'variant':
    case 'object':
    case 'array':
    case 'map':
      return layout.kind === 'utf8' || layout.kind === 'struct' || layout.kind === 'list';
    case 'geography':
    case 'geometry':
      return layout.kind === 'utf8' || layout.kind === 'binary';
    case 'fixed':
      return layout.kind === 'int' || layout.kind === 'decimal128';
    case 'real':
      return layout.kind === 'float';
    case 'boolean':
      return layout.kind === 'bool';
    case 'date':
      return layout.kind === 'date32';
    case 'time':
      return layout.kind === 'int';
    case 'binary':
      return layout.kind === 'binary';
    case 'timestamp_ntz':
    case 'timestamp_ltz':
    case 'timestamp_tz':
      return momentLayout(type, layout) !== undefined;
    default:
      // A type no mask knows can only pass or become NULL, and both work in any layout.
      return true;
  }
}

/** Undefined for a layout that this type of moment never has. */
export function momentLayout(type: string, layout: ArrowLayout): MomentLayout | undefined {
  if (layout.kind === 'int') return type === 'timestamp_tz' || layout.bytes !== 8 ? undefined : { kind: 'units' };
  if (layout.kind !== 'struct') return undefined;
  const [epoch, ...others] = layout.children;
  const isInt = (child: ArrowLayout | undefined, bytes: number): boolean =>
    child?.kind === 'int' && child.bytes === bytes;
  if (!isInt(epoch, 8) || !others.every((child) => isInt(child, 4))) return undefined;
  switch (layout.names.join()) {
    case 'epoch,fraction':
      return type === 'timestamp_tz' ? undefined : { kind: 'struct', fraction: 1, timezone: undefined };
    case 'epoch,timezone':
      return type === 'timestamp_tz' ? { kind: 'struct', fraction: undefined, timezone: 1 } : undefined;
    case 'epoch,fraction,timezone':
      return type === 'timestamp_tz' ? { kind: 'struct', fraction: 1, timezone: 2 } : undefined;
    default:
      return undefined;
  }
}
