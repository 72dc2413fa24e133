import type { EntryValue, LogRecord } from '../recording/index.js';
import type { Fields } from './describe.js';
import { listIn, listOf, numberIn, objectIn, stringIn } from './fields.js';
import { columnsOf } from './result-view.js';

/** What happened in one session, counted. Keys of the maps are as recorded: not yet safe on a terminal. */
export interface SessionDigest {
  readonly opening: Fields | undefined;
  readonly openedMs: number | undefined;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  readonly closed: string | undefined;
  readonly statements: number;
  readonly classes: ReadonlyMap<string, number>;
  readonly decisions: ReadonlyMap<string, number>;
  readonly rules: ReadonlyMap<string, number>;
  readonly objects: ReadonlyMap<string, number>;
  /** `column (method by policy/rule)`. */
  readonly masked: ReadonlyMap<string, number>;
  /** Codes that drivers were answered with. */
  readonly errors: ReadonlyMap<string, number>;
  readonly votes: readonly Fields[];
  readonly rows: number;
  readonly bytes: number;
  readonly chunks: number;
  readonly internal: number;
}

export interface DigestBuilder {
  add(record: LogRecord): void;
  digest(): SessionDigest;
}

type Counts = Map<string, number>;

function count(counts: Counts, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Bytes of rows that a record says were delivered. */
export function rowBytes({ leaf }: LogRecord): number {
  // Of a part whose rows stand in several records its own count them all.
  if (leaf.kind === 'chunk.piece') return 0;
  const whole = leaf.fields['pieces'] === undefined ? undefined : numberIn(objectIn(leaf.fields, 'out'), 'len');
  if (whole !== undefined) return whole;
  return leaf.parts
    .filter(({ name }) => name === 'rows')
    .reduce((sum, { length, seal }) => sum + (seal?.plainLength ?? length), 0);
}

/** Adds up the records of one session, in order. Needs the bodies `head`. */
export function createSessionDigest(): DigestBuilder {
  const seen = new Set<string>();
  const counts = {
    classes: new Map<string, number>(),
    decisions: new Map<string, number>(),
    rules: new Map<string, number>(),
    objects: new Map<string, number>(),
    masked: new Map<string, number>(),
    errors: new Map<string, number>(),
  };
  const votes: Fields[] = [];
  const sums = { statements: 0, rows: 0, bytes: 0, chunks: 0, internal: 0 };
  const times: { openedMs?: number; firstMs?: number; lastMs?: number } = {};
  let opening: Fields | undefined;
  let closed: string | undefined;

  function addRequest(fields: Fields): void {
    if (fields['internal'] === true) {
      sums.internal += 1;
      return;
    }
    const decision = objectIn(fields, 'dec');
    const queryId = stringIn(fields, 'qid') ?? '?';
    // A held statement comes twice, the second time with what its approval released.
    if (seen.has(queryId) && stringIn(decision, 'apr') !== undefined) return;
    seen.add(queryId);
    sums.statements += 1;
    count(counts.classes, stringIn(fields, 'cls') ?? '?');
    count(counts.decisions, stringIn(decision, 'v') ?? 'none');
    for (const rule of new Set(listIn(decision, 'rules'))) count(counts.rules, rule);
    for (const object of new Set(listIn(fields, 'objects'))) count(counts.objects, object);
    for (const mask of listOf(decision, 'src'))
      count(counts.masked, `${stringIn(mask, 'o') ?? '?'}.${stringIn(mask, 'c') ?? '?'} ${maskedBy(mask)}`);
  }

  function addAnswer(record: LogRecord): void {
    const { fields } = record.leaf;
    if (fields['internal'] === true) return;
    const code = stringIn(fields, 'code');
    if (code !== undefined) count(counts.errors, code);
    addRows(record);
    const names = columnsOf(record.bodies.get('head'));
    for (const mask of listOf(fields, 'masked')) {
      const index = numberIn(mask, 'i');
      const column = index === undefined ? '?' : (names[index] ?? `#${index + 1}`);
      count(counts.masked, `result column ${column} ${maskedBy(mask)}`);
    }
  }

  function addRows(record: LogRecord): void {
    sums.rows += numberIn(record.leaf.fields, 'rows') ?? 0;
    sums.bytes += rowBytes(record);
  }

  return {
    add(record) {
      const { kind, fields, timeMs } = record.leaf;
      times.firstMs ??= timeMs;
      times.lastMs = Math.max(times.lastMs ?? timeMs, timeMs);
      if (kind === 'session.open') {
        opening = fields;
        times.openedMs = timeMs;
      } else if (kind === 'session.close') closed = stringIn(fields, 'why') ?? '?';
      else if (kind === 'request') addRequest(fields);
      else if (kind === 'request.refused') count(counts.errors, stringIn(fields, 'code') ?? '?');
      else if (kind === 'approval.vote') votes.push(fields);
      else if (kind === 'decision') count(counts.decisions, stringIn(fields, 'v') ?? '?');
      else if (kind === 'response' || kind === 'response.withheld') addAnswer(record);
      else if (kind === 'chunk') {
        sums.chunks += 1;
        addRows(record);
      }
    },
    digest: () => ({
      opening,
      openedMs: times.openedMs,
      firstMs: times.firstMs,
      lastMs: times.lastMs,
      closed,
      ...counts,
      votes,
      ...sums,
    }),
  };
}

function maskedBy(mask: Readonly<Record<string, EntryValue>>): string {
  const text = (name: string): string => stringIn(mask, name) ?? '?';
  return `(${text('m')} by ${text('p')}/${text('r')})`;
}
