import { createPalette, type Palette } from './colour.js';
import { writeDamages } from './damage.js';
import { describeOpening, describeVote, indent } from './describe.js';
import { type CliIo, type CommandArguments, EXIT } from './io.js';
import { whichSession } from './load-session.js';
import { clip, plural, toJson, toLine } from './plain-text.js';
import { proveDirectories } from './proof.js';
import { readingOf, recordReading } from './record-reading.js';
import { createSessionDigest, type SessionDigest } from './session-digest.js';
import { describeTally, isDoubtful } from './session-proof.js';
import { findSession, readSession } from './session-records.js';
import { toUtc } from './time.js';

/** More of one thing than this are counted, not listed; `--json` has all. */
const MAX_LISTED = 12;
const MAX_NAME = 120;

/** `piste sessions show`: one page about one session. Exit codes as of `piste sessions play`. */
export async function sessionsShow(args: CommandArguments, io: CliIo): Promise<number> {
  const { directory, id } = whichSession(args);
  const openKey = args.decryption?.openKey;
  const proof = await proveDirectories([directory], args.trust, openKey);
  const session = await findSession(directory, id);
  await recordReading(args, io, readingOf('sessions show', directory, session));
  const builder = createSessionDigest();
  let read = 0;
  let proven = 0;
  for await (const record of readSession(directory, session, { keepBody: (name) => name === 'head', openKey })) {
    read += 1;
    if (proof?.isProven(record.log, record.index) === true) proven += 1;
    builder.add(record);
  }
  const tally = { session, shown: read, read, proven, proof };
  const digest = builder.digest();
  writeDamages(session.damages, io);
  if (args.json) {
    const { damages, claimed, recordsByLog } = session;
    const records = { read, claimed: claimed ?? null, verified: proof?.outcome ?? null, proven };
    io.out(
      `${toJson({ session: session.id, ...toPlain(digest), logs: Object.fromEntries(recordsByLog), ...records, damages })}\n`,
    );
  } else {
    const palette = createPalette(io.isTerminal);
    const strands = [...session.recordsByLog].map(([log, records]) => `${log} (${plural(records, 'record')})`);
    const lines = [
      `session ${toLine(session.id)}`,
      ...renderDigest(digest, palette),
      `recorded in ${strands.join(', ')}`,
      '',
      ...describeTally(tally, 'read', palette),
    ];
    io.out(`${lines.join('\n')}\n`);
  }
  return isDoubtful(tally) ? EXIT.failed : EXIT.ok;
}

function toPlain(digest: SessionDigest): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(digest).map(([key, value]) => [
      key,
      value instanceof Map ? Object.fromEntries(value) : (value ?? null),
    ]),
  );
}

function renderDigest(digest: SessionDigest, palette: Palette): readonly string[] {
  const { opening, openedMs, lastMs, closed } = digest;
  const end = closed === undefined ? 'not closed; last record' : `closed (${clip(toLine(closed), MAX_NAME)})`;
  return [
    ...(opening === undefined || openedMs === undefined
      ? [palette.wait('its opening is not recorded here')]
      : describeOpening(opening, openedMs, palette)),
    ...(lastMs === undefined ? [] : [`${end} ${toUtc(lastMs)}`]),
    '',
    `${plural(digest.statements, 'statement')}, ${plural(digest.rows, 'row')} and ${plural(digest.bytes, 'byte')} of rows delivered${digest.chunks === 0 ? '' : `, ${plural(digest.chunks, 'chunk')}`}${digest.internal === 0 ? '' : `, ${digest.internal} statements of the gateway itself`}`,
    ...section('decisions', digest.decisions),
    ...section('classes', digest.classes),
    ...section('rules', digest.rules),
    ...section('objects', digest.objects),
    ...section('masked', digest.masked),
    ...section('errors', digest.errors),
    ...renderVotes(digest, palette),
  ];
}

function section(name: string, counts: ReadonlyMap<string, number>): readonly string[] {
  if (counts.size === 0) return [];
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const lines = sorted.slice(0, MAX_LISTED).map(([key, times]) => `${times} × ${clip(toLine(key), MAX_NAME)}`);
  const rest = counts.size - lines.length;
  return [`${name}:`, ...indent([...lines, ...(rest > 0 ? [`and ${rest} more; --json lists all`] : [])])];
}

function renderVotes({ votes }: SessionDigest, palette: Palette): readonly string[] {
  if (votes.length === 0) return [];
  const lines = votes.slice(0, MAX_LISTED).map((vote) => describeVote(vote, palette));
  const rest = votes.length - lines.length;
  return ['votes:', ...indent([...lines, ...(rest > 0 ? [`and ${rest} more; --json lists all`] : [])])];
}
