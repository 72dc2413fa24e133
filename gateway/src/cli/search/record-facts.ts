import { driverCode, type PisteCode } from '../../errors.js';
import type { EntryValue, LogRecord } from '../../recording/index.js';
import { listIn, listOf, objectIn, stringIn } from '../fields.js';
import { columnsOf } from '../result-view.js';
import { rowBytes } from '../session-digest.js';
import type { SearchField } from './query.js';

type Fields = Readonly<Record<string, EntryValue>>;

/** A value by which a record is found, folded to lower case. */
export interface Fact {
  readonly field: SearchField;
  readonly value: string;
}

/** What the index keeps of one record. */
export interface RecordFacts {
  /** What records of one statement share; undefined for a record that stands alone. */
  readonly unit: string | undefined;
  readonly facts: readonly Fact[];
  /** What is true for everything in its session. */
  readonly sessionFacts: readonly Fact[];
  /** SQL text, as submitted and as it ran. */
  readonly text: string;
  /** Bytes of rows delivered. */
  readonly bytes: number;
  /** Its SQL text is recorded and cannot be read here. */
  readonly isUnreadable: boolean;
}

/** Bodies from which facts are read. */
export const SEARCHED_BODIES: ReadonlySet<string> = new Set(['sql', 'submitted', 'head']);

const TEXT_BODIES = ['sql', 'submitted'] as const;

/** Reads what a record is found by from what is recorded: nothing is analysed again. */
export function factsOf(record: LogRecord): RecordFacts {
  const { leaf, bodies } = record;
  const { fields, kind, strand } = leaf;
  const queryId = stringIn(fields, 'qid') ?? stringIn(fields, 'queryId');
  const isInternal = fields['internal'] === true;
  const texts = new Set(TEXT_BODIES.flatMap((name) => bodies.get(name)?.toString('utf8') ?? []));
  return {
    unit: queryId === undefined || isInternal ? undefined : JSON.stringify([strand?.sessionId ?? null, queryId]),
    facts: unique([
      ...people(fields),
      ...named('qid', [queryId, stringIn(fields, 'upq'), stringIn(fields, 'rid')]),
      ...named('session', [strand?.sessionId]),
      ...named('class', [stringIn(fields, 'cls')]),
      ...decisions(kind, fields),
      ...rules(fields),
      ...errors(fields),
      ...objects(fields),
      ...columns(fields, bodies.get('head')),
    ]),
    sessionFacts: kind === 'session.open' ? unique(people(fields)) : [],
    text: [...texts].join('\n'),
    bytes: rowBytes(record),
    isUnreadable: TEXT_BODIES.some((name) => record.unread.has(name)),
  };
}

function named(field: SearchField, values: readonly (string | undefined)[]): readonly Fact[] {
  return values.flatMap((value) => (value === undefined ? [] : [{ field, value: value.toLowerCase() }]));
}

function unique(facts: readonly Fact[]): readonly Fact[] {
  return [...new Map(facts.map((fact) => [`${fact.field} ${fact.value}`, fact])).values()];
}

/** Who did it, voted, or looked; the agent where the token named one. */
function people(fields: Fields): readonly Fact[] {
  const who = objectIn(fields, 'who') ?? fields;
  return [
    ...named(
      'who',
      ['sub', 'name', 'del', 'subject'].map((name) => stringIn(who, name)),
    ),
    ...named(
      'agent',
      ['agent', 'inst'].map((name) => stringIn(who, name)),
    ),
  ];
}

function decisions(kind: LogRecord['leaf']['kind'], fields: Fields): readonly Fact[] {
  const isRefused = kind === 'request.refused' || kind === 'session.refused';
  return named('decision', [
    kind === 'request' ? stringIn(objectIn(fields, 'dec'), 'v') : undefined,
    kind === 'decision' ? stringIn(fields, 'v') : undefined,
    isRefused ? 'refused' : undefined,
  ]);
}

/** Rules that spoke: also those that masked. A masking rule is found with and without its policy. */
function rules(fields: Fields): readonly Fact[] {
  const decision = objectIn(fields, 'dec');
  const masks = [
    ...listOf(decision, 'src'),
    ...listOf(fields, 'masked'),
    ...listOf(objectIn(decision, 'dry'), 'masked'),
  ];
  const spoken = [...listIn(decision, 'rules'), ...listIn(fields, 'rules')].flatMap((rule) => [
    rule,
    rule.split('/').at(-1),
  ]);
  const masking = masks.flatMap((mask) => {
    const [policy, rule] = [stringIn(mask, 'p'), stringIn(mask, 'r')];
    return [policy, rule, policy !== undefined && rule !== undefined ? `${policy}/${rule}` : undefined];
  });
  return named('rule', [...spoken, ...masking]);
}

const PISTE_CODE = /^PISTE-\d{4}$/;
const DRIVER_CODE = /^86(\d{4})$/;

/** A refusal of the gateway is found by its own code and by the number the driver showed. */
function errors(fields: Fields): readonly Fact[] {
  const code = stringIn(fields, 'code');
  if (code === undefined) return [];
  const [, digits] = DRIVER_CODE.exec(code) ?? [];
  return named('error', [
    code,
    PISTE_CODE.test(code) ? driverCode(code as PisteCode) : undefined,
    digits === undefined ? undefined : `PISTE-${digits}`,
  ]);
}

/** `DB.SCHEMA.TABLE` is found by each of its ends. */
function objects(fields: Fields): readonly Fact[] {
  const decision = objectIn(fields, 'dec');
  const masks = [...listOf(decision, 'src'), ...listOf(objectIn(decision, 'dry'), 'masked')];
  const names = [...listIn(fields, 'objects'), ...masks.flatMap((mask) => stringIn(mask, 'o') ?? [])];
  return named('table', names.flatMap(endsOf));
}

/** Columns that were masked where they are read, or would have been, and the columns of results. */
function columns(fields: Fields, head: Buffer | undefined): readonly Fact[] {
  const decision = objectIn(fields, 'dec');
  const masks = [...listOf(decision, 'src'), ...listOf(objectIn(decision, 'dry'), 'masked')];
  const read = masks.flatMap((mask) => {
    const column = stringIn(mask, 'c');
    if (column === undefined) return [];
    return [column, ...endsOf(stringIn(mask, 'o') ?? '').map((object) => `${object}.${column}`)];
  });
  return named('column', [...read, ...columnsOf(head)]);
}

/** The ends of a dotted name, quoted parts whole; quotes of parts fall away. */
export function endsOf(name: string): readonly string[] {
  const parts = (name.match(/"(?:[^"]|"")*"|[^."]+/g) ?? []).map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part,
  );
  return parts.map((_, from) => parts.slice(from).join('.'));
}
