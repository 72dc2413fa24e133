import { parseArgs } from 'node:util';
import { errorMessage } from '../errors.js';
import { auditAuthorize, auditHold, auditRetention, auditShred } from './audit-erase.js';
import { auditRotateIdentity } from './audit-rotate-identity.js';
import { type CliIo, UsageError } from './io.js';
import type { RegistryArguments } from './registry-arguments.js';
import { runWitness } from './witness.js';

interface RegistryCommand {
  readonly options: readonly string[];
  readonly lists?: readonly string[];
  readonly flags?: readonly string[];
  run(args: RegistryArguments, io: CliIo): Promise<number>;
}

const ERASING = ['dir', 'archive', 'identity-key', 'deployment', 'registry-dir', 'reason'] as const;

const COMMANDS: ReadonlyMap<string, RegistryCommand> = new Map<string, RegistryCommand>([
  ['audit authorize', { options: ['key', 'name', 'deployment', 'reason', 'dir'], run: auditAuthorize }],
  ['audit shred', { options: [...ERASING], lists: ['authorization'], run: auditShred }],
  ['audit hold set', { options: [...ERASING, 'id', 'session'], run: (args, io) => auditHold('set', args, io) }],
  ['audit hold release', { options: [...ERASING, 'id'], run: (args, io) => auditHold('release', args, io) }],
  ['audit retention', { options: [...ERASING, 'days'], run: auditRetention }],
  [
    'audit rotate-identity',
    {
      options: ['dir', 'archive', 'registry-dir', 'deployment', 'identity-key', 'new-identity-key'],
      flags: ['check'],
      run: auditRotateIdentity,
    },
  ],
  ['witness', { options: ['listen', 'key', 'name', 'state'], lists: ['log'], run: runWitness }],
]);

/** Runs the command the first words name; undefined when none of these is meant. */
export function runRegistryCommand(argv: readonly string[], io: CliIo): Promise<number> | undefined {
  for (const words of [3, 2, 1]) {
    const name = argv.slice(0, words).join(' ');
    const command = COMMANDS.get(name);
    if (command !== undefined) return command.run(readArguments(name, command, argv.slice(words)), io);
  }
  return undefined;
}

function readArguments(
  name: string,
  { options, lists = [], flags = [] }: RegistryCommand,
  argv: readonly string[],
): RegistryArguments {
  const { values, positionals } = parse(argv, { options, lists, flags });
  const text = (option: string): string | undefined => {
    const value = values[option];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    positionals,
    text,
    need(option) {
      const value = text(option);
      if (value === undefined || value === '') throw new UsageError(`${name} needs --${option}`);
      return value;
    },
    list(option) {
      const value = values[option];
      return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
    },
    flag: (option) => values[option] === true,
  };
}

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

function parse(
  argv: readonly string[],
  { options, lists, flags }: Required<Pick<RegistryCommand, 'options' | 'lists' | 'flags'>>,
): Parsed {
  const known = Object.fromEntries([
    ...options.map((option) => [option, { type: 'string' as const }]),
    ...lists.map((option) => [option, { type: 'string' as const, multiple: true }]),
    ...flags.map((option) => [option, { type: 'boolean' as const }]),
  ]);
  try {
    return parseArgs({ args: [...argv], options: known, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}
