import { askPiste, type ListedSession, PISTE_COMMAND, type PisteRun, runPiste } from '../piste.js';
import { clip, type Screen } from '../screen.js';
import { expectSame, expectText, expectThat, type Step } from '../step.js';

const SHOWN_COLUMNS = 92;

/** The record of what happened, as an auditor reads it. */
export const replay: Step = {
  title: 'It disconnects; what it did is replayed from the record',
  async run({ screen, agent, playground }) {
    await agent.disconnect();
    const directory = playground.recordingDirectory;
    screen.say(`piste is short for: ${PISTE_COMMAND}`);
    const list = await runPiste('sessions', 'list', directory);
    show(screen, `piste sessions list ${directory}`, list);
    const { sessions } = await askPiste<{ sessions: readonly ListedSession[] }>('sessions', 'list', directory);
    expectSame('sessions', sessions.length, 1);
    const session = sessions[0];
    expectThat(
      session?.principal === 'report-agent' && session.closedMs !== undefined,
      'the closed session of report-agent',
      session,
    );
    const play = await runPiste('sessions', 'play', directory, session.id);
    expectSame('exit code of sessions play', play.exitCode, 0);
    const told = abridge(play.lines);
    screen.blank();
    screen.raw(`    $ piste sessions play ${directory} ${session.id}`);
    screen.quote(told.map((line) => clip(line, SHOWN_COLUMNS)));
    screen.say(
      `${told.length} of ${play.lines.length} lines are shown, cut at ${SHOWN_COLUMNS} characters; the same command shows all.`,
    );
    expectText(
      'the replay',
      play.text,
      'on behalf of sam.analyst',
      'DROP DATABASE crm',
      'EXECUTE IMMEDIATE',
      SQL_OF_UNLOAD,
    );
    expectText(
      'the replay',
      play.text,
      'vote approve by Dana',
      'vote deny by Dana',
      'Billing needs this column.',
      'result chunk',
    );
    expectThat(
      !play.text.includes('ada.brandt@example.com'),
      'the record to hold what was delivered',
      'an e-mail address',
    );
    screen.ok('every statement, refusal, vote and result is there, and results only as they were delivered');
  },
};

const SQL_OF_UNLOAD = 'COPY INTO @exports/orders.csv';

function show(screen: Screen, command: string, { exitCode, lines }: PisteRun): void {
  screen.raw(`    $ ${command}`);
  screen.quote(lines);
  expectSame(`exit code of ${command}`, exitCode, 0);
}

const RECORD = /^\s*\+\d/;
/** What the gateway asked for itself, parts of results, and reading a request tell the story no better. */
const LESS_INTERESTING = /by the gateway itself|result chunk|looked at by|admin\.access/;

/** Of each interesting record its first line, and of a statement its text. */
function abridge(lines: readonly string[]): readonly string[] {
  const own = new Set<string>();
  return lines.filter((line, at) => {
    const record = RECORD.test(line) ? line : '';
    const name = /statement \d+/.exec(record)?.[0];
    if (/by the gateway itself/.test(record) && name !== undefined) own.add(name);
    if (record !== '') return !LESS_INTERESTING.test(record) && !(name !== undefined && own.has(name));
    const before = lines[at - 1] ?? '';
    const isText = /statement \d+ · query/.test(before) && !/by the gateway itself/.test(before);
    return isText || /on behalf of/.test(line);
  });
}
