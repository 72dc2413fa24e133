import { readLog } from '../recording/index.js';
import { renderDamages } from './damage.js';
import { type CliIo, type CommandArguments, EXIT, UsageError } from './io.js';
import { plural, toJson } from './plain-text.js';
import { createSessionSummaries, type SessionSummary } from './session-summary.js';
import { layOutTable } from './table.js';
import { toUtc } from './time.js';

/** `piste sessions list`. Exit code 1 when a log is damaged by more than an interrupted write. */
export async function sessionsList(args: CommandArguments, io: CliIo): Promise<number> {
  const [directory = args.directory, ...rest] = args.positionals;
  if (directory === undefined || rest.length > 0)
    throw new UsageError('which directory? Name one or set PISTE_RECORDING_DIR');
  const sessions = createSessionSummaries();
  const records = readLog(directory, () => false);
  for (;;) {
    const step = await records.next();
    if (!step.done) {
      sessions.add(step.value);
      continue;
    }
    const { refusedLogins } = sessions;
    const list = sessions.list();
    if (args.json) io.out(`${toJson({ sessions: list.map(toJsonSession), refusedLogins, damages: step.value })}\n`);
    else {
      io.out(`${[...renderSessions(list), ...renderRefused(refusedLogins)].join('\n')}\n`);
      io.err(
        renderDamages(step.value)
          .map((line) => `${line}\n`)
          .join(''),
      );
    }
    return step.value.some(({ problem }) => problem.severity === 'tampered') ? EXIT.failed : EXIT.ok;
  }
}

function toJsonSession(session: SessionSummary): unknown {
  return { ...session, queryIds: undefined };
}

function renderRefused(count: number): readonly string[] {
  return count === 0 ? [] : ['', `${plural(count, 'log-in')} refused`];
}

function renderSessions(sessions: readonly SessionSummary[]): readonly string[] {
  if (sessions.length === 0) return ['no sessions'];
  const heading = ['ID', 'PRINCIPAL', 'CONNECTION', 'OPENED', 'STATEMENTS', 'DECISIONS', 'CLOSED'];
  const rows = sessions.map((session) => [
    session.id,
    session.principal ?? '?',
    session.connection ?? '?',
    session.openedMs === undefined ? '?' : toUtc(session.openedMs),
    String(session.statements),
    renderDecisions(session),
    session.closedMs === undefined
      ? 'open'
      : `${toUtc(session.closedMs)}${session.ended === undefined ? '' : ` (${session.ended})`}`,
  ]);
  return layOutTable([heading, ...rows], '  ', 64);
}

function renderDecisions({ decisions, refused }: SessionSummary): string {
  const parts = Object.entries(decisions).map(([verdict, count]) => `${count} ${verdict}`);
  if (refused > 0) parts.push(`${refused} refused`);
  return parts.length === 0 ? '-' : parts.join(', ');
}
