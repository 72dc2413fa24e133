import type { Palette } from './colour.js';
import type { Sample } from './explain-samples.js';
import { lineOf, type Place } from './explain-spans.js';
import type { ExplainedMask, ExplainedOutput, ExplainedPredicate, Explanation } from './explain-statement.js';
import { plural, toLine, toLines } from './plain-text.js';

const VERDICTS: Readonly<Record<Explanation['verdict'], string>> = { allow: 'allowed', block: 'denied', hold: 'held' };

/** The explanation as lines for people; safe on a terminal. */
export function renderExplanation(explained: Explanation, who: string, palette: Palette): readonly string[] {
  const { verdict } = explained;
  const colour = { allow: palette.good, block: palette.bad, hold: palette.wait }[verdict];
  const code = explained.code === null ? '' : ` · ${explained.code}`;
  return [
    `${palette.bold(toLine(explained.class))} as ${toLine(who)}: ${colour(VERDICTS[verdict])}${code}`,
    ...section(
      'why',
      explained.reasons.map(({ rule, message }) => toLine(rule === undefined ? message : `${message} (${rule})`)),
    ),
    ...section(
      'where',
      explained.places.flatMap((place) => renderPlace(explained.sql, place, palette)),
    ),
    ...section(
      'outputs',
      explained.outputs.flatMap((output) => renderOutput(output, verdict)),
    ),
    ...section('rows depend on', explained.predicate.map(renderPredicate)),
    ...renderHeld(explained),
    ...section('recorded in strict, whatever the mode', explained.strictBy.map(toLine)),
    ...section('canonical text', explained.canonical === null ? [] : toLines(explained.canonical)),
    ...section('sent to Snowflake', sentLines(explained)),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((text) => `  ${text}`)];
}

function sentLines({ sent, canonical, verdict, keyPlaceholdersFrom }: Explanation): readonly string[] {
  if (sent === null) return ['nothing'];
  const when = verdict === 'hold' ? ' once it is approved' : '';
  if (sent === canonical) return [`the canonical text${when}`];
  const notes = [
    ...(when === '' ? [] : [`(${when.trim()})`]),
    ...(keyPlaceholdersFrom === null ? [] : [`(from :${keyPlaceholdersFrom} on: halves of hash keys)`]),
  ];
  return [...toLines(sent), ...notes];
}

/** The line of the statement, and carets under the place. */
function renderPlace(sql: string, place: Place, palette: Palette): readonly string[] {
  const { before, marked, after } = lineOf(sql, place);
  const [left, middle] = [toLine(before), toLine(marked)];
  const gutter = `${place.line} | `;
  const pad = ' '.repeat(gutter.length + Array.from(left).length);
  const carets = '^'.repeat(Math.max(1, Array.from(middle).length));
  return [`${gutter}${left}${middle}${toLine(after)}`, `${pad}${palette.bad(carets)} ${toLine(place.message)}`];
}

function renderPredicate(entry: ExplainedPredicate): string {
  const seen = entry.masked === null ? '' : `, masked where it is read (${entry.masked})`;
  return toLine(`${entry.column}${entry.protected ? `  protected${seen}` : ''}`);
}

function renderOutput(output: ExplainedOutput, verdict: Explanation['verdict']): readonly string[] {
  const name = output.name ?? '(named by Snowflake)';
  const carries = output.carries.length === 0 ? 'no column' : output.carries.join(', ');
  const how = output.isCopy || output.carries.length === 0 ? '' : ' in an expression';
  const hidden = output.masks.map((mask) => `    ${renderMask(mask)}`);
  const isOpen = output.protected.length > 0 && hidden.length === 0;
  const open = isOpen ? [verdict === 'block' ? '    protected' : '    protected, and no mask reaches it'] : [];
  return [toLine(`${output.position} ${name}  carries ${carries}${how}`), ...hidden, ...open];
}

const WHERE: Readonly<Record<ExplainedMask['where'], string>> = {
  source: 'where it is read',
  result: 'in the result',
  both: 'where it is read, and again in the result',
};

function renderMask({ action, rule, where, column, sample }: ExplainedMask): string {
  const shown = sample === undefined ? '' : `: ${describeSample(sample)}`;
  return `${toLine(`${column} masked ${WHERE[where]} (${action} by ${rule})`)}${shown}`;
}

/** `"jane.doe@example.com" → "***"`. */
export function describeSample({ before, after }: Sample): string {
  return toLine(`${JSON.stringify(before)} → ${after === null ? 'NULL' : JSON.stringify(after)}`);
}

function renderHeld({ held }: Explanation): readonly string[] {
  if (held === null) return [];
  const quorums = held.quorums.map((quorum) => {
    const who = [...quorum.groups.map((group) => `group ${group}`), ...quorum.users.map((user) => `user ${user}`)];
    return toLine(`rule ${quorum.rule}: ${plural(quorum.minApprovals, 'approval')} of ${who.join(', ')}`);
  });
  return section('held for', [
    ...quorums,
    `at most ${plural(held.timeoutSeconds, 'second')}, then it is denied`,
    ...held.messages.map((message) => toLine(`"${message}"`)),
  ]);
}
