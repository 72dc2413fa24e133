import { type LogDamage, type LogRecord, readLog } from '../recording/index.js';
import { createPalette } from './colour.js';
import { renderDamages } from './damage.js';
import { type CliIo, type CommandArguments, EXIT, UsageError } from './io.js';
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

function whichSession({ positionals, directory }: CommandArguments): {
  readonly directory: string;
  readonly id: string;
} {
  const [first, second, ...rest] = positionals;
  if (first === undefined || rest.length > 0) throw new UsageError('which session? Name its id');
  if (second !== undefined) return { directory: first, id: second };
  if (directory === undefined)
    throw new UsageError('which directory? Name it before the id or set PISTE_RECORDING_DIR');
  return { directory, id: first };
}

interface LoadedSession {
  readonly records: readonly LogRecord[];
  readonly damages: readonly LogDamage[];
}

/** The records of the one session whose id starts with `wanted`; bodies of other sessions are not kept. */
async function loadSession(directory: string, wanted: string): Promise<LoadedSession> {
  const found = new Map<string, LogRecord[]>();
  const stream = readLog(directory);
  for (;;) {
    const step = await stream.next();
    if (step.done) return { records: chooseSession(found, wanted), damages: step.value };
    const id = step.value.leaf.strand?.sessionId;
    if (id === undefined || !id.startsWith(wanted)) continue;
    const records = found.get(id) ?? [];
    records.push(step.value);
    found.set(id, records);
  }
}

function chooseSession(found: ReadonlyMap<string, LogRecord[]>, wanted: string): readonly LogRecord[] {
  const exact = found.get(wanted);
  const [only, ...others] = [...found.values()];
  if (exact === undefined && others.length > 0)
    throw new Error(`${found.size} sessions start with ${wanted}; give more of the id`);
  const records = exact ?? only;
  if (records === undefined) throw new Error(`no session ${wanted} in this recording`);
  // A session may have moved between writers; within one log the time never decreases, so its order is kept.
  return records.sort(
    (a, b) => a.leaf.timeMs - b.leaf.timeMs || (a.log === b.log ? a.index - b.index : a.log < b.log ? -1 : 1),
  );
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
