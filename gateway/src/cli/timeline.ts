import type { EntryValue, LogRecord } from '../recording/index.js';
import type { Palette } from './colour.js';
import { listIn, numberIn, objectIn, stringIn } from './fields.js';
import { clip, toLine, toLines } from './plain-text.js';
import { columnsOf, messageOf, quoteBody, viewRows } from './result-view.js';
import { toElapsed, toUtc } from './time.js';

type Fields = Readonly<Record<string, EntryValue>>;

const MAX_SQL_LINES = 60;
const MAX_QUOTE = 400;

/** Turns the records of one session, in order, into lines for people. */
export interface Timeline {
  /** Lines are safe on a terminal. */
  render(record: LogRecord): readonly string[];
}

/** Creates the timeline of one session; it remembers when things began and how statements are numbered. */
export function createTimeline(palette: Palette): Timeline {
  let startMs: number | undefined;
  const statements = new Map<string, { readonly number: number; readonly atMs: number }>();
  const columns = new Map<string, readonly string[]>();

  function nameStatement(fields: Fields, timeMs: number): string {
    const queryId = stringIn(fields, 'qid') ?? '?';
    const known = statements.get(queryId) ?? { number: statements.size + 1, atMs: timeMs };
    statements.set(queryId, known);
    return `statement ${known.number}`;
  }

  function took(fields: Fields, timeMs: number): string {
    const known = statements.get(stringIn(fields, 'qid') ?? '?');
    return known === undefined ? '' : `, ${((timeMs - known.atMs) / 1000).toFixed(3)} s after it was asked`;
  }

  function describe({ leaf, bodies }: LogRecord): readonly string[] {
    const { fields, timeMs } = leaf;
    switch (leaf.kind) {
      case 'session.open':
        return describeOpening(fields, timeMs, palette);
      case 'session.close':
        return [palette.bold(`session closed: ${line(fields, 'why')}`)];
      case 'session.refused':
        return [palette.bad(`session refused: ${line(fields, 'code')} ${line(fields, 'reason')}`)];
      case 'request':
        return [
          palette.bold(
            `${nameStatement(fields, timeMs)}${fields['internal'] === true ? ' (by the gateway itself)' : ''} · query ${line(fields, 'qid')}`,
          ),
          ...describeText(bodies),
          ...describeDecision(fields, palette),
        ];
      case 'request.refused':
        return [
          palette.bad(
            `refused: ${line(fields, 'op')} ${line(fields, 'code')} ${stringIn(fields, 'path') === undefined ? '' : line(fields, 'path')}`.trimEnd(),
          ),
          ...describeSubmitted(bodies),
        ];
      case 'approval.request':
        return [
          palette.wait(
            `${nameStatement(fields, timeMs)} waits for approval ${line(fields, 'apr')} (${listIn(fields, 'rules').map(toLine).join(', ')})`,
          ),
          ...describeExpiry(fields),
        ];
      case 'approval.vote':
        return [describeVote(fields, palette)];
      case 'decision':
        return [
          describeOutcome(
            `${nameStatement(fields, timeMs)} ${line(fields, 'v')}`,
            stringIn(fields, 'v') === 'approved',
            palette,
          ),
        ];
      case 'response':
        columns.set(stringIn(fields, 'qid') ?? '?', columnsOf(bodies.get('head')));
        return describeResponse(`${nameStatement(fields, timeMs)} `, took(fields, timeMs), { fields, bodies, palette });
      case 'response.withheld':
        return [
          palette.bad(
            `${nameStatement(fields, timeMs)} result withheld: ${line(fields, 'code')} ${line(fields, 'why')}`,
          ),
        ];
      case 'chunk':
        return [
          `${nameStatement(fields, timeMs)} result chunk ${numberIn(fields, 'n') ?? '?'} · ${numberIn(fields, 'rows') ?? '?'} rows`,
          ...indent(describeRows(bodies.get('rows'), columns.get(stringIn(fields, 'qid') ?? '?') ?? [])),
        ];
      case 'control':
        return [`${line(fields, 'op')}: ${line(fields, 'outcome')}`];
      default:
        return [palette.dim(`${leaf.kind} ${clip(toLine(JSON.stringify(fields)), MAX_QUOTE)}`)];
    }
  }

  return {
    render(record) {
      startMs ??= record.leaf.timeMs;
      const [first = '', ...rest] = describe(record);
      const stamp = toElapsed(record.leaf.timeMs - startMs);
      return [
        `${palette.dim(stamp.padStart(11))}  ${first}`,
        ...rest.map((text) => `${' '.repeat(13)}${text}`.trimEnd()),
      ];
    },
  };
}

function line(fields: Fields | undefined, name: string): string {
  return clip(toLine(stringIn(fields, name) ?? '?'), MAX_QUOTE);
}

function indent(lines: readonly string[]): readonly string[] {
  return lines.map((text) => `  ${text}`);
}

function describeOpening(fields: Fields, timeMs: number, palette: Palette): readonly string[] {
  const who = objectIn(fields, 'who');
  const context = objectIn(fields, 'ctx');
  const client = objectIn(fields, 'client');
  const groups = listIn(who, 'grp').map(toLine).join(', ');
  const place = ['role', 'wh', 'db', 'sch'].flatMap((key) =>
    stringIn(context, key) === undefined ? [] : [`${key} ${line(context, key)}`],
  );
  const acting = [
    ...(stringIn(who, 'agent') === undefined ? [] : [`agent ${line(who, 'agent')}`]),
    ...(stringIn(who, 'del') === undefined ? [] : [`on behalf of ${line(who, 'del')}`]),
  ];
  return [
    palette.bold(
      `session opened by ${line(who, stringIn(who, 'name') === undefined ? 'sub' : 'name')} at ${toUtc(timeMs)}`,
    ),
    `subject ${line(who, 'sub')} · issuer ${line(who, 'iss')}${groups === '' ? '' : ` · groups ${groups}`}`,
    ...(acting.length === 0 ? [] : [acting.join(' · ')]),
    `connection ${line(fields, 'connection')} · account ${line(fields, 'account')} · client ${line(client, 'app')} ${line(client, 'version')}`,
    ...(place.length === 0 ? [] : [place.join(' · ')]),
  ];
}

function describeText(bodies: ReadonlyMap<string, Buffer>): readonly string[] {
  const sql = bodies.get('sql');
  const submitted = bodies.get('submitted');
  const binds = bodies.get('binds');
  const isRewritten = sql !== undefined && submitted !== undefined && !sql.equals(submitted);
  return [
    ...indent(sql === undefined ? ['(no text recorded)'] : cutLines(sql)),
    ...(isRewritten ? ['submitted as:', ...indent(cutLines(submitted))] : []),
    ...(binds === undefined ? [] : [`binds: ${quoteBody(binds, MAX_QUOTE)}`]),
  ];
}

function describeSubmitted(bodies: ReadonlyMap<string, Buffer>): readonly string[] {
  const submitted = bodies.get('submitted');
  return submitted === undefined ? [] : indent(cutLines(submitted));
}

function cutLines(bytes: Buffer): readonly string[] {
  const lines = toLines(bytes.toString('utf8'));
  const rest = lines.length - MAX_SQL_LINES;
  return rest > 0 ? [...lines.slice(0, MAX_SQL_LINES), `(${rest} more lines not shown here)`] : lines;
}

function describeDecision(fields: Fields, palette: Palette): readonly string[] {
  const decision = objectIn(fields, 'dec');
  const verdict = stringIn(decision, 'v') ?? 'none';
  const rules = listIn(decision, 'rules').map(toLine).join(', ');
  const colour = { allow: palette.good, hold: palette.wait }[verdict] ?? palette.bad;
  return [
    `${colour(`decision: ${toLine(verdict)}`)}${rules === '' ? '' : ` · rule ${rules}`} · policy ${line(decision, 'pol')}`,
    ...indent(listIn(decision, 'reasons').map((reason) => clip(toLine(reason), MAX_QUOTE))),
  ];
}

function describeExpiry(fields: Fields): readonly string[] {
  const expires = numberIn(fields, 'expires');
  return expires === undefined ? [] : [`until ${toUtc(expires)}`];
}

function describeVote(fields: Fields, palette: Palette): string {
  const isApproval = stringIn(fields, 'choice') === 'approve';
  const name = line(fields, stringIn(fields, 'name') === undefined ? 'sub' : 'name');
  const reason = stringIn(fields, 'reason') === undefined ? '' : `: "${line(fields, 'reason')}"`;
  const text = `vote ${line(fields, 'choice')} by ${name} (${line(fields, 'sub')} of ${line(fields, 'iss')}) via ${line(fields, 'channel')}`;
  return `${describeOutcome(text, isApproval, palette)}${reason}`;
}

function describeOutcome(text: string, isGood: boolean, palette: Palette): string {
  return isGood ? palette.good(text) : palette.bad(text);
}

interface ResponseContext {
  readonly fields: Fields;
  readonly bodies: ReadonlyMap<string, Buffer>;
  readonly palette: Palette;
}

function describeResponse(
  name: string,
  elapsed: string,
  { fields, bodies, palette }: ResponseContext,
): readonly string[] {
  const head = bodies.get('head');
  const rows = numberIn(fields, 'rows');
  const columns = numberIn(fields, 'cols');
  const code = stringIn(fields, 'code');
  const message = messageOf(head);
  const masked = listIn(fields, 'masked').map(toLine).join(', ');
  const upstream = stringIn(fields, 'upq') === undefined ? '' : ` · Snowflake query ${line(fields, 'upq')}`;
  const isRefusal = message !== undefined && code !== undefined;
  const size = rows === undefined ? '' : ` · ${rows} rows${columns === undefined ? '' : `, ${columns} columns`}`;
  const summary = `${name}answered${code === undefined ? '' : ` with code ${toLine(code)}`}${isRefusal ? '' : size}${upstream}${elapsed}`;
  return [
    isRefusal ? palette.bad(summary) : summary,
    ...(message === undefined ? [] : indent(toLines(message))),
    ...(masked === '' ? [] : [`masked: ${masked}`]),
    ...indent(describeRows(bodies.get('rows'), columnsOf(head))),
  ];
}

function describeRows(rows: Buffer | undefined, columns: readonly string[]): readonly string[] {
  return rows === undefined ? [] : viewRows(rows, columns);
}
