import { type ArrowNode, bitmapBytes, valueBytes } from './arrow-batch.js';
import type { ArrowLayout } from './arrow-schema.js';

/** What replaces one column of a batch. */
export interface MaskedColumn {
  readonly nodes: readonly ArrowNode[];
  readonly buffers: readonly Uint8Array[];
  /** Values that were hidden: those that were not NULL. */
  readonly values: number;
}

const OFFSET_BYTES = 4;

/** A column of NULLs: nothing but zeros lies behind them. */
export function nullOut(layout: ArrowLayout, rows: number, values: number): MaskedColumn {
  const nodes: ArrowNode[] = [];
  const buffers: Uint8Array[] = [];
  emptyArray(layout, { length: rows, nullCount: rows }, { nodes, buffers });
  return { nodes, buffers, values };
}

function emptyArray(
  layout: ArrowLayout,
  node: ArrowNode,
  parts: { readonly nodes: ArrowNode[]; readonly buffers: Uint8Array[] },
): void {
  parts.nodes.push(node);
  parts.buffers.push(new Uint8Array(node.nullCount === 0 ? 0 : bitmapBytes(node.length)));
  const offsets = (): void => void parts.buffers.push(new Uint8Array((node.length + 1) * OFFSET_BYTES));
  switch (layout.kind) {
    case 'utf8':
    case 'binary':
      offsets();
      parts.buffers.push(new Uint8Array());
      return;
    case 'struct':
      // Some drivers ask the members, not the struct, whether a moment is NULL.
      for (const child of layout.children) emptyArray(child, node, parts);
      return;
    case 'list':
      offsets();
      emptyArray(layout.child, { length: 0, nullCount: 0 }, parts);
      return;
    case 'fixed-list':
      emptyArray(layout.child, { length: node.length * layout.size, nullCount: 0 }, parts);
      return;
    case 'int':
    case 'decimal128':
    case 'float':
    case 'bool':
    case 'date32':
      parts.buffers.push(new Uint8Array(valueBytes(layout, node.length)));
  }
}
