import type { EntryValue } from '../recording/index.js';
import type { Palette } from './colour.js';
import { listIn, numberIn, objectIn, stringIn } from './fields.js';
import { clip, plural, toLine, toLines } from './plain-text.js';
import { columnsOf, messageOf, quoteBody, viewRows } from './result-view.js';
import { toUtc } from './time.js';

export type Fields = Readonly<Record<string, EntryValue>>;

const MAX_SQL_LINES = 60;
const MAX_QUOTE = 400;

/** A field's text, safe and short; a question mark where there is none. */
export function line(fields: Fields | undefined, name: string): string {
  return clip(toLine(stringIn(fields, name) ?? '?'), MAX_QUOTE);
}

/** Sets lines off from the one above. */
export function indent(lines: readonly string[]): readonly string[] {
  return lines.map((text) => `  ${text}`);
}

/** Who opened the session, with what, and where. */
export function describeOpening(fields: Fields, timeMs: number, palette: Palette): readonly string[] {
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

/** The text that runs, what was submitted where that differs, and the binds and parameters. */
export function describeText(bodies: ReadonlyMap<string, Buffer>): readonly string[] {
  const sql = bodies.get('sql');
  const submitted = bodies.get('submitted');
  const binds = bodies.get('binds');
  const parameters = bodies.get('parameters');
  const isRewritten = submitted !== undefined && sql?.equals(submitted) !== true;
  return [
    ...(sql === undefined ? [] : indent(cutLines(sql))),
    ...(sql === undefined && submitted === undefined ? ['(no text recorded)'] : []),
    ...(isRewritten ? ['submitted as:', ...indent(cutLines(submitted))] : []),
    ...(binds === undefined ? [] : [`binds: ${quoteBody(binds, MAX_QUOTE)}`]),
    ...(parameters === undefined ? [] : [`parameters: ${quoteBody(parameters, MAX_QUOTE)}`]),
  ];
}

/** A submitted text that never became a statement. */
export function describeSubmitted(bodies: ReadonlyMap<string, Buffer>): readonly string[] {
  const submitted = bodies.get('submitted');
  return submitted === undefined ? [] : indent(cutLines(submitted));
}

function cutLines(bytes: Buffer): readonly string[] {
  const lines = toLines(bytes.toString('utf8'));
  const rest = lines.length - MAX_SQL_LINES;
  return rest > 0 ? [...lines.slice(0, MAX_SQL_LINES), `(${rest} more lines not shown here)`] : lines;
}

/** The verdict, the rules that spoke, and their reasons. */
export function describeDecision(fields: Fields, palette: Palette): readonly string[] {
  const decision = objectIn(fields, 'dec');
  const verdict = stringIn(decision, 'v') ?? 'none';
  const rules = listIn(decision, 'rules').map(toLine).join(', ');
  const colour = { allow: palette.good, hold: palette.wait }[verdict] ?? palette.bad;
  return [
    `${colour(`decision: ${toLine(verdict)}`)}${rules === '' ? '' : ` · rule ${rules}`} · policy ${line(decision, 'pol')}`,
    ...indent(listIn(decision, 'reasons').map((reason) => clip(toLine(reason), MAX_QUOTE))),
    ...describeSources('masked where it is read', decision?.['src']),
    ...describeSources('would be masked by policies in DryRun', objectIn(decision, 'dry')?.['masked']),
  ];
}

/** Columns that the text masks where it reads them. */
function describeSources(what: string, list: EntryValue | undefined): readonly string[] {
  if (!Array.isArray(list) || list.length === 0) return [];
  const columns = (list as readonly EntryValue[]).map((item) => {
    const mask = objectIn({ item }, 'item');
    return `${line(mask, 'o')}.${line(mask, 'c')} (${line(mask, 'm')} by ${line(mask, 'p')}/${line(mask, 'r')})`;
  });
  return [`${what}: ${columns.join(', ')}`];
}

/** Until when people may decide. */
export function describeExpiry(fields: Fields): readonly string[] {
  const expires = numberIn(fields, 'expires');
  return expires === undefined ? [] : [`until ${toUtc(expires)}`];
}

/** Who chose what, and why. */
export function describeVote(fields: Fields, palette: Palette): string {
  const isApproval = stringIn(fields, 'choice') === 'approve';
  const name = line(fields, stringIn(fields, 'name') === undefined ? 'sub' : 'name');
  const reason = stringIn(fields, 'reason') === undefined ? '' : `: "${line(fields, 'reason')}"`;
  const text = `vote ${line(fields, 'choice')} by ${name} (${line(fields, 'sub')} of ${line(fields, 'iss')}) via ${line(fields, 'channel')}`;
  const refused = stringIn(fields, 'refused') === undefined ? '' : ` · not counted: ${line(fields, 'refused')}`;
  return `${describeOutcome(text, isApproval && refused === '', palette)}${reason}${refused}`;
}

/** Green for a yes, red for a no. */
export function describeOutcome(text: string, isGood: boolean, palette: Palette): string {
  return isGood ? palette.good(text) : palette.bad(text);
}

interface ResponseContext {
  readonly fields: Fields;
  readonly bodies: ReadonlyMap<string, Buffer>;
  readonly palette: Palette;
}

/** What the driver was given. */
export function describeResponse(
  name: string,
  elapsed: string,
  { fields, bodies, palette }: ResponseContext,
): readonly string[] {
  const head = bodies.get('head');
  const names = columnsOf(head);
  const rows = numberIn(fields, 'rows');
  const columns = numberIn(fields, 'cols');
  const code = stringIn(fields, 'code');
  const message = code === undefined ? undefined : messageOf(head);
  const upstream = stringIn(fields, 'upq') === undefined ? '' : ` · Snowflake query ${line(fields, 'upq')}`;
  const size =
    rows === undefined
      ? ''
      : ` · ${plural(rows, 'row')}${columns === undefined ? '' : `, ${plural(columns, 'column')}`}`;
  const summary = `${name} answered${code === undefined ? size : ` with code ${line(fields, 'code')}`}${upstream} · ${elapsed}`;
  return [
    code === undefined ? summary : palette.bad(summary),
    ...(message === undefined ? [] : indent(toLines(message))),
    ...describeMasks(fields['masked'], names),
    ...describeFound(fields, names),
    ...indent(describeRows(bodies.get('rows'), names)),
  ];
}

function describeMasks(list: EntryValue | undefined, names: readonly string[]): readonly string[] {
  if (!Array.isArray(list) || list.length === 0) return [];
  const masks = (list as readonly EntryValue[]).map((mask) => {
    const fields: Fields = { mask };
    const details = objectIn(fields, 'mask');
    const index = numberIn(details, 'i');
    if (details === undefined || index === undefined)
      return toLine(typeof mask === 'string' ? mask : JSON.stringify(mask));
    const column = toLine(names[index] ?? `#${index + 1}`);
    return `${column} (${line(details, 'm')} by ${line(details, 'p')}/${line(details, 'r')})`;
  });
  return [`masked: ${masks.join(', ')}`];
}

/** Columns that no rule names and that looked protected. */
export function describeFound(fields: Fields, names: readonly string[]): readonly string[] {
  const list = fields['found'];
  if (!Array.isArray(list) || list.length === 0) return [];
  const found = (list as readonly EntryValue[]).map((item) => {
    const details = objectIn({ item }, 'item');
    const index = numberIn(details, 'i');
    const column = index === undefined ? '?' : toLine(names[index] ?? `#${index + 1}`);
    return `${column} (${line(details, 'c')} in ${numberIn(details, 'n') ?? '?'} of ${numberIn(details, 'of') ?? '?'} values)`;
  });
  return [`looks protected: ${found.join(', ')}`];
}

/** The rows as they were delivered. */
export function describeRows(rows: Buffer | undefined, columns: readonly string[]): readonly string[] {
  return rows === undefined ? [] : viewRows(rows, columns);
}
