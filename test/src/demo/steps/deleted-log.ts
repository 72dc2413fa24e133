import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { askPiste, runPiste, type Verdict } from '../piste.js';
import { expectSame, expectText, expectThat, type Step, waitFor } from '../step.js';

const EXIT_TAMPERED = 1;

/** The registry names every log there ever was, so a whole one cannot go without a trace. */
export const deletedLog: Step = {
  title: 'The gateway restarts; then somebody deletes the log of its first life',
  timeoutSeconds: 60,
  async run({ screen, playground }, signal) {
    const { recordingDirectory, checkpointFile: trust } = playground;
    await playground.restartGateway();
    const verify = (directory: string) => ['audit', 'verify', directory, '--trust', trust] as const;
    const { logs } = await waitFor(signal, async () => {
      const verdict = await askPiste<Verdict>(...verify(recordingDirectory));
      return verdict.outcome === 'sound' && verdict.counts.logs === 2 ? verdict : undefined;
    });
    screen.ok('a new process writes a log of its own, with a key of its own; both logs verify together');

    const first = logs[0]?.ulid ?? '';
    const copy = join(playground.directory, 'recording-without-first');
    await cp(recordingDirectory, copy, { recursive: true });
    await rm(join(copy, first), { recursive: true });
    screen.blank();
    screen.say(`In a copy the folder ${first} is deleted, all of it.`);
    screen.raw(`    $ piste ${verify(copy).join(' ')}`);
    const broken = await runPiste(...verify(copy));
    screen.quote(broken.lines);
    expectSame('exit code of audit verify', broken.exitCode, EXIT_TAMPERED);
    expectText('verdict', broken.text, 'audit verify: TAMPERED', first);
    const { findings } = await askPiste<Verdict>(...verify(copy));
    const missing = findings.find(({ code, log }) => code === 'missing-log' && log === first);
    expectThat(missing !== undefined, `a finding that the log ${first} is missing`, findings);
    screen.ok('caught: the registry knows the log, its length and its root');
  },
};
