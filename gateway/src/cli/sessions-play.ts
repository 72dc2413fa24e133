import type { LogRecord } from '../recording/index.js';
import { createPalette } from './colour.js';
import { renderDamages } from './damage.js';
import { type CliIo, type CommandArguments, EXIT } from './io.js';
import { loadSession, whichSession } from './load-session.js';
import { toJson } from './plain-text.js';
import { createTimeline } from './timeline.js';

/** Longer pauses are shortened to this before `--speed` divides them. */
const MAX_PAUSE_MS = 5000;

/** `piste sessions play`. Exit code 1 when the session is unknown or its log is damaged by more than an interrupted write. */
export async function sessionsPlay(args: CommandArguments, io: CliIo): Promise<number> {
  const { directory, id } = whichSession(args);
  const { records, damages } = await loadSession(directory, id);
  const isDamaged = damages.some(({ problem }) => problem.severity === 'tampered');
  if (args.json) io.out(`${toJson({ session: id, damages, records: records.map(toJsonRecord) })}\n`);
  else {
    io.err(
      renderDamages(damages)
        .map((line) => `${line}\n`)
        .join(''),
    );
    await play(records, args.speed, io);
  }
  return isDamaged ? EXIT.failed : EXIT.ok;
}

async function play(records: readonly LogRecord[], speed: number | undefined, io: CliIo): Promise<void> {
  const timeline = createTimeline(createPalette(io.isTerminal));
  let lastMs = records[0]?.leaf.timeMs ?? 0;
  for (const record of records) {
    const pauseMs = Math.min(record.leaf.timeMs - lastMs, MAX_PAUSE_MS);
    lastMs = record.leaf.timeMs;
    if (speed !== undefined && pauseMs > 0) await io.sleep(pauseMs / speed);
    io.out(
      timeline
        .render(record)
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
}

function toJsonRecord({ log, index, leafHash, leaf, bodies }: LogRecord): unknown {
  const { kind, timeMs, monotonicMicros, strand, statementHash, fields } = leaf;
  const held = Object.fromEntries([...bodies].map(([name, bytes]) => [name, toJsonBody(bytes)]));
  return {
    log,
    index,
    leafHash,
    kind,
    timeMs,
    monotonicMicros,
    strand: strand?.number,
    statementHash,
    fields,
    bodies: held,
  };
}

/** Text as text; bytes that are no UTF-8 as base64. */
function toJsonBody(bytes: Buffer): { readonly text: string } | { readonly base64: string } {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? { text } : { base64: bytes.toString('base64') };
}
