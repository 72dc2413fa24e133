import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createKeptNoteSigner,
  encodeShredText,
  isKeyName,
  openDirectory,
  type RecordingSource,
  registryOrigin,
} from '@piste/verifier';
import { createObjectErasure, createRegistryObjects, openObjectSource } from '../archive/index.js';
import {
  changeHold,
  createFileErasure,
  createFileStore,
  type ErasureDeps,
  type ErasurePort,
  type ErasureResult,
  loadSigner,
  loadSigningKey,
  openRegistryLog,
  pruneBodies,
  type RegistryLog,
  type RegistryStore,
  shredSession,
} from '../registry/index.js';
import { type CliIo, EXIT, UsageError } from './io.js';
import { openBucketStore } from './open-recordings.js';
import { plural, toLine } from './plain-text.js';
import type { RegistryArguments } from './registry-arguments.js';

/** `piste audit authorize`: prints an officer's signed agreement. */
export async function auditAuthorize(args: RegistryArguments, io: CliIo): Promise<number> {
  const sessionId = sessionOf(args);
  const name = args.need('name');
  if (!isKeyName(name)) throw new UsageError('--name has no spaces and no plus signs');
  const signer = createKeptNoteSigner(name, await loadSigningKey(args.need('key')));
  const request = { origin: originOf(args, io), sessionId, reason: args.need('reason') };
  io.out(signer.signNote(encodeShredText(request)));
  io.err(`signed as ${signer.vkey}\n`);
  return EXIT.ok;
}

/** `piste audit shred`. */
export async function auditShred(args: RegistryArguments, io: CliIo): Promise<number> {
  const sessionId = sessionOf(args);
  const reason = args.need('reason');
  const files = args.list('authorization');
  const authorizations = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const result = await shredSession(await erasureDeps(args, io), { sessionId, reason, authorizations });
  return report(result, 'key', io);
}

/** `piste audit retention`. */
export async function auditRetention(args: RegistryArguments, io: CliIo): Promise<number> {
  const days = Number(args.need('days'));
  if (!Number.isInteger(days) || days < 1 || days > 36_500) throw new UsageError('--days is a whole number from 1');
  const result = await pruneBodies(await erasureDeps(args, io), { days, reason: args.need('reason') });
  return report(result, 'segment', io);
}

/** `piste audit hold set` and `piste audit hold release`. */
export async function auditHold(v: 'set' | 'release', args: RegistryArguments, io: CliIo): Promise<number> {
  const registry = await openRegistry(await openPlace(args, io), args, io);
  const sessionId = args.text('session');
  const hold = { id: args.need('id'), v, reason: args.need('reason') };
  const index = await changeHold(registry, sessionId === undefined ? hold : { ...hold, sessionId });
  io.out(`hold ${toLine(hold.id)} ${v === 'set' ? 'set' : 'released'}: entry ${index} of the registry\n`);
  return EXIT.ok;
}

function sessionOf({ positionals }: RegistryArguments): string {
  const [sessionId, ...rest] = positionals;
  if (sessionId === undefined || rest.length > 0) throw new UsageError('name one session, by its whole id');
  return sessionId;
}

function directoryOf(args: RegistryArguments, io: CliIo): string {
  const directory = args.text('dir') ?? io.environment['PISTE_RECORDING_DIR'];
  if (!directory) throw new UsageError('which directory? Name it with --dir or set PISTE_RECORDING_DIR');
  return directory;
}

function originOf(args: RegistryArguments, io: CliIo): string {
  return registryOrigin(args.text('deployment') ?? (io.environment['PISTE_DEPLOYMENT'] || 'piste'));
}

/** Where the recording and its registry lie. */
interface Place {
  readonly store: RegistryStore;
  readonly source: RecordingSource;
  readonly registrySource: RecordingSource;
  readonly port: ErasurePort;
}

async function openPlace(args: RegistryArguments, io: CliIo): Promise<Place> {
  const name = directoryOf(args, io);
  const folder = args.text('registry-dir') ?? io.environment['PISTE_REGISTRY_DIR'];
  const place = name.startsWith('s3://') ? await bucketPlace(name, io) : directoryPlace(name);
  return folder ? { ...place, store: createFileStore(folder), registrySource: registryIn(folder) } : place;
}

function directoryPlace(directory: string): Place {
  const source = openDirectory(directory);
  const store = createFileStore(join(directory, 'registry'));
  return { store, source, registrySource: source, port: createFileErasure(directory) };
}

async function bucketPlace(name: string, io: CliIo): Promise<Place> {
  const bucket = await openBucketStore(name, io);
  const source = openObjectSource(bucket);
  const store = createRegistryObjects({ store: bucket, retention: undefined, nowMs: io.nowMs });
  return { store, source, registrySource: source, port: createObjectErasure(bucket) };
}

/** A registry's own folder as a recording that holds nothing else. */
function registryIn(folder: string): RecordingSource {
  const source = openDirectory(folder);
  return {
    ...source,
    list: async () => (await source.list()).map((file) => ({ ...file, path: `registry/${file.path}` })),
    read: (path, from, length) => source.read(path.slice('registry/'.length), from, length),
  };
}

async function openRegistry({ store }: Place, args: RegistryArguments, io: CliIo): Promise<RegistryLog> {
  const identity = args.text('identity-key') ?? io.environment['PISTE_IDENTITY_KEY_FILE'];
  if (!identity)
    throw new UsageError('which identity? Name its key file with --identity-key or set PISTE_IDENTITY_KEY_FILE');
  const { signer } = await loadSigner(identity, originOf(args, io));
  const registry = openRegistryLog({ store, signer, nowMs: io.nowMs });
  // A registry is opened by a gateway; a slip in the directory must not start another.
  if ((await registry.head()) === undefined) throw new UsageError('there is no registry here');
  return registry;
}

async function erasureDeps(args: RegistryArguments, io: CliIo): Promise<ErasureDeps> {
  const place = await openPlace(args, io);
  const { source, registrySource, port } = place;
  return { registry: await openRegistry(place, args, io), source, registrySource, ports: [port], nowMs: io.nowMs };
}

function report(result: ErasureResult, what: string, io: CliIo): number {
  if (!result.ok) {
    io.err(`piste: nothing was removed: ${toLine(result.refusal.message)}\n`);
    return result.refusal.kind === 'nothing' ? EXIT.ok : EXIT.failed;
  }
  const { index, removed, absent, damaged } = result;
  io.out(`entry ${index} of the registry; ${plural(removed, what)} removed, ${absent} not there\n`);
  for (const log of damaged) io.err(`log ${log} cannot be read to its end; what stands behind was not looked at\n`);
  return damaged.length === 0 ? EXIT.ok : EXIT.cannotConclude;
}
