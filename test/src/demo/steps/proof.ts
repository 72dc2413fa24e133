import { readFile } from 'node:fs/promises';
import { copyEvidence } from '../copy-evidence.js';
import { type Forgery, forge } from '../forgery.js';
import { askPiste, type PisteRun, runPiste, type Verdict } from '../piste.js';
import { expectSame, expectText, expectThat, type Step, waitFor } from '../step.js';

/** Who voted; somebody would like it to have been another. */
const VOTER = '"sub":"dana.owner"';
const EXIT_TAMPERED = 1;

/** The log verifies; a copy with one byte changed does not. */
export const proof: Step = {
  title: 'The record is verified; one changed byte is found',
  timeoutSeconds: 60,
  async run({ screen, playground }, signal) {
    const { recordingDirectory, checkpointFile: trust } = playground;
    await waitFor(signal, () => checkpointCovers(recordingDirectory, trust));
    const whole = ['audit', 'verify', recordingDirectory, '--trust', trust] as const;
    screen.raw(`    $ piste ${whole.join(' ')}`);
    const sound = await runPiste(...whole);
    screen.quote(sound.lines);
    expectSame('exit code of audit verify', sound.exitCode, 0);
    expectText('verdict', sound.text, 'audit verify: OK');
    screen.ok('every record is as it was written and none is missing');

    const target = { text: VOTER, at: VOTER.indexOf('dana') };
    const copy = await copyEvidence(playground, 'forged');
    const forgery = await forge(copy.directory, target);
    const command = ['audit', 'verify', copy.directory, '--trust', copy.trust] as const;
    screen.blank();
    screen.say(
      `Now one byte of a vote is changed in a copy of the log, "dana.owner" into "${forgery.letter}ana.owner": byte ${forgery.offset} of ${forgery.file}.`,
    );
    screen.raw(`    $ piste ${command.join(' ')}`);
    const broken = await runPiste(...command);
    screen.quote(broken.lines);
    expectTampered(broken);
    const record = recordAround(forgery, await askPiste<Verdict>(...command));
    screen.ok(`caught, and where: record ${record}`);

    await forgery.repairChecksum();
    screen.blank();
    screen.say('A careful forger makes the checksum right again. What the verifier says then:');
    const careful = await runPiste(...command);
    screen.quote(careful.lines.filter((line) => /^(audit verify|tampered):/.test(line)));
    expectTampered(careful);
    expectThat(!careful.text.includes('CRC'), 'a checksum that is right', careful.text);
    screen.ok(
      'caught: each commit signs the root over all records before it, and the checkpoint outside the log covers it',
    );

    await forgery.undo();
    expectSame('verdict with the byte put back', (await askPiste<Verdict>(...command)).outcome, 'sound');
    screen.ok('with the byte put back, the copy verifies again');
  },
};

/** The checkpoint follows the log by about a second. */
async function checkpointCovers(directory: string, trust: string): Promise<true | undefined> {
  const { counts } = await askPiste<Verdict>('audit', 'verify', directory, '--trust', trust);
  const { checkpoints } = JSON.parse(await readFile(trust, 'utf8')) as { checkpoints: readonly { size: number }[] };
  return checkpoints[0]?.size === counts.records ? true : undefined;
}

function expectTampered({ exitCode, text }: PisteRun): void {
  expectSame('exit code of audit verify', exitCode, EXIT_TAMPERED);
  expectText('verdict', text, 'audit verify: TAMPERED');
}

/** The frame of the statement is far smaller; a place further away would be another one. */
const MAX_FRAME_BYTES = 1024;

/** The record the verifier names, once it is clear that it is the one with the changed byte. */
function recordAround({ offset }: Forgery, { findings }: Verdict): number {
  const place = findings.find((finding) => finding.severity === 'tampered' && finding.offset !== undefined);
  const distance = offset - (place?.offset ?? Number.POSITIVE_INFINITY);
  expectThat(distance >= 0 && distance < MAX_FRAME_BYTES, `the place just before byte ${offset}`, place);
  expectThat(place?.index !== undefined, 'the number of the record', place);
  return place.index;
}
