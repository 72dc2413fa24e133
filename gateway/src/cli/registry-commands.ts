import { parseArgs } from 'node:util';
import { errorMessage } from '../errors.js';
import { auditAuthorize, auditHold, auditRetention, auditShred } from './audit-erase.js';
import { type CliIo, UsageError } from './io.js';
import type { RegistryArguments } from './registry-arguments.js';
import { runWitness } from './witness.js';

interface RegistryCommand {
  readonly options: readonly string[];
  readonly lists?: readonly string[];
  run(args: RegistryArguments, io: CliIo): Promise<number>;
}

const ERASING = ['dir', 'archive', 'identity-key', 'deployment', 'registry-dir', 'reason'] as const;

const COMMANDS: ReadonlyMap<string, RegistryCommand> = new Map<string, RegistryCommand>([
  ['audit authorize', { options: ['key', 'name', 'deployment', 'reason', 'dir'], run: auditAuthorize }],
  ['audit shred', { options: [...ERASING], lists: ['authorization'], run: auditShred }],
  ['audit hold set', { options: [...ERASING, 'id', 'session'], run: (args, io) => auditHold('set', args, io) }],
  ['audit hold release', { options: [...ERASING, 'id'], run: (args, io) => auditHold('release', args, io) }],
  ['audit retention', { options: [...ERASING, 'days'], run: auditRetention }],
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
  { options, lists = [] }: RegistryCommand,
  argv: readonly string[],
): RegistryArguments {
  const { values, positionals } = parse(argv, options, lists);
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
  };
}

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

function parse(argv: readonly string[], options: readonly string[], lists: readonly string[]): Parsed {
  const known = Object.fromEntries([
    ...options.map((option) => [option, { type: 'string' as const }]),
    ...lists.map((option) => [option, { type: 'string' as const, multiple: true }]),
  ]);
  try {
    return parseArgs({ args: [...argv], options: known, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}
