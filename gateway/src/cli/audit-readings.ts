import { numberIn, type Registry, type RegistryEntry, readRegistry, textIn } from '@piste/verifier';
import { objectIn, stringIn } from './fields.js';
import { type CliIo, type CommandArguments, EXIT, InputError, UsageError } from './io.js';
import { openRecordings } from './open-recordings.js';
import { toJson, toLine } from './plain-text.js';
import { readTrust } from './read-trust.js';
import { layOutTable } from './table.js';
import { toUtc } from './time.js';

/** `piste audit readings`: who read recorded texts, as the registry says. Exit codes as of `piste audit verify`. */
export async function auditReadings(args: CommandArguments, io: CliIo): Promise<number> {
  const [name = args.directory, ...rest] = args.positionals;
  if (name === undefined || rest.length > 0)
    throw new UsageError('which recording? Name one or set PISTE_RECORDING_DIR');
  const trust = args.trust === undefined ? undefined : await readTrust(args.trust);
  const opened = await openRecordings([name], io);
  try {
    const [source] = opened.sources;
    const { registry, findings } = source === undefined ? NOTHING : await readRegistry(source);
    const broken = findings.find(({ severity }) => severity === 'tampered');
    if (broken !== undefined) {
      io.err(`WARNING: ${toLine(broken.message)}. Run: piste audit verify\n`);
      return EXIT.failed;
    }
    if (registry === undefined) throw new InputError(`${name} holds no registry`);
    const readings = registry.entries.filter(({ kind }) => kind === 'read');
    if (args.json) io.out(`${toJson({ readings: readings.map(toPlain) })}\n`);
    else io.out(`${render(readings).join('\n')}\n`);
    return vouch(registry, trust?.registry, io);
  } finally {
    await opened.close();
  }
}

const NOTHING = { registry: undefined, findings: [] };

/** What the registry's word is worth. */
function vouch({ keys }: Registry, trusted: string | undefined, io: CliIo): number {
  if (keys.some(({ vkey }) => vkey === trusted)) return EXIT.ok;
  const why =
    trusted === undefined
      ? 'no trust file vouches for the registry (--trust FILE)'
      : 'the trust file names another registry';
  io.err(`note: ${why}\n`);
  return EXIT.cannotConclude;
}

function toPlain({ timeMs, fields }: RegistryEntry): unknown {
  return { time: new Date(timeMs).toISOString(), ...fields };
}

function render(readings: readonly RegistryEntry[]): readonly string[] {
  if (readings.length === 0) return ['no readings'];
  const rows = readings.map(({ timeMs, fields }) => {
    const by = objectIn(fields, 'by');
    const { sessions } = fields;
    return [
      toUtc(timeMs),
      `${stringIn(by, 'user') ?? '?'}@${stringIn(by, 'host') ?? '?'}`,
      textIn(fields, 'command') ?? '?',
      Array.isArray(sessions) ? sessions.join(', ') : 'all',
      String(numberIn(fields, 'logs') ?? '?'),
    ];
  });
  return layOutTable([['TIME', 'CLAIMED BY', 'COMMAND', 'SESSIONS', 'LOGS'], ...rows], '  ', 64);
}
