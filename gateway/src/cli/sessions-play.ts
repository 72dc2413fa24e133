import type { OpenKey } from '@piste/verifier';
import type { LogRecord } from '../recording/index.js';
import { createPalette } from './colour.js';
import { writeDamages } from './damage.js';
import { type CliIo, type CommandArguments, EXIT } from './io.js';
import { createPieceJoiner } from './join-pieces.js';
import { whichSession } from './load-session.js';
import { createPacing } from './pacing.js';
import { toJson } from './plain-text.js';
import { type Proof, proveDirectories } from './proof.js';
import { toJsonRecord } from './record-json.js';
import { readingOf, recordReading } from './record-reading.js';
import { describeTally, isDoubtful, type SessionTally } from './session-proof.js';
import { type FoundSession, findSession, readSession } from './session-records.js';
import { createTimeline } from './timeline.js';

/**
 * `piste sessions play`. Exit code 1 when the session is unknown, its recording is damaged by more than an interrupted write,
 * records are missing that it must have, or the trust file given proves tampering.
 */
export async function sessionsPlay(args: CommandArguments, io: CliIo): Promise<number> {
  const { directory, id } = whichSession(args);
  const openKey = args.decryption?.openKey;
  const proof = await proveDirectories([directory], args.trust, openKey);
  const session = await findSession(directory, id);
  await recordReading(args, io, readingOf('sessions play', directory, session));
  const tally = args.json
    ? await playJson(directory, { session, proof, openKey }, io)
    : await playTimeline(directory, { session, proof, openKey }, { args, io });
  return isDoubtful(tally) ? EXIT.failed : EXIT.ok;
}

interface Played {
  readonly session: FoundSession;
  readonly proof: Proof | undefined;
  readonly openKey: OpenKey | undefined;
}

/** Not on a terminal nobody watches the time pass, so there it passes only where it was asked for. */
function speedOf({ speed, noWait }: CommandArguments, io: CliIo): number | undefined {
  if (noWait) return undefined;
  return speed ?? (io.isWatched ? 1 : undefined);
}

async function playTimeline(
  directory: string,
  { session, proof, openKey }: Played,
  { args, io }: { readonly args: CommandArguments; readonly io: CliIo },
): Promise<SessionTally> {
  const palette = createPalette(io.isTerminal);
  const timeline = createTimeline(palette);
  const from = args.from ?? 1;
  const pacing = createPacing({ speed: speedOf(args, io), maxIdleSeconds: args.skipIdleSeconds, sleep: io.sleep });
  const join = createPieceJoiner();
  let read = 0;
  let proven = 0;
  writeDamages(session.damages, io);
  if (from > 1) await io.write(`${palette.dim(`(records 1 to ${Math.min(from - 1, session.records)} not shown)`)}\n`);
  for await (const record of readSession(directory, session, { openKey })) {
    read += 1;
    if (proof?.isProven(record.log, record.index) === true) proven += 1;
    // Also what is not shown counts statements and names columns.
    const lines = timeline.render(join(record));
    if (read < from) continue;
    const idleMs = await pacing.before(record.leaf.timeMs);
    const idle = idleMs === undefined ? [] : [palette.dim(`            (idle for ${(idleMs / 1000).toFixed(3)} s)`)];
    await io.write([...idle, ...lines].map((line) => `${line}\n`).join(''));
  }
  const tally = { session, shown: Math.max(0, read - from + 1), read, proven, proof };
  for (const line of timeline.ending()) io.out(`${line}\n`);
  io.out(`\n${describeTally(tally, 'shown', palette).join('\n')}\n`);
  return tally;
}

/** Every byte, as one JSON document that is written while it is read. */
async function playJson(directory: string, { session, proof, openKey }: Played, io: CliIo): Promise<SessionTally> {
  let read = 0;
  let proven = 0;
  await io.write(`{\n  "session": ${toJson(session.id)},\n  "records": [`);
  for await (const record of readSession(directory, session, { openKey })) {
    if (proof?.isProven(record.log, record.index) === true) proven += 1;
    await io.write(`${read === 0 ? '' : ','}\n${toJson(jsonOf(record))}`);
    read += 1;
  }
  const tally = { session, shown: read, read, proven, proof };
  const { damages, claimed } = session;
  const ending = { read, claimed: claimed ?? null, verified: proof?.outcome ?? null, proven, damages };
  await io.write(`\n  ],\n${toJson(ending).slice(2, -2)}\n}\n`);
  writeDamages(damages, io);
  return tally;
}

function jsonOf(record: LogRecord): unknown {
  return toJsonRecord(record, 'text');
}
