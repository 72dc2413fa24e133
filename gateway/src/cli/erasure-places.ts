import { openDirectory, type RecordingSource } from '@piste/verifier';
import {
  createObjectErasure,
  createObjectHolds,
  type ObjectStore,
  openObjectSource,
  splitSegment,
} from '../archive/index.js';
import {
  createFileErasure,
  type ErasurePort,
  type HoldPort,
  openRegistryLog,
  type RegistryLog,
} from '../registry/index.js';

import { openBothPlaces } from './both-places.js';
import { type CliIo, UsageError } from './io.js';
import type { RegistryArguments } from './registry-arguments.js';
import { loadIdentity, openDeployment } from './registry-home.js';

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
  const signer = await loadIdentity(args, origin, io);
  const { directory, archive: store, openRegistry, close } = await openDeployment(args, io);
  try {
    const places = placesOf(directory, store, io);
    const home = await openRegistry();
    const registry = openRegistryLog({ store: home.store, signer, nowMs: io.nowMs });
    // A registry is opened by a gateway; a slip in the place must not start another.
    if ((await registry.head()) === undefined) throw new UsageError(`there is no registry here: ${home.store.label}`);
    return {
      ...places,
      registry,
      registrySource: home.source,
      hasArchive: store !== undefined,
      close,
    };
  } catch (error) {
    close();
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
