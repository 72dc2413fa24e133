import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askPiste, runPiste, type Verdict } from '../piste.js';
import type { Stage } from '../stage.js';
import { expectSame, expectText, expectThat, type Step, waitFor } from '../step.js';

/** Somebody would like another statement to have been approved. */
const APPROVED = 'COPY INTO @exports/orders.csv';
const EXIT_TAMPERED = 1;

/** The log verifies; a copy with one bit changed does not. */
export const proof: Step = {
  title: 'The record is verified; one changed byte is found',
  async run(stage, signal) {
    const { screen, playground } = stage;
    const { recordingDirectory: directory, checkpointFile: trust } = playground;
    await waitFor(signal, () => checkpointCovers(directory, trust));
    screen.raw(`    $ piste audit verify ${directory} --trust ${trust}`);
    const sound = await runPiste('audit', 'verify', directory, '--trust', trust);
    screen.quote(sound.lines);
    expectSame('exit code of audit verify', sound.exitCode, 0);
    expectText('verdict', sound.text, 'audit verify: OK');
    screen.ok('every record is as it was written and none is missing');
    const change = await copyWithOneByteChanged(stage);
    screen.blank();
    screen.say(
      `Now in a copy of the log one byte of the approved unload is changed, "@exports" into "@e${change.letter}ports": byte ${change.offset} of ${change.file}.`,
    );
    const args = ['audit', 'verify', change.directory, '--trust', trust] as const;
    screen.raw(`    $ piste ${args.join(' ')}`);
    const broken = await runPiste(...args);
    screen.quote(broken.lines);
    expectSame('exit code of audit verify', broken.exitCode, EXIT_TAMPERED);
    expectText('verdict', broken.text, 'TAMPERED');
    const verdict = await askPiste<Verdict>(...args);
    const place = verdict.findings.find(({ severity, offset }) => severity === 'tampered' && offset !== undefined);
    const start = place?.offset ?? Number.POSITIVE_INFINITY;
    expectThat(
      start <= change.offset && change.offset - start < MAX_RECORD_BYTES,
      `the record around byte ${change.offset}`,
      place,
    );
    screen.ok(`caught: record ${place?.index ?? '?'}, which begins ${change.offset - start} bytes before the change`);
    await change.undo();
    expectSame('verdict with the byte put back', (await askPiste<Verdict>(...args)).outcome, 'sound');
    screen.ok('with the byte put back, the copy verifies again');
  },
};

/** The record of the statement is far smaller; a place further away would be another record. */
const MAX_RECORD_BYTES = 4096;

/** The checkpoint follows the log by about a second. */
async function checkpointCovers(directory: string, trust: string): Promise<true | undefined> {
  const { counts } = await askPiste<Verdict>('audit', 'verify', directory, '--trust', trust);
  const { checkpoints } = JSON.parse(await readFile(trust, 'utf8')) as { checkpoints: readonly { size: number }[] };
  return checkpoints[0]?.size === counts.records ? true : undefined;
}

interface Change {
  readonly directory: string;
  readonly file: string;
  readonly offset: number;
  readonly letter: string;
  undo(): Promise<void>;
}

async function copyWithOneByteChanged({ playground }: Stage): Promise<Change> {
  const directory = join(playground.directory, 'recording-forged');
  await cp(playground.recordingDirectory, directory, { recursive: true });
  for (const file of (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.seg'))) {
    const path = join(directory, file);
    const bytes = await readFile(path);
    const start = bytes.lastIndexOf(APPROVED);
    if (start === -1) continue;
    const offset = start + APPROVED.indexOf('xports');
    const original = bytes[offset] ?? 0;
    const forged = original ^ 1;
    bytes[offset] = forged;
    await writeFile(path, bytes);
    const undo = async () => {
      bytes[offset] = original;
      await writeFile(path, bytes);
    };
    return { directory, file, offset, letter: String.fromCharCode(forged), undo };
  }
  throw new Error('the log does not hold the approved statement');
}
