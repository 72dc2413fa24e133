import { type ArrowBatch, readBatch } from './arrow-batch.js';
import { maskArrowColumn, readTexts } from './arrow-column.js';
import { FlatReader, type FlatTable, malformedArrow } from './arrow-flatbuffer.js';
import type { MaskedColumn } from './arrow-null-out.js';
import { type ArrowField, readSchema } from './arrow-schema.js';
import { checkFields } from './arrow-types.js';
import { countsOf, type MaskedCount, type MaskPlan } from './mask-plan.js';
import type { Texts } from './texts.js';

export interface MaskedArrow {
  /** The stream in pieces; unmasked columns are views of what was given. */
  readonly segments: readonly Uint8Array[];
  readonly rows: number;
  /** One entry per obligation, in their order; NULLs are not counted. */
  readonly counts: readonly MaskedCount[];
}

/** A message's prefix: 0xFFFFFFFF, then the length of its metadata. */
const PREFIX_BYTES = 8;
const CONTINUATION = 0xffffffff;
const ALIGNMENT = 8;
const MAX_METADATA_BYTES = 16 * 1024 * 1024;
const METADATA_V5 = 4;
const MESSAGE = { version: 0, kind: 1, header: 2, bodyLength: 3, metadata: 4 } as const;
const KIND = { schema: 1, recordBatch: 3 } as const;
const STRUCT_BYTES = 16;

/**
 * Masks an Arrow IPC stream (columnar format 1.5, "IPC streaming format") as Snowflake sends it: one schema, record batches,
 * the mark of the end. Masked columns get new buffers, everything else passes as views; metadata is copied and only lengths,
 * null counts and offsets in it change. Throws `MaskingFailed` for anything else: other messages, compression, dictionaries,
 * types Snowflake does not send, columns other than the plan's, lengths out of bounds, bytes behind the end.
 *
 * Where a bucket's lower bound does not fit the width of numbers of this very stream, the value becomes NULL.
 */
export function maskArrowStream(bytes: Uint8Array, plan: MaskPlan): MaskedArrow {
  const segments: Uint8Array[] = [];
  const hidden = plan.columns.map(() => 0);
  let rows = 0;
  const end = walkBatches(bytes, checkAgainst(plan), (message, fields) => {
    if (fields === undefined) segments.push(message.whole);
    else rows += maskBatch(message, fields, plan, { segments, hidden });
  });
  segments.push(end);
  return { segments, rows, counts: countsOf(plan, hidden) };
}

/** Shows the texts of columns of utf8 that no mask hides, batch by batch. Throws `MaskingFailed` like `maskArrowStream`. */
export function visitArrowTexts(
  bytes: Uint8Array,
  plan: MaskPlan,
  visit: (column: number, texts: Texts) => void,
): void {
  visitBatches(bytes, checkAgainst(plan), (batch, fields) => {
    fields.forEach(({ layout }, index) => {
      const array = batch.columns[index];
      if (layout.kind !== 'utf8' || array === undefined || plan.columns[index]?.mode !== undefined) return;
      visit(index, readTexts(array, batch.rows));
    });
  });
}

/** Shows every batch of a stream whose columns pass `check`. Throws `MaskingFailed` for what is no stream of Snowflake's. */
export function visitBatches(
  bytes: Uint8Array,
  check: FieldCheck,
  visit: (batch: ArrowBatch, fields: readonly ArrowField[]) => void,
): void {
  walkBatches(bytes, check, (message, fields) => {
    if (fields === undefined) return;
    visit(readBatch(message.reader, headerOf(message, KIND.recordBatch), message.body, fields), fields);
  });
}

/** Throws where a stream has other columns than it should. */
type FieldCheck = (fields: readonly ArrowField[]) => void;

const checkAgainst =
  (plan: MaskPlan): FieldCheck =>
  (fields) =>
    checkFields(
      fields,
      plan.columns.map(({ column }) => column),
    );

/** Calls `use` for the schema, without fields, and then for every batch. Gives the mark of the end. */
function walkBatches(
  bytes: Uint8Array,
  check: FieldCheck,
  use: (message: Message, fields: readonly ArrowField[] | undefined) => void,
): Uint8Array {
  let fields: readonly ArrowField[] | undefined;
  let at = 0;
  for (;;) {
    const message = readMessage(bytes, at);
    if (message === 'end') {
      if (fields === undefined) throw malformedArrow('no schema');
      if (at + PREFIX_BYTES !== bytes.length) throw malformedArrow('bytes behind its end');
      return bytes.subarray(at);
    }
    use(message, fields);
    fields ??= readFields(message, check);
    at += message.whole.length;
  }
}

interface Message {
  /** Prefix, metadata and body. */
  readonly whole: Uint8Array;
  readonly reader: FlatReader;
  readonly root: FlatTable;
  readonly metadataBytes: number;
  readonly body: Uint8Array;
}

/** Every length is checked against what is there before anything of that length is touched. */
function readMessage(bytes: Uint8Array, at: number): Message | 'end' {
  if (at + PREFIX_BYTES > bytes.length) throw malformedArrow('no end');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(at, true) !== CONTINUATION) throw malformedArrow('another framing');
  const metadataBytes = view.getUint32(at + 4, true);
  if (metadataBytes === 0) return 'end';
  const metadataAt = at + PREFIX_BYTES;
  if (metadataBytes > MAX_METADATA_BYTES || metadataBytes % ALIGNMENT !== 0)
    throw malformedArrow('metadata out of bounds');
  if (metadataAt + metadataBytes > bytes.length) throw malformedArrow('metadata out of bounds');
  const reader = new FlatReader(bytes.subarray(metadataAt, metadataAt + metadataBytes));
  const root = reader.root();
  if (reader.int16(root, MESSAGE.version, 0) !== METADATA_V5) throw malformedArrow('another version of metadata');
  const lengthAt = reader.field(root, MESSAGE.bodyLength);
  const bodyBytes = lengthAt === undefined ? 0 : reader.length64(lengthAt);
  const bodyAt = metadataAt + metadataBytes;
  if (bodyAt + bodyBytes > bytes.length || bodyBytes % ALIGNMENT !== 0) throw malformedArrow('a body out of bounds');
  return {
    whole: bytes.subarray(at, bodyAt + bodyBytes),
    reader,
    root,
    metadataBytes,
    body: bytes.subarray(bodyAt, bodyAt + bodyBytes),
  };
}

function headerOf({ reader, root }: Message, kind: number): FlatTable {
  const header = reader.table(root, MESSAGE.header);
  if (reader.uint8(root, MESSAGE.kind, 0) !== kind || header === undefined) {
    throw malformedArrow('a message that has no place there');
  }
  return header;
}

function readFields(message: Message, check: FieldCheck): readonly ArrowField[] {
  if (message.body.length > 0) throw malformedArrow('a schema with a body');
  const fields = readSchema(message.reader, headerOf(message, KIND.schema));
  check(fields);
  return fields;
}

function maskBatch(
  message: Message,
  fields: readonly ArrowField[],
  plan: MaskPlan,
  out: { readonly segments: Uint8Array[]; readonly hidden: number[] },
): number {
  const batch = readBatch(message.reader, headerOf(message, KIND.recordBatch), message.body, fields);
  if (plan.obligations.length === 0) {
    out.segments.push(message.whole);
    return batch.rows;
  }
  if (message.reader.field(message.root, MESSAGE.metadata) !== undefined) {
    // Nobody says what it holds, and it could be values.
    throw malformedArrow('metadata of its own in a batch');
  }
  const masked = fields.map((field, index) => {
    const planned = plan.columns[index];
    const array = batch.columns[index];
    if (planned?.mode === undefined || array === undefined) return undefined;
    const { column, mode } = planned;
    return maskArrowColumn({ field, column, mode, kernels: plan.kernels, array, rows: batch.rows });
  });
  masked.forEach((column, index) => {
    if (column !== undefined) out.hidden[index] = (out.hidden[index] ?? 0) + column.values;
  });
  writeBatch(message, batch, masked, out.segments);
  return batch.rows;
}

/** Lays all buffers out anew and corrects a copy of the metadata. */
function writeBatch(
  message: Message,
  batch: ArrowBatch,
  masked: readonly (MaskedColumn | undefined)[],
  segments: Uint8Array[],
): void {
  const head = Uint8Array.from(message.whole.subarray(0, PREFIX_BYTES + message.metadataBytes));
  const view = new DataView(head.buffer, PREFIX_BYTES);
  const body = new BodyLayout();
  batch.columns.forEach((array, index) => {
    const column = masked[index];
    column?.nodes.forEach((node, place) => {
      const at = batch.nodesAt + (array.firstNode + place) * STRUCT_BYTES;
      view.setBigInt64(at, BigInt(node.length), true);
      view.setBigInt64(at + 8, BigInt(node.nullCount), true);
    });
    array.buffers.forEach((buffer, place) => {
      const bytes = column?.buffers[place];
      const offset = bytes === undefined ? body.keep(buffer.bytes, message.body) : body.add(bytes);
      const at = batch.buffersAt + (array.firstBuffer + place) * STRUCT_BYTES;
      view.setBigInt64(at, BigInt(offset), true);
      view.setBigInt64(at + 8, BigInt((bytes ?? buffer.bytes).length), true);
    });
  });
  body.pad();
  const lengthAt = message.reader.field(message.root, MESSAGE.bodyLength);
  if (lengthAt !== undefined) view.setBigInt64(lengthAt, BigInt(body.length), true);
  else if (body.length > 0) throw malformedArrow('a batch without the length of its body');
  segments.push(head, ...body.segments);
}

/** A wider gap between buffers is not copied along. */
const WIDEST_GAP_BYTES = 64;

/** Buffers one behind the other, each at a multiple of 8, with zeros between them. */
class BodyLayout {
  readonly segments: Uint8Array[] = [];
  length = 0;
  /** Source range of the last segment, while it is kept bytes. */
  private kept: { start: number; end: number } | undefined;

  add(bytes: Uint8Array): number {
    if (bytes.length === 0) return this.aligned();
    this.pad();
    this.kept = undefined;
    return this.push(bytes);
  }

  /** Keeps bytes of the source; neighbours become one segment when nothing but zeros lies between them. */
  keep(bytes: Uint8Array, source: Uint8Array): number {
    if (bytes.length === 0) return this.aligned();
    const start = bytes.byteOffset - source.byteOffset;
    const { kept } = this;
    if (kept !== undefined && canJoin(source, kept, start)) {
      const offset = this.length + start - kept.end;
      this.length = offset + bytes.length;
      this.kept = { start: kept.start, end: start + bytes.length };
      this.segments[this.segments.length - 1] = source.subarray(kept.start, this.kept.end);
      return offset;
    }
    this.pad();
    this.kept = { start, end: start + bytes.length };
    return this.push(bytes);
  }

  pad(): void {
    const missing = this.aligned() - this.length;
    if (missing === 0) return;
    this.kept = undefined;
    this.push(new Uint8Array(missing));
  }

  private aligned(): number {
    return Math.ceil(this.length / ALIGNMENT) * ALIGNMENT;
  }

  private push(bytes: Uint8Array): number {
    const offset = this.length;
    this.segments.push(bytes);
    this.length += bytes.length;
    return offset;
  }
}

/** The next buffer must come to stand at a multiple of 8 again. */
function canJoin(source: Uint8Array, kept: { readonly start: number; readonly end: number }, start: number): boolean {
  if (start < kept.end || start - kept.end >= WIDEST_GAP_BYTES || (start - kept.start) % ALIGNMENT !== 0) return false;
  for (let at = kept.end; at < start; at += 1) if (source[at] !== 0) return false;
  return true;
}
