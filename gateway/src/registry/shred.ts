import {
  erasuresIn,
  type Hold,
  holdsIn,
  officersAt,
  officersWhoSigned,
  type RecordingSource,
  type RegistryEntry,
  readLog,
  SHRED_OFFICERS,
  textIn,
} from '@piste/verifier';
import { doEach, type ErasureDeps, type ErasureResult, entriesOf, NO_REGISTRY, refuse } from './erasure.js';
import type { ErasurePort } from './erasure-port.js';

export interface Shredding {
  readonly sessionId: string;
  readonly reason: string;
  /** Signed notes of officers over `encodeShredText`. */
  readonly authorizations: readonly string[];
}

/**
 * Destroys the keys of a session in every writer: its bodies can never be read again, while every record and digest stays
 * provable. The registry says so before the first key goes. Needs two officers' agreement and no hold. Asked again, it
 * finishes what was interrupted and says nothing twice.
 */
export async function shredSession(deps: ErasureDeps, shredding: Shredding): Promise<ErasureResult> {
  const { registry, source, ports } = deps;
  const { sessionId, reason, authorizations } = shredding;
  const entries = await entriesOf(deps);
  if (entries === undefined) return refuse('no-registry', NO_REGISTRY);
  const hold = holdOn(entries, sessionId);
  if (hold !== undefined) return refuse('held', `hold ${hold.id} protects it: ${hold.reason}`);
  const request = { origin: registry.origin, sessionId, reason };
  const signed = await officersWhoSigned(request, authorizations, officersAt(entries, entries.length));
  if (signed.length < SHRED_OFFICERS)
    return refuse('not-authorized', `${signed.length} of ${SHRED_OFFICERS} different officers agreed to this reason`);
  const { keys, damaged } = await findSessionKeys(source, sessionId);
  if (keys.length === 0) return refuse('nothing', 'no key of this session is in the recording');
  const held = await findHeld(ports, keys);
  if (held !== undefined) return refuse('held', `${held} is under a legal hold of the store`);
  const said = whatIsSaid(entries, keys);
  const fields = {
    sid: sessionId,
    reason,
    keys: keys.map(({ origin, number }) => ({ n: number, origin })),
    authorizations: [...authorizations],
  };
  const index = said ?? (await registry.append([{ kind: 'shred', fields }]));
  // Somebody may have set a hold since the registry was read: the entry alone destroys nothing.
  const later = holdOn((await entriesOf(deps)) ?? [], sessionId);
  if (later !== undefined) return refuse('held', `hold ${later.id} was set meanwhile: ${later.reason}`);
  return { ok: true, index, ...(await removeKeys(deps, keys)), kept: [], damaged };
}

function holdOn(entries: readonly RegistryEntry[], sessionId: string): Hold | undefined {
  return holdsIn(entries).find((each) => each.sessionId === undefined || each.sessionId === sessionId);
}

/** The newest entry that names one of the keys, where all of them are named. */
function whatIsSaid(entries: readonly RegistryEntry[], keys: readonly SessionKey[]): number | undefined {
  const erasures = erasuresIn({ entries });
  const said = keys.map(({ origin, number }) => erasures.key(origin, number)?.index);
  return said.every((index) => index !== undefined) ? Math.max(...said) : undefined;
}

async function findHeld(ports: readonly ErasurePort[], keys: readonly SessionKey[]): Promise<string | undefined> {
  for (const port of ports) {
    for (const { ulid, number } of keys) {
      const { kind } = await port.stateOfKey(ulid, number);
      if (kind === 'held' || kind === 'locked') return `${keyPath(ulid, number)} in ${port.label}`;
    }
  }
  return undefined;
}

async function removeKeys({ ports, progress }: ErasureDeps, keys: readonly SessionKey[]) {
  const work = ports.flatMap((port) => keys.map((key) => ({ port, key })));
  let removed = 0;
  let absent = 0;
  const notDone = await doEach(
    work,
    async ({ port, key: { ulid, number } }) => {
      if (await port.removeKey(ulid, number)) removed += 1;
      else absent += 1;
    },
    {
      nameOf: ({ port, key: { ulid, number } }) => `${keyPath(ulid, number)} in ${port.label}`,
      done: (count) => progress?.('keys', count, work.length),
    },
  );
  return { removed, absent, notDone };
}

function keyPath(ulid: string, number: number): string {
  return `${ulid}/keys/${number}.age`;
}

/** A key of one session in one log, as its record names it; its file may be gone. */
export interface SessionKey {
  readonly ulid: string;
  readonly origin: string;
  readonly number: number;
}

async function findSessionKeys(
  source: RecordingSource,
  sessionId: string,
): Promise<{ readonly keys: readonly SessionKey[]; readonly damaged: readonly string[] }> {
  const keys: SessionKey[] = [];
  const records = readLog(source, { keepBody: () => false });
  let origin = '';
  for (;;) {
    const step = await records.next();
    if (step.done) return { keys, damaged: step.value.map(({ log }) => log) };
    const { leaf, log } = step.value;
    if (leaf.kind === 'writer.open') origin = textIn(leaf.fields, 'origin') ?? '';
    if (leaf.kind === 'key' && leaf.strand?.sessionId === sessionId)
      keys.push({ ulid: log, origin, number: Number(leaf.fields['n']) });
  }
}
