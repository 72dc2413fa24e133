import type { LogRecord } from '../recording/index.js';
import type { Palette } from './colour.js';
import {
  describeDecision,
  describeExpiry,
  describeFound,
  describeOpening,
  describeOutcome,
  describeResponse,
  describeRows,
  describeSubmitted,
  describeText,
  describeVote,
  type Fields,
  indent,
  line,
} from './describe.js';
import { listIn, numberIn, objectIn, stringIn } from './fields.js';
import { clip, plural, toLine } from './plain-text.js';
import { unreadBodies } from './read-records.js';
import { columnsOf, quoteBody } from './result-view.js';
import { toElapsed } from './time.js';

const MAX_GENERIC = 400;
const MAX_INTERNAL_SQL = 160;
const STAMP_WIDTH = 11;
const NUMBER_WIDTH = 6;
const MARGIN = ' '.repeat(NUMBER_WIDTH + STAMP_WIDTH + 2);

function countRows(fields: Fields): string {
  const rows = numberIn(fields, 'rows');
  return rows === undefined ? 'an unknown number of rows' : plural(rows, 'row');
}

/** Bodies that the record has and that nobody can show here. */
function describeMissing(record: LogRecord, palette: Palette): readonly string[] {
  return unreadBodies(record).map(({ name, why }) => palette.wait(`(its body "${name}" cannot be read: ${why})`));
}

/** Turns the records of one session, in order, into lines for people. */
export interface Timeline {
  /** Lines are safe on a terminal. */
  render(record: LogRecord): readonly string[];
  /** What is still open after the last record. */
  ending(): readonly string[];
}

interface KnownStatement {
  readonly number: number;
  readonly askedMs: number;
  columns: readonly string[];
  isAnswered: boolean;
}

/** Creates the timeline of one session; it remembers when things began and how statements are numbered. */
export function createTimeline(palette: Palette): Timeline {
  const statements = new Map<string, KnownStatement>();
  let startMs: number | undefined;
  let records = 0;

  function statementOf(fields: Fields, timeMs: number): KnownStatement {
    const queryId = stringIn(fields, 'qid') ?? '?';
    const known = statements.get(queryId) ?? {
      number: statements.size + 1,
      askedMs: timeMs,
      columns: [],
      isAnswered: false,
    };
    statements.set(queryId, known);
    return known;
  }

  function describeRequest({ leaf: { fields, timeMs }, bodies }: LogRecord): readonly string[] {
    if (fields['internal'] === true) {
      const sql = bodies.get('sql');
      return [palette.dim(`the gateway itself asked: ${sql === undefined ? '?' : quoteBody(sql, MAX_INTERNAL_SQL)}`)];
    }
    const isKnown = statements.has(stringIn(fields, 'qid') ?? '?');
    const name = `statement ${statementOf(fields, timeMs).number}`;
    const approval = stringIn(objectIn(fields, 'dec'), 'apr');
    if (isKnown && approval !== undefined)
      return [palette.good(`${name} released by approval ${clip(toLine(approval), MAX_GENERIC)}`)];
    return [
      palette.bold(`${name} · query ${line(fields, 'qid')}`),
      ...describeText(bodies),
      ...describeDecision(fields, palette),
    ];
  }

  function describeAnswer({ leaf: { fields, timeMs }, bodies }: LogRecord): readonly string[] {
    if (fields['internal'] === true) return [palette.dim(`the gateway itself read ${countRows(fields)}`)];
    const statement = statementOf(fields, timeMs);
    statement.columns = columnsOf(bodies.get('head'));
    statement.isAnswered = true;
    const elapsed = ((timeMs - statement.askedMs) / 1000).toFixed(3);
    return describeResponse(`statement ${statement.number}`, `${elapsed} s after it was asked`, {
      fields,
      bodies,
      palette,
    });
  }

  function describe(record: LogRecord): readonly string[] {
    const { leaf, bodies } = record;
    const { fields, timeMs } = leaf;
    const name = (): string => `statement ${statementOf(fields, timeMs).number}`;
    switch (leaf.kind) {
      case 'session.open':
        return describeOpening(fields, timeMs, palette);
      case 'session.close':
        return [palette.bold(`session closed: ${line(fields, 'why')}`)];
      case 'session.refused':
        return [palette.bad(`session refused: ${line(fields, 'code')} ${line(fields, 'reason')}`)];
      case 'request':
        return describeRequest(record);
      case 'request.refused':
        return [
          palette.bad(`refused: ${line(fields, 'op')} with ${line(fields, 'code')}`),
          ...describeSubmitted(bodies),
        ];
      case 'approval.request': {
        const rules = listIn(fields, 'rules').map(toLine).join(', ');
        return [
          palette.wait(`${name()} waits for approval ${line(fields, 'apr')} (${rules})`),
          ...describeExpiry(fields),
        ];
      }
      case 'approval.vote':
        return [describeVote(fields, palette)];
      case 'decision':
        return [describeOutcome(`${name()} ${line(fields, 'v')}`, stringIn(fields, 'v') === 'approved', palette)];
      case 'response':
        return describeAnswer(record);
      case 'response.withheld': {
        const part = numberIn(fields, 'n');
        statementOf(fields, timeMs).isAnswered = true;
        const what = part === undefined ? 'result' : `result chunk ${part}`;
        return [palette.bad(`${name()} ${what} withheld: ${line(fields, 'code')} ${line(fields, 'why')}`)];
      }
      case 'chunk': {
        const { columns } = statementOf(fields, timeMs);
        const heading = `${name()} result chunk ${numberIn(fields, 'n') ?? '?'} · ${countRows(fields)}`;
        return [heading, ...describeFound(fields, columns), ...indent(describeRows(bodies.get('rows'), columns))];
      }
      case 'chunk.piece':
        return [palette.dim(`${name()} result chunk ${numberIn(fields, 'n') ?? '?'}, a piece of its rows`)];
      case 'control':
        return [palette.dim(`${line(fields, 'op')}: ${line(fields, 'outcome')}`)];
      case 'admin.access':
        return [
          palette.dim(
            `looked at by ${line(fields, 'subject')} of ${line(fields, 'issuer')}: ${line(fields, 'action')} via ${line(fields, 'channel')}`,
          ),
        ];
      case 'writer.open':
      case 'writer.sealed':
      case 'writer.close':
      case 'clock.jump':
      case 'policy.loaded':
      case 'policy.rejected':
      case 'mode.change':
      case 'gap':
      case 'key':
      case 'reconcile':
        return [palette.dim(`${leaf.kind} ${clip(toLine(JSON.stringify(fields)), MAX_GENERIC)}`)];
    }
  }

  return {
    ending: () =>
      [...statements.values()]
        .filter(({ isAnswered }) => !isAnswered)
        .map(({ number }) => palette.wait(`${MARGIN}statement ${number} has no recorded answer`)),
    render(record) {
      startMs ??= record.leaf.timeMs;
      records += 1;
      const [first = '', ...rest] = [...describe(record), ...describeMissing(record, palette)];
      const stamp = toElapsed(record.leaf.timeMs - startMs).padStart(STAMP_WIDTH);
      const number = `#${records}`.padEnd(NUMBER_WIDTH);
      return [`${palette.dim(`${number}${stamp}`)}  ${first}`, ...rest.map((text) => `${MARGIN}${text}`.trimEnd())];
    },
  };
}
