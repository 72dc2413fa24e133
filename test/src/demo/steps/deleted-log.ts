import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyEvidence } from '../copy-evidence.js';
import { askPiste, runPiste, type Verdict } from '../piste.js';
import { expectSame, expectText, expectThat, type Step, waitFor } from '../step.js';

const EXIT_TAMPERED = 1;

const verify = (directory: string, trust: string) => ['audit', 'verify', directory, '--trust', trust] as const;

/** The registry names every log there ever was, so a whole one cannot go without a trace. */
export const deletedLog: Step = {
  title: 'The gateway restarts; then somebody deletes the log of its first life',
  timeoutSeconds: 60,
  async run({ screen, playground }, signal) {
    await playground.restartGateway();
    const { logs } = await waitFor(signal, async () => {
      const verdict = await askPiste<Verdict>(...verify(playground.recordingDirectory, playground.checkpointFile));
      return verdict.outcome === 'sound' && verdict.counts.logs === 2 ? verdict : undefined;
    });
    screen.ok('a new process writes a log of its own, with a key of its own; both logs verify together');

    const first = logs[0]?.ulid ?? '';
    const { directory, trust } = await copyEvidence(playground, 'without-first');
    await rm(join(directory, first), { recursive: true });
    screen.blank();
    screen.say(`In a copy the folder ${first} is deleted, all of it.`);
    screen.raw(`    $ piste ${verify(directory, trust).join(' ')}`);
    const broken = await runPiste(...verify(directory, trust));
    screen.quote(broken.lines);
    expectSame('exit code of audit verify', broken.exitCode, EXIT_TAMPERED);
    expectText('verdict', broken.text, 'audit verify: TAMPERED', first);
    const { findings } = await askPiste<Verdict>(...verify(directory, trust));
    const missing = findings.find(({ code, log }) => code === 'missing-log' && log === first);
    expectThat(missing !== undefined, `a finding that the log ${first} is missing`, findings);
    screen.ok('caught: the log that follows names it, with its length and root, and so does the registry');
  },
};
