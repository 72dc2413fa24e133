import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { errorCode, errorMessage } from '../errors.js';
import { auditBundle } from './audit-bundle.js';
import { auditReadings } from './audit-readings.js';
import { auditReconcile } from './audit-reconcile.js';
import { auditVerify } from './audit-verify.js';
import { loadDecryption } from './decryption.js';
import { explain } from './explain.js';
import { sessionsExport } from './export/index.js';
import { HELP } from './help.js';
import { type CliIo, type CommandArguments, EXIT, InputError, POLICY_EXIT, UsageError } from './io.js';
import { toLine } from './plain-text.js';
import { policyBacktest } from './policy-backtest.js';
import { policyTest } from './policy-test.js';
import { runRegistryCommand } from './registry-commands.js';
import { search } from './search/index.js';
import { sessionsList } from './sessions-list.js';
import { sessionsPlay } from './sessions-play.js';
import { sessionsServe } from './sessions-serve.js';
import { sessionsShow } from './sessions-show.js';

const OPTIONS = {
  dir: { type: 'string' },
  trust: { type: 'string' },
  identity: { type: 'string' },
  speed: { type: 'string' },
  'no-wait': { type: 'boolean' },
  'skip-idle': { type: 'string' },
  from: { type: 'string' },
  format: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  bodies: { type: 'string' },
  'ocsf-version': { type: 'string' },
  index: { type: 'string' },
  fresh: { type: 'boolean' },
  limit: { type: 'string' },
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
  session: { type: 'string' },
  history: { type: 'string' },
  'whole-logs': { type: 'boolean' },
  keys: { type: 'boolean' },
  proofs: { type: 'string' },
  deep: { type: 'boolean' },
  user: { type: 'string' },
  lag: { type: 'string' },
  gateway: { type: 'string' },
  'token-file': { type: 'string' },
  quick: { type: 'boolean' },
  'hybrid-tables': { type: 'boolean' },
  'identity-key': { type: 'string' },
  deployment: { type: 'string' },
  'registry-dir': { type: 'string' },
  unrecorded: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsOptionsConfig;

type OptionName = keyof typeof OPTIONS;

interface Command {
  readonly options: readonly OptionName[];
  /** Exit code for arguments that make no sense. */
  readonly usage: number;
  run(args: CommandArguments, io: CliIo): Promise<number>;
}

/** Of commands that show what was recorded. */
const READING = ['identity-key', 'deployment', 'registry-dir', 'unrecorded'] as const;

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['audit readings', { options: ['dir', 'trust', 'json'], usage: EXIT.usage, run: auditReadings }],
  [
    'audit bundle',
    {
      options: ['dir', 'session', 'since', 'whole-logs', 'keys', 'trust', 'output', ...READING],
      usage: EXIT.usage,
      run: auditBundle,
    },
  ],
  [
    'audit verify',
    {
      options: ['dir', 'trust', 'identity', 'history', 'session', 'proofs', 'deep', 'json'],
      usage: EXIT.usage,
      run: auditVerify,
    },
  ],
  [
    'audit reconcile',
    {
      options: [
        'dir',
        'history',
        'trust',
        'since',
        'user',
        'connection',
        'lag',
        'quick',
        'hybrid-tables',
        'gateway',
        'token-file',
        'identity',
        'json',
      ],
      usage: EXIT.usage,
      run: auditReconcile,
    },
  ],
  ['sessions list', { options: ['dir', 'json'], usage: EXIT.usage, run: sessionsList }],
  [
    'sessions serve',
    { options: ['dir', 'listen', 'trust', 'identity', 'json', ...READING], usage: EXIT.usage, run: sessionsServe },
  ],
  [
    'sessions play',
    {
      options: ['dir', 'trust', 'identity', 'speed', 'no-wait', 'skip-idle', 'from', 'json', ...READING],
      usage: EXIT.usage,
      run: sessionsPlay,
    },
  ],
  [
    'sessions show',
    { options: ['dir', 'trust', 'identity', 'json', ...READING], usage: EXIT.usage, run: sessionsShow },
  ],
  [
    'sessions export',
    {
      options: ['dir', 'identity', 'format', 'since', 'until', 'bodies', 'ocsf-version', 'output', ...READING],
      usage: EXIT.usage,
      run: sessionsExport,
    },
  ],
  [
    'search',
    {
      options: ['dir', 'trust', 'identity', 'index', 'fresh', 'limit', 'json', ...READING],
      usage: EXIT.usage,
      run: search,
    },
  ],
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
      options: ['policies', 'recording', 'dir', 'since', 'session', 'trust', 'identity', 'catalog', 'json', ...READING],
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
    const registry = runRegistryCommand(argv, io);
    if (registry !== undefined) return await registry;
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
  const { values, positionals } = parse(name === 'search' ? guardQueries(rest) : rest);
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
      decryption: await loadDecryption(values.identity),
      reading: {
        identityKey: values['identity-key'],
        deployment: values.deployment,
        registryDirectory: values['registry-dir'],
        unrecorded: values.unrecorded ?? false,
      },
      speed: parseSpeed(values.speed),
      noWait: values['no-wait'] ?? false,
      skipIdleSeconds: parseIdle(values['skip-idle']),
      from: parseCount('from', values.from),
      json: values.json ?? false,
      as: values.as ?? [],
      resources: values.resources,
      connection: values.connection,
      catalog: values.catalog,
      database: values.database,
      schema: values.schema,
      role: values.role,
      format: values.format,
      since: values.since,
      until: values.until,
      bodies: values.bodies,
      ocsfVersion: values['ocsf-version'],
      index: values.index,
      fresh: values.fresh ?? false,
      limit: parseCount('limit', values.limit),
      output: values.output,
      junit: values.junit,
      listen: values.listen,
      policies: values.policies,
      session: values.session,
      history: values.history,
      wholeLogs: values['whole-logs'] ?? false,
      keys: values.keys ?? false,
      proofs: values.proofs,
      deep: values.deep ?? false,
      user: values.user,
      lag: values.lag,
      gateway: values.gateway,
      tokenFile: values['token-file'],
      quick: values.quick ?? false,
      hybridTables: values['hybrid-tables'] ?? false,
    },
    io,
  );
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: giveIdleSeconds(args), options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/** A query may begin with a minus, which is no option: behind a blank, which queries ignore, it is a word. */
function guardQueries(args: readonly string[]): readonly string[] {
  return args.map((word) => (/^-[^-]/.test(word) && word !== '-h' ? ` ${word}` : word));
}

const IDLE_SECONDS = '5';

/** `--skip-idle` may stand without its seconds, which `parseArgs` has no way to say. */
function giveIdleSeconds(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  const at = args.indexOf('--skip-idle');
  if (at === -1 || (end !== -1 && end < at)) return [...args];
  const next = args[at + 1] ?? '';
  const hasSeconds = /^\d+(\.\d+)?$/.test(next);
  const given = `--skip-idle=${hasSeconds ? next : IDLE_SECONDS}`;
  return [...args.slice(0, at), given, ...args.slice(at + (hasSeconds ? 2 : 1))];
}

const MAX_IDLE_SECONDS = 86_400;

function parseIdle(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= MAX_IDLE_SECONDS))
    throw new UsageError(`--skip-idle is a number of seconds above 0, at most ${MAX_IDLE_SECONDS}`);
  return seconds;
}

function parseCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < 1)
    throw new UsageError(`--${name} is a whole number from 1`);
  return count;
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
