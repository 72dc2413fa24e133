import type { OutcomeDifference } from './backtest-outcome.js';
import type { Redecided, Undecidable } from './backtest-session.js';
import type { Palette } from './colour.js';
import { clip, plural, toLine } from './plain-text.js';
import { layOutTable } from './table.js';
import { toUtc } from './time.js';

/** In how many statements a rule spoke. */
export interface RuleCount {
  readonly rule: string;
  readonly recorded: number;
  readonly now: number;
}

/** What a back-test found. Plain data: `--json` prints it as it is. */
export interface BacktestSummary {
  readonly totals: {
    readonly statements: number;
    readonly sessions: number;
    readonly same: number;
    readonly different: number;
    readonly undecided: number;
  };
  /** `allow → block`, with the number of statements. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Counted over the statements that could be decided again. */
  readonly rules: readonly RuleCount[];
  /** Why statements could not be decided again, with their number. */
  readonly undecided: Readonly<Partial<Record<Undecidable, number>>>;
  readonly differences: readonly Redecided[];
}

const WHY: Readonly<Record<Undecidable, string>> = {
  'text-missing': 'the text or its values are not in the recording or cannot be read',
  'session-unknown': 'who asked is not in this recording',
  'session-moved': 'uses a session variable, and several gateways served the session',
  'connection-unknown': 'the policies have no such connection',
  'catalogue-unknown': 'the objects it was read against are not in the recording',
  'tags-unknown': 'the policies ask for tags, and the recording does not hold them',
};

const MAX_LISTED = 50;
const MAX_SQL = 160;

export function summarize(redecided: readonly Redecided[]): BacktestSummary {
  const decided = redecided.filter(({ now }) => now !== undefined);
  const differences = decided.filter((one) => one.differences.length > 0);
  const undecided: Partial<Record<Undecidable, number>> = {};
  for (const { why } of redecided) if (why !== undefined) undecided[why] = (undecided[why] ?? 0) + 1;
  const verdicts: Record<string, number> = {};
  for (const { recorded, now } of differences) {
    if (now === undefined || now.verdict === recorded.verdict) continue;
    const change = `${recorded.verdict} → ${now.verdict}`;
    verdicts[change] = (verdicts[change] ?? 0) + 1;
  }
  return {
    totals: {
      statements: redecided.length,
      sessions: new Set(redecided.map(({ session }) => session)).size,
      same: decided.length - differences.length,
      different: differences.length,
      undecided: redecided.length - decided.length,
    },
    verdicts,
    rules: countRules(decided),
    undecided,
    differences,
  };
}

function countRules(decided: readonly Redecided[]): readonly RuleCount[] {
  const counts = new Map<string, { recorded: number; now: number }>();
  const countOf = (rule: string): { recorded: number; now: number } => {
    const count = counts.get(rule) ?? { recorded: 0, now: 0 };
    counts.set(rule, count);
    return count;
  };
  for (const { recorded, now } of decided) {
    for (const rule of recorded.rules) countOf(rule).recorded += 1;
    for (const rule of now?.rules ?? []) countOf(rule).now += 1;
  }
  return [...counts].map(([rule, count]) => ({ rule, ...count })).toSorted((a, b) => (a.rule < b.rule ? -1 : 1));
}

/** For people: what is decided otherwise, the rules, and the totals. */
export function renderBacktest(summary: BacktestSummary, palette: Palette): readonly string[] {
  const { totals, differences, rules } = summary;
  const rest = differences.length - MAX_LISTED;
  const table = rules.map(({ rule, recorded, now }) => [rule, String(recorded), String(now)]);
  return [
    ...differences.slice(0, MAX_LISTED).flatMap((one) => [...renderOne(one, palette), '']),
    ...(rest > 0 ? [`and ${rest} more; --json lists all`, ''] : []),
    ...(table.length === 0 ? [] : [...layOutTable([['RULE', 'RECORDED', 'NOW'], ...table], '  ', 80), '']),
    ...Object.entries(summary.verdicts).map(([change, count]) => `${change}: ${plural(count, 'statement')}`),
    ...renderUndecided(summary.undecided, palette),
    `${plural(totals.statements, 'statement')} of ${plural(totals.sessions, 'session')}: ${totals.same} decided the same, ` +
      `${totals.different} otherwise, ${totals.undecided} could not be decided again`,
  ];
}

function renderOne({ session, queryId, timeMs, sql, differences }: Redecided, palette: Palette): readonly string[] {
  return [
    palette.bold(`${toUtc(timeMs)}  session ${toLine(session)}  statement ${toLine(queryId)}`),
    `  ${clip(toLine(sql ?? ''), MAX_SQL)}`,
    ...differences.flatMap((difference) => renderDifference(difference, palette)),
  ];
}

function renderDifference({ field, gone, come }: OutcomeDifference, palette: Palette): readonly string[] {
  if (field === 'verdict')
    return [`  verdict: ${gone.map(toLine).join('')} → ${palette.bold(come.map(toLine).join(''))}`];
  return [
    `  ${field}:`,
    ...gone.map((item) => `    ${palette.bad('-')} ${toLine(item)}`),
    ...come.map((item) => `    ${palette.good('+')} ${toLine(item)}`),
  ];
}

function renderUndecided(undecided: BacktestSummary['undecided'], palette: Palette): readonly string[] {
  return (Object.keys(WHY) as Undecidable[]).flatMap((why) => {
    const count = undecided[why];
    return count === undefined
      ? []
      : [`${palette.wait('not decided again')}: ${plural(count, 'statement')}, ${WHY[why]}`];
  });
}
