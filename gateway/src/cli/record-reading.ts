import { randomUUID } from 'node:crypto';
import { listRecording, openDirectory, registryOrigin } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import { openRegistryLog } from '../registry/index.js';
import { type CliIo, type CommandArguments, UsageError } from './io.js';
import { loadIdentity, openDeployment, type RegistryPlace } from './registry-home.js';
import type { FoundSession } from './session-records.js';

/** What somebody is about to read. */
export interface Reading {
  readonly command: string;
  readonly directories: readonly string[];
  /** Whole ids; absent: all that there is. */
  readonly sessions?: readonly string[];
  /** Logs that it stands in. */
  readonly logs: number;
}

/**
 * To be called before anything recorded is shown. With the deployment's identity the reading stands in the registry when this
 * resolves, and it rejects where that cannot be; without it, standard error says that texts are opened without a record.
 */
export async function recordReading(args: CommandArguments, io: CliIo, reading: Reading): Promise<void> {
  const { identityKey, unrecorded } = args.reading;
  if (unrecorded && identityKey !== undefined)
    throw new UsageError('--unrecorded and --identity-key exclude each other');
  const file = unrecorded ? undefined : (identityKey ?? io.environment['PISTE_IDENTITY_KEY_FILE']);
  if (file !== undefined && file !== '') return appendReading(args, io, { reading, file });
  if (args.decryption === undefined) return;
  const how = unrecorded ? '' : '; --identity-key FILE records it';
  io.err(`note: this reading leaves no record in the registry${how}\n`);
}

/** The reading of one session. */
export function readingOf(command: string, directory: string, { id, recordsByLog }: FoundSession): Reading {
  return { command, directories: [directory], sessions: [id], logs: recordsByLog.size };
}

/** How many logs lie in these directories. */
export async function countLogs(directories: readonly string[]): Promise<number> {
  const listed = await Promise.all(directories.map((directory) => listRecording(openDirectory(directory))));
  return listed.reduce((sum, { logs }) => sum + logs.length, 0);
}

interface Recorded {
  readonly reading: Reading;
  /** Of the identity. */
  readonly file: string;
}

async function appendReading(args: CommandArguments, io: CliIo, { reading, file }: Recorded): Promise<void> {
  const { deployment = io.environment['PISTE_DEPLOYMENT'] || 'piste' } = args.reading;
  const { command, directories, sessions, logs } = reading;
  const signer = await loadIdentity(place(args, file, undefined), registryOrigin(deployment), io);
  const by = io.claimant();
  // Two readings that are alike are two entries.
  const fields = { id: randomUUID(), command, by, logs, ...(sessions === undefined ? {} : { sessions }) };
  for (const directory of directories) {
    const opened = await openDeployment(place(args, file, directory), io);
    try {
      const { store } = await opened.openRegistry();
      if ((await store.get('checkpoint')) === undefined) continue;
      const registry = openRegistryLog({ store, signer, nowMs: io.nowMs });
      await registry.append([{ kind: 'read', fields }]).catch((error: unknown) => {
        throw new Error(`this reading cannot be recorded, so nothing is shown: ${errorMessage(error)}`, {
          cause: error,
        });
      });
      return;
    } finally {
      opened.close();
    }
  }
  throw new UsageError(
    'there is no registry here to record this reading in: name it with --registry-dir, or say --unrecorded',
  );
}

function place({ reading }: CommandArguments, file: string, directory: string | undefined): RegistryPlace {
  const words: Readonly<Record<string, string | undefined>> = {
    dir: directory,
    'identity-key': file,
    'registry-dir': reading.registryDirectory,
  };
  return { text: (name) => words[name] };
}
