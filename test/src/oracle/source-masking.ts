import type { QueryFacts } from '@piste/gateway/dist/sql/index.js';
import { type MaskOf, maskSources } from '@piste/gateway/dist/sql/mask-sources.js';
import type { Outcome } from './execution.js';
import { rowsKey } from './interference.js';
import type { Random } from './random.js';
import { type BaseTable, TABLES, type ValueType } from './world.js';

/** What masking at the source came to, over a run. */
export interface MaskingCounts {
  /** Statements of which a protected column was to be masked. */
  texts: number;
  refused: number;
  /** Ran unmasked, and no longer, because a text is used as a number. */
  unconvertible: number;
  perturbations: number;
  /** Changes that showed without the masks. */
  stopped: number;
}

export const noMasking = (): MaskingCounts => ({
  texts: 0,
  refused: 0,
  unconvertible: 0,
  perturbations: 0,
  stopped: 0,
});

/**
 * Does a text that is used as a number no longer fit? The mask itself may be no number, or other rows come so far than
 * without the masks: a mask keeps a column's type, not what can be made of it.
 */
export function isUnconvertible(message: string): boolean {
  return message.startsWith('Conversion Error: Could not convert string') || message.includes(WINDOW_IN_WINDOW);
}

/** DuckDB's parser takes no query with a window inside another window: it sees into a view only when that is written out. */
const WINDOW_IN_WINDOW = 'window functions are not allowed in window definitions';

/** Which columns are masked, by what. */
export interface Masking {
  readonly maskOf: MaskOf;
  readonly hides: (table: BaseTable, column: number) => boolean;
  /** The masks leave nothing of a value: nothing it changes to may show. Tokens keep which values are equal. */
  readonly isBlind: boolean;
  readonly described: string;
}

type MaskText = (type: ValueType, name: string) => string;

/** Each leaves the column its type, as the gateway's own masks do. */
const MASKS: Readonly<Record<string, MaskText>> = {
  null: (type) => (type === 'number' ? 'NULL::BIGINT' : 'NULL::VARCHAR'),
  constant: (type) => (type === 'number' ? '0::BIGINT' : "'***'"),
  token: (type, name) => (type === 'number' ? `0 - ${name}` : `'pst_' || MD5(${name})`),
};

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Some columns of the base tables protected: few, half of them or all. */
export function randomMasking(random: Random): Masking {
  const kind = random.pick(['null', 'null', 'constant', 'constant', 'token']);
  const mask = MASKS[kind] ?? (() => 'NULL');
  const chance = random.pick([0.15, 0.5, 1]);
  const hidden = new Set(
    TABLES.flatMap((table) =>
      table.columns.filter(() => random.chance(chance)).map((column) => `${table.schema}.${table.name}.${column.name}`),
    ),
  );
  return {
    maskOf: (object, column) => {
      if (!hidden.has(`${object.schema}.${object.name}.${column.name}`)) return undefined;
      return mask(column.type === 'fixed' ? 'number' : 'text', quoted(column.name));
    },
    hides: (table, column) => hidden.has(`${table.schema}.${table.name}.${table.columns[column]?.name}`),
    isBlind: kind !== 'token',
    described: `${kind} for ${[...hidden].join(', ')}`,
  };
}

/** A statement that ran unmasked, and how to run texts in a database. */
export interface MaskingSubject {
  readonly query: QueryFacts;
  readonly names: readonly string[];
  readonly ordered: boolean;
  readonly random: Random;
  readonly counts: MaskingCounts;
  readonly base: string;
  /** The same rows stored in another order. */
  readonly shuffled: string;
  /** Where one column is changed: the databases, and whether the unmasked result changes in each. */
  readonly perturbed: readonly {
    readonly table: BaseTable;
    readonly column: number;
    readonly databases: readonly string[];
  }[];
  readonly run: (text: string, database: string) => Promise<Outcome>;
  readonly changesUnmasked: (database: string) => Promise<boolean>;
  readonly report: (kind: 'broken' | 'masked', why: string, column?: string, text?: string) => void;
}

/**
 * Masks the statement at its sources and runs it: it must run, with the same columns, and show nothing of how a protected
 * column changes, errors included.
 */
export async function checkSourceMasking(subject: MaskingSubject): Promise<void> {
  const { query, counts, random, base, report } = subject;
  const masking = randomMasking(random);
  const masked = maskSources(query, masking.maskOf);
  if (masked.ok && masked.text === query.text) return;
  counts.texts += 1;
  if (!masked.ok) {
    counts.refused += 1;
    return;
  }
  const before = await subject.run(masked.text, base);
  if (before.kind === 'slow') return;
  if (before.kind === 'error' && isUnconvertible(before.message)) {
    counts.unconvertible += 1;
    return;
  }
  if (before.kind === 'error') {
    report('broken', `${before.message} (${masking.described}): ${masked.text}`);
    return;
  }
  if (before.table.names.length !== subject.names.length) report('broken', `other columns: ${masked.text}`);
  if (!masking.isBlind) return;
  const known = rowsKey(before.table.rows, subject.ordered);
  // Where masks leave ties, the order of the stored rows may settle them: that tells nothing of a value.
  const elsewhere = await subject.run(masked.text, subject.shuffled);
  if (elsewhere.kind !== 'table' || rowsKey(elsewhere.table.rows, subject.ordered) !== known) return;
  for (const { table, column, databases } of subject.perturbed) {
    if (!masking.hides(table, column)) continue;
    const database = random.pick(databases);
    const after = await subject.run(masked.text, database);
    if (after.kind === 'slow') continue;
    counts.perturbations += 1;
    if (await subject.changesUnmasked(database)) counts.stopped += 1;
    const shows = after.kind === 'error' || rowsKey(after.table.rows, subject.ordered) !== known;
    if (!shows) continue;
    const what = after.kind === 'error' ? after.message : 'the result changes';
    report(
      'masked',
      `${what} (${masking.described}): ${masked.text}`,
      `${table.schema}.${table.name}.${table.columns[column]?.name}`,
      masked.text,
    );
  }
}
