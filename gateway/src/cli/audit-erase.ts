import { readFile } from 'node:fs/promises';
import { createKeptNoteSigner, encodeShredText, isKeyName, registryOrigin } from '@piste/verifier';
import { changeHold, type ErasureDeps, loadSigningKey, pruneBodies, shredSession } from '../registry/index.js';
import { type ErasurePlaces, openErasurePlaces } from './erasure-places.js';
import { createProgress, reportErasure, reportHold } from './erasure-report.js';
import { type CliIo, EXIT, UsageError } from './io.js';
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
  return withPlaces(args, io, async (places) => {
    const result = await shredSession(toErasureDeps(places, io), { sessionId, reason, authorizations });
    return reportErasure(result, places.hasArchive ? 'stored key' : 'key', io);
  });
}

/** `piste audit retention`. */
export async function auditRetention(args: RegistryArguments, io: CliIo): Promise<number> {
  const days = Number(args.need('days'));
  if (!Number.isInteger(days) || days < 1 || days > 36_500) throw new UsageError('--days is a whole number from 1');
  const reason = args.need('reason');
  return withPlaces(args, io, async (places) => {
    const result = await pruneBodies(toErasureDeps(places, io), { days, reason });
    return reportErasure(result, places.hasArchive ? 'stored segment' : 'segment', io);
  });
}

/** `piste audit hold set` and `piste audit hold release`. */
export async function auditHold(v: 'set' | 'release', args: RegistryArguments, io: CliIo): Promise<number> {
  const sessionId = args.text('session');
  const hold = { id: args.need('id'), v, reason: args.need('reason') };
  return withPlaces(args, io, async (places) => {
    const deps = { ...toErasureDeps(places, io), ports: places.holds };
    const result = await changeHold(deps, sessionId === undefined ? hold : { ...hold, sessionId });
    return reportHold(result, hold, io);
  });
}

async function withPlaces(
  args: RegistryArguments,
  io: CliIo,
  act: (places: ErasurePlaces) => Promise<number>,
): Promise<number> {
  const places = await openErasurePlaces(args, originOf(args, io), io);
  try {
    return await act(places);
  } finally {
    places.close();
  }
}

function toErasureDeps({ registry, source, registrySource, erasure }: ErasurePlaces, io: CliIo): ErasureDeps {
  return { registry, source, registrySource, ports: erasure, nowMs: io.nowMs, progress: createProgress(io) };
}

function sessionOf({ positionals }: RegistryArguments): string {
  const [sessionId, ...rest] = positionals;
  if (sessionId === undefined || rest.length > 0) throw new UsageError('name one session, by its whole id');
  return sessionId;
}

/** The registry's name in the deployment that is meant. */
export function originOf(args: RegistryArguments, io: CliIo): string {
  return registryOrigin(args.text('deployment') ?? (io.environment['PISTE_DEPLOYMENT'] || 'piste'));
}
