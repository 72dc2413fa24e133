import { join } from 'node:path';
import { openDirectory, type RecordingSource } from '@piste/verifier';
import {
  createObjectErasure,
  createObjectHolds,
  createRegistryObjects,
  type ObjectStore,
  openObjectSource,
  type Retention,
  splitSegment,
} from '../archive/index.js';
import {
  createFileErasure,
  createFileStore,
  type ErasurePort,
  type HoldPort,
  loadSigner,
  openRegistryLog,
  type RegistryLog,
  type RegistryStore,
} from '../registry/index.js';

import { openBothPlaces } from './both-places.js';
import { type CliIo, UsageError } from './io.js';
import { readLockDays } from './lock-days.js';
import { openBucketStore } from './open-recordings.js';
import type { RegistryArguments } from './registry-arguments.js';

/** Where a deployment's recording lies, and its registry. */
export interface ErasurePlaces {
  readonly registry: RegistryLog;
  /** Every record there is. */
  readonly source: RecordingSource;
  /** The registry's files as of now. */
  readonly registrySource: () => RecordingSource;
  readonly erasure: readonly ErasurePort[];
  readonly holds: readonly HoldPort[];
  readonly hasArchive: boolean;
  close(): void;
}

/**
 * Opens the directory and the archive that the options or `PISTE_…` name, at least one of them, and the registry: in its own
 * folder where one is named, else in the archive, else in the directory, as the gateway does. Nothing is written yet.
 */
export async function openErasurePlaces(args: RegistryArguments, origin: string, io: CliIo): Promise<ErasurePlaces> {
  const { environment } = io;
  const identity = args.text('identity-key') ?? environment['PISTE_IDENTITY_KEY_FILE'];
  if (!identity)
    throw new UsageError('which identity? Name its key file with --identity-key or set PISTE_IDENTITY_KEY_FILE');
  const named = (args.text('dir') ?? environment['PISTE_RECORDING_DIR']) || undefined;
  const isBucket = named?.startsWith('s3://') === true;
  const directory = isBucket ? undefined : named;
  const url = args.text('archive') ?? (isBucket ? named : environment['PISTE_ARCHIVE_URL'] || undefined);
  const folder = (args.text('registry-dir') ?? environment['PISTE_REGISTRY_DIR']) || undefined;
  const { signer } = await loadSigner(identity, origin);
  const store = url === undefined ? undefined : await openBucketStore(url, io);
  try {
    const places = placesOf(directory, store, io);
    const home = await openHome({ directory, store, folder }, io);
    const registry = openRegistryLog({ store: home.store, signer, nowMs: io.nowMs });
    // A registry is opened by a gateway; a slip in the place must not start another.
    if ((await registry.head()) === undefined) throw new UsageError(`there is no registry here: ${home.store.label}`);
    return {
      ...places,
      registry,
      registrySource: home.source,
      hasArchive: store !== undefined,
      close: () => store?.close(),
    };
  } catch (error) {
    store?.close();
    throw error;
  }
}

function placesOf(
  directory: string | undefined,
  store: ObjectStore | undefined,
  { nowMs }: CliIo,
): Pick<ErasurePlaces, 'source' | 'erasure' | 'holds'> {
  if (store === undefined) {
    if (directory === undefined)
      throw new UsageError('which directory? Name it with --dir or set PISTE_RECORDING_DIR; or name an archive');
    return { source: openDirectory(directory), erasure: [createFileErasure(directory)], holds: [] };
  }
  const archived = openObjectSource(store);
  const bucket = createObjectErasure(store, nowMs);
  const holds = [createObjectHolds(store)];
  if (directory === undefined) return { source: archived, erasure: [bucket], holds };
  // The directory first: a gateway could archive again what is still there.
  const local = createFileErasure(directory, (segment) => splitSegment(segment).entries);
  return { source: openBothPlaces(directory, archived), erasure: [local, bucket], holds };
}

interface RegistryHome {
  readonly store: RegistryStore;
  readonly source: () => RecordingSource;
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
