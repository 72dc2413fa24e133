import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createReplaySessions,
  isLoopback,
  type RecordedSession,
  readRecordedSession,
  serveReplay,
} from '../replay/index.js';
import { type CliIo, type CommandArguments, EXIT, UsageError } from './io.js';
import { loadSession, whichSession } from './load-session.js';
import { clip, plural, toJsonLine, toLine } from './plain-text.js';
import { checkRecording } from './read-trust.js';
import { recordReading } from './record-reading.js';

const DEFAULT_LISTEN = '127.0.0.1:0';
const MAX_TEXT = 200;

/** `piste sessions serve`: answers a driver from a recorded session until it is stopped. */
export async function sessionsServe(args: CommandArguments, io: CliIo): Promise<number> {
  const { directory, id } = whichSession(args);
  const place = parseListen(args.listen ?? DEFAULT_LISTEN);
  const check = await checkRecording(directory, args.trust);
  if (!check.ok) {
    io.err(`piste: ${toLine(check.why)}\n`);
    return EXIT.failed;
  }
  if (check.note !== undefined) io.err(`piste: note: ${check.note}\n`);
  const { records, damages } = await loadSession(directory, id, args.decryption?.openKey);
  if (damages.some(({ problem }) => problem.severity === 'tampered')) {
    throw new Error('the recording changed while it was read');
  }
  const session = records[0]?.leaf.strand?.sessionId ?? id;
  const recorded = readRecordedSession(records);
  if (recorded.statements.length === 0 && recorded.withoutText > 0) {
    throw new Error(`none of the ${plural(recorded.withoutText, 'statement')} of this session can be read`);
  }
  const logs = new Set(records.map(({ log }) => log)).size;
  await recordReading(args, io, { command: 'sessions serve', directories: [directory], sessions: [session], logs });
  warnOf(recorded, place, io);
  const counts = { answered: 0, unknown: 0 };
  const sessions = createReplaySessions({
    recorded,
    random: randomBytes,
    clock: { nowMs: io.nowMs },
    onStatement(sqlText, why) {
      counts[why === undefined ? 'answered' : 'unknown'] += 1;
      if (why !== undefined) io.err(`piste: not answered, ${why}: ${clip(toLine(sqlText), MAX_TEXT)}\n`);
    },
  });
  const server = createServer();
  serveReplay(server, sessions);
  const url = await listen(server, place);
  const statements = recorded.statements.length;
  if (args.json) io.out(`${toJsonLine({ url, session, statements })}\n`);
  else io.out(`replaying ${plural(statements, 'statement')} of session ${toLine(session)} at ${url} for any user\n`);
  await io.stopped();
  server.close();
  server.closeAllConnections();
  if (args.json) io.out(`${toJsonLine(counts)}\n`);
  else io.out(`${counts.answered} answered, ${counts.unknown} not in the recording\n`);
  return EXIT.ok;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

function parseListen(text: string): Place {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port <= 65_535)) throw new UsageError(`--listen ${text}: write HOST:PORT`);
  return { host, port };
}

function warnOf({ withoutText, statements }: RecordedSession, { host }: Place, io: CliIo): void {
  const unanswered = statements.filter(({ answer }) => answer === undefined).length;
  if (withoutText > 0)
    io.err(`piste: note: ${plural(withoutText, 'statement')} cannot be read and will not be answered\n`);
  if (unanswered > 0) io.err(`piste: note: ${plural(unanswered, 'statement')} without an answer in the recording\n`);
  if (!isLoopback(host)) {
    io.err('piste: WARNING: whoever reaches this address reads the session: there is no login and no encryption\n');
  }
}

async function listen(server: Server, { host, port }: Place): Promise<string> {
  const listening = once(server, 'listening');
  server.listen(port, host);
  await listening;
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}`;
}
