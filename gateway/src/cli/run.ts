import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { errorCode, errorMessage } from '../errors.js';
import { auditBundle } from './audit-bundle.js';
import { auditVerify } from './audit-verify.js';
import { explain } from './explain.js';
import { HELP } from './help.js';
import { type CliIo, type CommandArguments, EXIT, InputError, POLICY_EXIT, UsageError } from './io.js';
import { toLine } from './plain-text.js';
import { policyBacktest } from './policy-backtest.js';
import { policyTest } from './policy-test.js';
import { sessionsList } from './sessions-list.js';
import { sessionsPlay } from './sessions-play.js';
import { sessionsServe } from './sessions-serve.js';

const OPTIONS = {
  dir: { type: 'string' },
  trust: { type: 'string' },
  speed: { type: 'string' },
  json: { type: 'boolean' },
  as: { type: 'string', multiple: true },
  resources: { type: 'string' },
  connection: { type: 'string' },
  catalog: { type: 'string' },
  database: { type: 'string' },
  schema: { type: 'string' },
  role: { type: 'string' },
  output: { type: 'string', short: 'o' },
  junit: { type: 'string' },
  listen: { type: 'string' },
  policies: { type: 'string' },
  recording: { type: 'string' },
  since: { type: 'string' },
  session: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsOptionsConfig;

type OptionName = keyof typeof OPTIONS;

interface Command {
  readonly options: readonly OptionName[];
  /** Exit code for arguments that make no sense. */
  readonly usage: number;
  run(args: CommandArguments, io: CliIo): Promise<number>;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['audit bundle', { options: ['dir', 'session', 'since', 'trust', 'output'], usage: EXIT.usage, run: auditBundle }],
  ['audit verify', { options: ['dir', 'trust', 'json'], usage: EXIT.usage, run: auditVerify }],
  ['sessions list', { options: ['dir', 'json'], usage: EXIT.usage, run: sessionsList }],
  ['sessions play', { options: ['dir', 'speed', 'json'], usage: EXIT.usage, run: sessionsPlay }],
  ['sessions serve', { options: ['dir', 'listen', 'trust', 'json'], usage: EXIT.usage, run: sessionsServe }],
  [
    'explain',
    {
      options: ['as', 'resources', 'connection', 'catalog', 'database', 'schema', 'role', 'output', 'json'],
      usage: POLICY_EXIT.usage,
      run: explain,
    },
  ],
  ['policy test', { options: ['json', 'junit'], usage: POLICY_EXIT.usage, run: policyTest }],
  [
    'policy backtest',
    {
      options: ['policies', 'recording', 'dir', 'since', 'session', 'trust', 'catalog', 'json'],
      usage: EXIT.usage,
      run: policyBacktest,
    },
  ],
]);

interface Choice {
  readonly name: string;
  readonly command: Command;
  readonly rest: readonly string[];
}

/** The command that the first words name. */
function choose(argv: readonly string[]): Choice | undefined {
  for (const words of [1, 2]) {
    const name = argv.slice(0, words).join(' ');
    const command = COMMANDS.get(name);
    if (command !== undefined) return { name, command, rest: argv.slice(words) };
  }
  return undefined;
}

/** Runs one command line; resolves to the exit code and never rejects. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const choice = choose(argv);
  try {
    return choice === undefined ? withoutCommand(argv, io) : await dispatch(choice, io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`piste: ${toLine(error.message)}\n\n${HELP}`);
      return choice?.command.usage ?? EXIT.usage;
    }
    io.err(`piste: ${toLine(describeError(error))}\n`);
    return error instanceof InputError ? (choice?.command.usage ?? EXIT.usage) : EXIT.failed;
  }
}

function withoutCommand([first = 'help', second = '']: readonly string[], io: CliIo): number {
  if (first === 'help' || first === '--help' || first === '-h') {
    io.out(HELP);
    return EXIT.ok;
  }
  if (first === 'version' || first === '--version') {
    io.out(`piste ${io.version}\n`);
    return EXIT.ok;
  }
  throw new UsageError(`unknown command: ${[first, second].join(' ').trim()}`);
}

async function dispatch({ name, command, rest }: Choice, io: CliIo): Promise<number> {
  const { values, positionals } = parse(rest);
  if (values.help === true) {
    io.out(HELP);
    return EXIT.ok;
  }
  for (const option of Object.keys(values)) {
    if (!command.options.some((known) => known === option)) throw new UsageError(`${name} takes no --${option}`);
  }
  return command.run(
    {
      positionals,
      directory: values.recording ?? values.dir ?? (io.environment['PISTE_RECORDING_DIR'] || undefined),
      trust: values.trust,
      speed: parseSpeed(values.speed),
      json: values.json ?? false,
      as: values.as ?? [],
      resources: values.resources,
      connection: values.connection,
      catalog: values.catalog,
      database: values.database,
      schema: values.schema,
      role: values.role,
      output: values.output,
      junit: values.junit,
      listen: values.listen,
      policies: values.policies,
      since: values.since,
      session: values.session,
    },
    io,
  );
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

function parseSpeed(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const speed = Number(text);
  if (!(speed > 0 && speed <= 1000)) throw new UsageError('--speed is a number above 0, at most 1000');
  return speed;
}

const UNREADABLE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EACCES']);

function describeError(error: unknown): string {
  return `${UNREADABLE.has(errorCode(error)) ? 'cannot be read: ' : ''}${errorMessage(error)}`;
}
