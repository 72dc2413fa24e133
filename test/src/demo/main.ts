import { parseArgs } from 'node:util';
import { leaveOneWaiting, sayFarewell } from './farewell.js';
import { createScreen } from './screen.js';
import { type Closers, createClosers, openStage, type Stage } from './stage.js';
import { PROGRAMS_TITLE, showPrograms } from './steps/programs.js';
import { STORY } from './story.js';
import { StoryFailed, tell } from './tell.js';

const USAGE = `The whole story on loopback: stand-in for Snowflake, issuer, gateway and a scripted agent.

  npm run demo -- [--once] [--without FILE]

  --once           stop when the story is told; exit code 0 only if every step went as told
  --without FILE   leave out a file of the gateway's resources, such as masking.yaml, to see the demo notice
`;

const START_SECONDS = 90;
const STEP_SECONDS = 30;
/** Longer than all parts may take to end. */
const CLOSE_MILLISECONDS = 60_000;
const LOG_LINES = 20;

const screen = createScreen({
  write: (text) => void process.stdout.write(text),
  hasColour: process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '',
  columns: process.stdout.columns ?? 100,
});

interface Progress {
  told: number;
  readonly total: number;
  stage: Stage | undefined;
}

async function tellStory(
  without: readonly string[],
  closers: Closers,
  progress: Progress,
  interrupt: AbortSignal,
): Promise<Stage> {
  const start = { number: 1, title: PROGRAMS_TITLE, timeoutSeconds: START_SECONDS };
  const stage = await tell(screen, start, interrupt, async () => {
    progress.stage = await openStage({ screen, without }, closers);
    await showPrograms(progress.stage);
    return progress.stage;
  });
  progress.told += 1;
  for (const step of STORY) {
    const { title, timeoutSeconds = STEP_SECONDS } = step;
    const act = { number: progress.told + 1, title, timeoutSeconds };
    await tell(screen, act, interrupt, (signal) => step.run(stage, signal));
    progress.told += 1;
  }
  return stage;
}

function sayFailed(error: unknown, { stage }: Progress): void {
  screen.blank();
  screen.failed(`FAILED: ${error instanceof StoryFailed ? error.message : String(error)}`);
  if (stage === undefined) return;
  screen.blank();
  screen.raw(`The gateway's log, its last ${LOG_LINES} lines:`);
  for (const line of stage.playground.gatewayOutput().trimEnd().split('\n').slice(-LOG_LINES)) screen.raw(`  ${line}`);
}

async function runDemo(once: boolean, without: readonly string[], interrupt: AbortSignal): Promise<number> {
  const began = Date.now();
  const closers = createClosers();
  const progress: Progress = { told: 0, total: STORY.length + 1, stage: undefined };
  const summary = (): void => {
    screen.blank();
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    screen.title(`${progress.told} of ${progress.total} steps went as told (${seconds} s)`);
  };
  try {
    screen.title('Piste: an agent, an ordinary Snowflake driver, and a gateway that decides, masks, asks and records');
    screen.raw('Everything runs on this machine, without network or account.');
    const stage = await tellStory(without, closers, progress, interrupt);
    summary();
    if (once) return 0;
    await leaveOneWaiting(stage, interrupt);
    await sayFarewell(stage);
    await untilAborted(interrupt);
    return 0;
  } catch (error) {
    if (interrupt.aborted) return EXIT_INTERRUPTED;
    sayFailed(error, progress);
    summary();
    return 1;
  } finally {
    if (interrupt.aborted) screen.raw('\nstopping …');
    await closers.close();
    if (interrupt.aborted) screen.raw('stopped; nothing is left running');
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

const EXIT_INTERRUPTED = 130;

function parseOptions(): { readonly once: boolean; readonly without: readonly string[] } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        without: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', default: false },
      },
    });
    if (!values.help) return values;
    process.stdout.write(USAGE);
    process.exitCode = 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
  }
  return undefined;
}

const options = parseOptions();
if (options !== undefined) {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      // Whatever does not end in time is killed with this process.
      setTimeout(() => process.exit(1), CLOSE_MILLISECONDS).unref();
      interrupt.abort();
    });
  }
  // Nobody reads on, as behind `| head`: the programs must still be stopped.
  process.stdout.on('error', () => interrupt.abort());
  process.exitCode = await runDemo(options.once, options.without, interrupt.signal);
  process.exit();
}
