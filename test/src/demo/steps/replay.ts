import { askPiste, type ListedSession, PISTE_COMMAND, type PisteRun, type PlayedRecord, runPiste } from '../piste.js';
import { clip, type Screen } from '../screen.js';
import { expectSame, expectText, expectThat, type Step } from '../step.js';

const SHOWN_COLUMNS = 92;

/** The record of what happened, as an auditor reads it. */
export const replay: Step = {
  title: 'It disconnects; what it did is replayed from the record',
  async run({ screen, agent, playground, identityFile }) {
    await agent.disconnect();
    const directory = playground.recordingDirectory;
    screen.say(`piste is short for: ${PISTE_COMMAND}`);
    const list = await runPiste('sessions', 'list', directory);
    showRun(screen, `piste sessions list ${directory}`, list);
    const { sessions } = await askPiste<{ sessions: readonly ListedSession[] }>('sessions', 'list', directory);
    expectSame('sessions', sessions.length, 1);
    const session = sessions[0];
    const isClosed = session?.principal === 'report-agent' && session.closedMs !== undefined;
    expectThat(isClosed, 'the closed session of report-agent', session);
    const sealed = await runPiste('sessions', 'play', directory, session.id);
    expectText('the session without a key', sealed.text, 'it is encrypted');
    expectThat(!sealed.text.includes('DROP COLUMN'), 'no text of a statement without a key', 'DROP COLUMN');
    screen.ok('without a key the record proves what happened when and by whom, and shows no text and no row');
    const play = await runPiste('sessions', 'play', directory, session.id, '--identity', identityFile);
    expectSame('exit code of sessions play', play.exitCode, 0);
    const told = abridge(play.lines);
    screen.blank();
    screen.raw(`    $ piste sessions play ${directory} ${session.id} --identity ${identityFile}`);
    screen.quote(told.map((line) => clip(line, SHOWN_COLUMNS)));
    screen.say(
      `${told.length} of ${play.lines.length} lines are shown, cut at ${SHOWN_COLUMNS} characters; the same command shows all.`,
    );
    const played = ['sessions', 'play', directory, session.id, '--identity', identityFile] as const;
    checkRecords((await askPiste<{ records: readonly PlayedRecord[] }>(...played)).records);
    expectText('the replay', play.text, 'on behalf of sam.analyst', 'Billing needs this column.', ...TEXTS);
    const address = 'ada.brandt@example.com';
    expectThat(!play.text.includes(address), 'no e-mail address in the replay', address);
    screen.ok('every statement, refusal, vote and result is there, and results only as they were delivered');
  },
};

/** What the agent asked for, allowed or not. */
const TEXTS = [
  'SELECT id, name, email',
  'DROP DATABASE crm',
  "EXECUTE IMMEDIATE 'DROP DATABASE crm'",
  "LIKE 'ada%'",
  'COPY INTO @exports/orders.csv',
  'DROP COLUMN email',
] as const;

/** Answers that refused something. */
const REFUSALS = ['861201', '861205', '861302'] as const;

/** Every decision of the story left its record. */
function checkRecords(records: readonly PlayedRecord[]): void {
  const of = (kind: string) => records.filter((record) => record.kind === kind).map(({ fields }) => fields);
  const votes = of('approval.vote').map(({ choice, sub }) => `${String(choice)} by ${String(sub)}`);
  for (const vote of ['approve by dana.owner', 'deny by dana.owner']) {
    expectThat(votes.includes(vote), `a record of the vote ${vote}`, votes);
  }
  const outcomes = of('decision').map((decision) => decision['v']);
  expectSame('recorded outcomes of what waited', outcomes, ['approved', 'denied']);
  const codes = of('response').map((response) => response['code']);
  for (const code of REFUSALS) expectThat(codes.includes(code), `a record of the answer with code ${code}`, codes);
  expectThat(of('chunk').length > 1, 'a record of each chunk', of('chunk').length);
}

function showRun(screen: Screen, command: string, { exitCode, lines }: PisteRun): void {
  screen.raw(`    $ ${command}`);
  screen.quote(lines);
  expectSame(`exit code of ${command}`, exitCode, 0);
}

const RECORD = /^\s*\+\d/;
/** What the gateway asked for itself, parts of results, and looking at a request. */
const LESS_INTERESTING = /the gateway itself|result (chunk|part)|looked at by/;
const STATEMENT = /statement \d+ · query/;

/** Of each interesting record the first line, of a statement also its text and why it did not just run, of the session for whom it was. */
function abridge(lines: readonly string[]): readonly string[] {
  return lines.filter((line, at) => {
    if (RECORD.test(line)) return !LESS_INTERESTING.test(line);
    const isText = STATEMENT.test(lines[at - 1] ?? '');
    return isText || /on behalf of|decision: (block|hold)/.test(line);
  });
}
