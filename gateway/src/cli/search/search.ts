import type { DatabaseSync } from 'node:sqlite';
import type { LogRecord } from '../../recording/index.js';
import { createPalette, type Palette } from '../colour.js';
import { isDamaged } from '../damage.js';
import type { Decryption } from '../io.js';
import { type CliIo, type CommandArguments, EXIT, UsageError } from '../io.js';
import { plural, toJson, toLine } from '../plain-text.js';
import { HEADLINES, type Proof, proveDirectories } from '../proof.js';
import { toJsonRecord } from '../record-json.js';
import { countLogs, recordReading } from '../record-reading.js';
import { type Candidates, findCandidates } from './find-hits.js';
import { createMemoryIndex, defaultIndexPath, openIndex, removeIndex } from './index-file.js';
import { parseQuery } from './query.js';
import { renderComplaint } from './query-text.js';
import { type Rechecked, recheckCandidates } from './recheck.js';
import { IndexMismatch, type IndexState, NO_KEYS, refreshIndex } from './refresh.js';
import { renderHit, stateOfHit } from './render-hits.js';

const DEFAULT_LIMIT = 50;
/** Hits are read from the logs and held until they are shown. */
const MAX_LIMIT = 10_000;

/**
 * `piste search`. Exit code 0 with or without hits; 1 when a log is damaged, a hit is not what its log says, or the trust file
 * given proves tampering; 3 for a query that makes no sense.
 */
export async function search(args: CommandArguments, io: CliIo): Promise<number> {
  const { query, directories, limit } = whatToSearch(args);
  const parsed = parseQuery(query, io.nowMs());
  if (!parsed.ok) {
    io.err(`piste: ${renderComplaint(query, parsed.complaint)}\nSee: piste help, docs/sessions.md\n`);
    return EXIT.usage;
  }
  const { decryption } = args;
  const openKey = decryption?.openKey;
  const proof = await proveDirectories(directories, args.trust, openKey);
  const path = args.index ?? (await defaultIndexPath(directories, io.environment, decryption?.fingerprint ?? NO_KEYS));
  const logs = await countLogs(directories);
  // The index holds what is opened while it is made.
  await recordReading(args, io, { command: 'search', directories, logs });
  const { database, state } = await upToDate(path, { directories, decryption, fresh: args.fresh }, io);
  try {
    const candidates = findCandidates(database, parsed.terms, limit);
    const rechecked = await recheckCandidates(database, candidates.shown, { terms: parsed.terms, openKey });
    const answer = { state, candidates, rechecked, proof };
    sayProblems(answer, io);
    if (args.json) io.out(`${toJson(toAnswerJson(answer))}\n`);
    else await writeAnswer(answer, createPalette(io.isTerminal), io);
    const isDoubtful = isDamaged(state.damages) || rechecked.dropped.length > 0 || proof?.outcome === 'tampered';
    return isDoubtful ? EXIT.failed : EXIT.ok;
  } finally {
    database.close();
  }
}

function whatToSearch({ positionals, directory, limit }: CommandArguments): {
  readonly query: string;
  readonly directories: readonly string[];
  readonly limit: number;
} {
  const [query, ...named] = positionals;
  if (query === undefined) throw new UsageError('which query? Put it in quotes before the directories');
  const directories = named.length > 0 ? named : directory === undefined ? [] : [directory];
  if (directories.length === 0)
    throw new UsageError('which directory? Name it after the query or set PISTE_RECORDING_DIR');
  if (limit !== undefined && limit > MAX_LIMIT) throw new UsageError(`--limit is at most ${MAX_LIMIT}`);
  return { query, directories, limit: limit ?? DEFAULT_LIMIT };
}

interface UpToDate {
  readonly database: DatabaseSync;
  readonly state: IndexState;
}

/** What an index is made of. */
interface Making {
  readonly directories: readonly string[];
  readonly decryption: Decryption | undefined;
  readonly fresh: boolean;
}

/** The index of these directories as they are now, made anew where what was there tells of something else. */
async function upToDate(path: string, making: Making, io: CliIo): Promise<UpToDate> {
  if (path === ':memory:') return refreshed(createMemoryIndex(), making);
  const opened = await openIndex(path);
  if (opened.renewed !== undefined) io.err(`note: the index is made anew: ${toLine(opened.renewed)}\n`);
  if (!making.fresh) {
    try {
      return await refreshed(opened.database, making);
    } catch (error) {
      if (!(error instanceof IndexMismatch)) throw error;
      io.err(`note: the index is made anew: ${toLine(error.message)}\n`);
    }
  } else opened.database.close();
  await removeIndex(path);
  return refreshed((await openIndex(path)).database, making);
}

async function refreshed(database: DatabaseSync, { directories, decryption }: Making): Promise<UpToDate> {
  try {
    return { database, state: await refreshIndex(database, directories, decryption) };
  } catch (error) {
    database.close();
    throw error;
  }
}

interface Answer {
  readonly state: IndexState;
  readonly candidates: Candidates;
  readonly rechecked: Rechecked;
  readonly proof: Proof | undefined;
}

/** Records in the logs: as the verifier counts them where it was asked, else as they were when the index last read them. */
function totalOf({ state, proof }: Pick<Answer, 'state' | 'proof'>): number {
  return Math.max(state.total, proof?.records ?? 0);
}

/** What stands between the list and the whole truth, on standard error. */
function sayProblems({ state, rechecked, proof }: Answer, io: CliIo): void {
  for (const { log, size, problem } of state.damages) {
    io.err(
      problem.severity === 'torn'
        ? `note: log ${log} ends in an interrupted write after ${size} records\n`
        : `WARNING: log ${log} is damaged after ${size} records (${problem.message}); what follows is not searched. Run: piste audit verify\n`,
    );
  }
  for (const ulid of state.doubles)
    io.err(`note: log ${ulid} stands in more than one directory; it is searched once\n`);
  if (state.unreadable > 0)
    io.err(
      `note: the SQL text of ${plural(state.unreadable, 'record')} cannot be read here; words are not found in it\n`,
    );
  for (const { candidate, why } of rechecked.dropped) {
    const [first] = candidate.records;
    io.err(
      `WARNING: a hit at log ${first?.log ?? '?'} record ${first?.index ?? '?'} is dropped: ${why}. The index is not what the logs say; run again with --fresh\n`,
    );
  }
  if (proof?.outcome === 'tampered') io.err('WARNING: audit verify says TAMPERED. Run: piste audit verify\n');
}

async function writeAnswer(
  { state, candidates, rechecked, proof }: Answer,
  palette: Palette,
  io: CliIo,
): Promise<void> {
  for (const hit of rechecked.hits)
    await io.write(
      renderHit(hit, proof, palette)
        .map((text) => `${text}\n`)
        .join(''),
    );
  const left = candidates.total - candidates.shown.length;
  const counts = [
    left > 0
      ? `${rechecked.hits.length} of ${plural(candidates.total - rechecked.dropped.length, 'hit')} shown, newest first (--limit)`
      : plural(rechecked.hits.length, 'hit'),
    ...(rechecked.dropped.length === 0 ? [] : [palette.bad(`${rechecked.dropped.length} dropped`)]),
    `${state.indexed} of ${plural(totalOf({ state, proof }), 'record')} in ${plural(state.logs, 'log')} indexed`,
    proof === undefined
      ? 'not verified against a trust file (--trust FILE)'
      : `audit verify says ${HEADLINES[proof.outcome]}`,
  ];
  io.out(`${counts.join(' · ')}\n`);
}

/** The texts in which words were looked for. */
function textOf({ bodies }: LogRecord): { readonly sql: string | null; readonly submitted: string | null } {
  return {
    sql: bodies.get('sql')?.toString('utf8') ?? null,
    submitted: bodies.get('submitted')?.toString('utf8') ?? null,
  };
}

function toAnswerJson({ state, candidates, rechecked, proof }: Answer): unknown {
  const { indexed, logs, unreadable, doubles, damages } = state;
  const total = totalOf({ state, proof });
  return {
    records: { indexed, total, logs, unreadable },
    hits: { shown: rechecked.hits.length, total: candidates.total - rechecked.dropped.length },
    verified: proof?.outcome ?? null,
    damages,
    doubles,
    dropped: rechecked.dropped.map(({ candidate, why }) => ({ records: candidate.records, why })),
    results: rechecked.hits.map((hit) => ({
      state: stateOfHit(hit, proof),
      session: hit.records[0]?.leaf.strand?.sessionId ?? null,
      records: hit.records.map((record) => ({ ...toJsonRecord(record, 'none'), ...textOf(record) })),
    })),
  };
}
