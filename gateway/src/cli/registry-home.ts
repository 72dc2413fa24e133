import { join } from 'node:path';
import { type NoteSigner, openDirectory, type RecordingSource } from '@piste/verifier';
import { createRegistryObjects, type ObjectStore, openObjectSource, type Retention } from '../archive/index.js';
import { createFileStore, loadSigner, type RegistryStore } from '../registry/index.js';
import { type CliIo, UsageError } from './io.js';
import { readLockDays } from './lock-days.js';
import { openBucketStore } from './open-recordings.js';
import type { RegistryArguments } from './registry-arguments.js';

/** Options that say where a registry is. */
export type RegistryPlace = Pick<RegistryArguments, 'text'>;

/** A registry that may be written to. */
export interface RegistryHome {
  readonly store: RegistryStore;
  /** Its files as of now, with the paths they have in a recording. */
  readonly source: () => RecordingSource;
}

/** Where a deployment's recording lies. */
export interface DeploymentPlace {
  readonly directory: string | undefined;
  readonly archive: ObjectStore | undefined;
  /** In its own folder where one is named, else in the archive, else in the directory, as the gateway does. */
  readonly openRegistry: () => Promise<RegistryHome>;
  readonly close: () => void;
}

/** Opens what the options or `PISTE_…` name. Nothing is written yet. */
export async function openDeployment(args: RegistryPlace, io: CliIo): Promise<DeploymentPlace> {
  const { environment } = io;
  const named = (args.text('dir') ?? environment['PISTE_RECORDING_DIR']) || undefined;
  const isBucket = named?.startsWith('s3://') === true;
  const directory = isBucket ? undefined : named;
  const url = args.text('archive') ?? (isBucket ? named : environment['PISTE_ARCHIVE_URL'] || undefined);
  const folder = (args.text('registry-dir') ?? environment['PISTE_REGISTRY_DIR']) || undefined;
  const archive = url === undefined ? undefined : await openBucketStore(url, io);
  return {
    directory,
    archive,
    openRegistry: () => openHome({ directory, store: archive, folder }, io),
    close: () => archive?.close(),
  };
}

/** The deployment's identity, whose file `--identity-key` or `PISTE_IDENTITY_KEY_FILE` names. */
export async function loadIdentity(args: RegistryPlace, origin: string, io: CliIo): Promise<NoteSigner> {
  const file = args.text('identity-key') ?? io.environment['PISTE_IDENTITY_KEY_FILE'];
  if (!file)
    throw new UsageError('which identity? Name its key file with --identity-key or set PISTE_IDENTITY_KEY_FILE');
  return (await loadSigner(file, origin)).signer;
}

interface HomeSearch {
  readonly directory: string | undefined;
  readonly store: ObjectStore | undefined;
  readonly folder: string | undefined;
}

async function openHome({ directory, store, folder }: HomeSearch, io: CliIo): Promise<RegistryHome> {
  const own = folder ?? (store === undefined && directory !== undefined ? join(directory, 'registry') : undefined);
  if (own !== undefined) return { store: createFileStore(own), source: () => openRegistryFolder(own) };
  if (store === undefined) throw new UsageError('which registry? Name its folder with --registry-dir');
  const retention = await retentionOf(store, io);
  return {
    store: createRegistryObjects({ store, retention, nowMs: io.nowMs }),
    source: () => openObjectSource(store, 'registry/'),
  };
}

/** Whole tiles are locked as the gateway locks them. */
async function retentionOf(store: ObjectStore, { environment }: CliIo): Promise<Retention | undefined> {
  const { enabled } = await store.lockConfiguration();
  return enabled ? readLockDays(environment) : undefined;
}

/** A registry's folder, with the paths it has in a recording. */
function openRegistryFolder(folder: string): RecordingSource {
  const files = openDirectory(folder);
  const prefix = 'registry/';
  return {
    label: folder,
    list: async () => (await files.list()).map((file) => ({ ...file, path: `${prefix}${file.path}` })),
    read: (path, from, length) => files.read(path.slice(prefix.length), from, length),
    close: () => files.close(),
  };
}
