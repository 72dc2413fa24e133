import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { errorCode, errorMessage } from '../errors.js';
import { auditVerify } from './audit-verify.js';
import { HELP } from './help.js';
import { type CliIo, type CommandArguments, EXIT, UsageError } from './io.js';
import { toLine } from './plain-text.js';
import { sessionsList } from './sessions-list.js';
import { sessionsPlay } from './sessions-play.js';

const OPTIONS = {
  dir: { type: 'string' },
  trust: { type: 'string' },
  speed: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsOptionsConfig;

type OptionName = keyof typeof OPTIONS;

interface Command {
  readonly options: readonly OptionName[];
  run(args: CommandArguments, io: CliIo): Promise<number>;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['audit verify', { options: ['dir', 'trust', 'json'], run: auditVerify }],
  ['sessions list', { options: ['dir', 'json'], run: sessionsList }],
  ['sessions play', { options: ['dir', 'speed', 'json'], run: sessionsPlay }],
]);

/** Runs one command line; resolves to the exit code and never rejects. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`piste: ${toLine(error.message)}\n\n${HELP}`);
      return EXIT.usage;
    }
    io.err(`piste: ${toLine(explain(error))}\n`);
    return EXIT.failed;
  }
}

async function dispatch(argv: readonly string[], io: CliIo): Promise<number> {
  const [first = 'help', second = ''] = argv;
  if (first === 'help' || first === '--help' || first === '-h') {
    io.out(HELP);
    return EXIT.ok;
  }
  if (first === 'version' || first === '--version') {
    io.out(`piste ${io.version}\n`);
    return EXIT.ok;
  }
  const command = COMMANDS.get(`${first} ${second}`);
  if (command === undefined) throw new UsageError(`unknown command: ${[first, second].join(' ').trim()}`);
  const { values, positionals } = parse(argv.slice(2));
  if (values.help === true) {
    io.out(HELP);
    return EXIT.ok;
  }
  for (const name of Object.keys(values)) {
    if (!command.options.some((option) => option === name))
      throw new UsageError(`${first} ${second} takes no --${name}`);
  }
  const directory = values.dir ?? (io.environment['PISTE_RECORDING_DIR'] || undefined);
  const speed = parseSpeed(values.speed);
  return command.run({ positionals, directory, trust: values.trust, speed, json: values.json ?? false }, io);
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

function explain(error: unknown): string {
  return `${UNREADABLE.has(errorCode(error)) ? 'cannot be read: ' : ''}${errorMessage(error)}`;
}
