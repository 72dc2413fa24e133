import { hash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReconcileReport, readHistoryFile, reconcile } from '@piste/gateway/dist/reconcile/index.js';
import { createNoteSigner, encodeQueryTag, type LogRecord, tagText } from '@piste/verifier';

export interface ReconcileBenchResult {
  readonly rows: number;
  readonly signatures: 'all' | 'needed';
  /** From the first record to the verdict, the history read from a file. */
  readonly seconds: number;
  /** CPU time of the same, all threads: what a busy machine does not change much. */
  readonly cpuSeconds: number;
  /** CPU time that making the records took, which is among it. */
  readonly makingCpuSeconds: number;
  /** Growth of the resident set, at its peak. */
  readonly peakBytes: number;
  readonly outcome: ReconcileReport['outcome'];
}

const START_MS = 1_795_406_400_000;
const LOG = '01M83FTSR0SXY4HBNHSMKGJ52J';
const SESSIONS = 200;

/**
 * Compares a history of that many rows (JSON lines on disk, about 0.7 KB each) with as many recorded statements and their
 * answers. Records come from memory: reading logs is the verifier's figure. `all` also checks every tag's signature.
 */
export async function benchReconcile(
  rows: number,
  signatures: 'all' | 'needed' = 'needed',
): Promise<ReconcileBenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'piste-bench-'));
  try {
    const history = join(directory, 'history.jsonl');
    const statements = await writeHistory(history, rows, signatures);
    const makingCpuSeconds = cpuOf(() => {
      for (const record of recordsOf(statements)) if (record.index < 0) throw new Error('no record has such a place');
    });
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 50);
    const startedMs = performance.now();
    const startedCpu = process.cpuUsage();
    const report = await reconcile(recordsOf(statements), readHistoryFile(history), {
      nowMs: START_MS + 10 * 86_400_000,
      viewLagMs: 60_000,
      signatures,
    });
    const seconds = (performance.now() - startedMs) / 1000;
    const cpu = process.cpuUsage(startedCpu);
    clearInterval(watch);
    const cpuSeconds = (cpu.user + cpu.system) / 1e6;
    return {
      rows,
      signatures,
      seconds,
      cpuSeconds,
      makingCpuSeconds,
      peakBytes: peak - before,
      outcome: report.outcome,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function cpuOf(work: () => void): number {
  const started = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

interface Statements {
  readonly count: number;
  readonly vkey: string;
  readonly origin: string;
  readonly upstreamIds: readonly string[];
}

const sha256 = (text: string): string => hash('sha256', text, 'hex');
const textOf = (n: number): string =>
  `SELECT c.id, c.city, o.amount, o.status FROM "CRM"."PUBLIC"."CUSTOMERS" AS c JOIN "CRM"."PUBLIC"."ORDERS" AS o ON o.customer_id = c.id WHERE o.id > ${n} ORDER BY o.amount DESC LIMIT 50`;
/** In one piece, as a parser makes it: what `randomUUID` puts together of twenty stays in memory as twenty. */
const freshId = (): string => Buffer.from(randomUUID()).toString('latin1');
const leafHashOf = (index: number): string => sha256(`leaf ${index}`);
const sessionOf = (n: number): number => n % SESSIONS;
/** Position of a statement's request: behind the opening records, each request followed by its answer. */
const indexOf = (n: number): number => 1 + SESSIONS + 2 * n;

async function writeHistory(path: string, count: number, signatures: 'all' | 'needed'): Promise<Statements> {
  const origin = `bench/w/${LOG}`;
  const signer = createNoteSigner(origin);
  const upstreamIds: string[] = [];
  const file = createWriteStream(path);
  // Making a signature takes as long as the rest of a row together: without checks one serves all.
  const once_ = signer.sign('none');
  for (let n = 0; n < count; n += 1) {
    const index = indexOf(n);
    const leafHash = leafHashOf(index);
    const signature = signatures === 'all' ? signer.sign(tagText(origin, index, leafHash)) : once_;
    const id = freshId();
    upstreamIds.push(id);
    const row = {
      QUERY_ID: id,
      QUERY_TEXT: textOf(n),
      QUERY_TAG: encodeQueryTag({ writer: origin, index, leafHash, signature, claimed: undefined }),
      USER_NAME: 'PISTE_SVC',
      SESSION_ID: String(7000 + sessionOf(n)),
      START_TIME: new Date(START_MS + n).toISOString(),
      END_TIME: new Date(START_MS + n + 5).toISOString(),
      EXECUTION_STATUS: 'SUCCESS',
      ROWS_PRODUCED: 50,
    };
    if (!file.write(`${JSON.stringify(row)}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  return { count, vkey: signer.vkey, origin, upstreamIds };
}

function* recordsOf({ count, vkey, origin, upstreamIds }: Statements): Generator<LogRecord> {
  const record = (
    index: number,
    kind: LogRecord['leaf']['kind'],
    fields: LogRecord['leaf']['fields'],
    more: { readonly session?: number; readonly statementHash?: string } = {},
  ): LogRecord => ({
    log: LOG,
    index,
    leafHash: leafHashOf(index),
    leafBytes: Buffer.alloc(0),
    unread: new Map(),
    blind: undefined,
    bodies: new Map(),
    leaf: {
      kind,
      timeMs: START_MS,
      monotonicMicros: index,
      strand:
        more.session === undefined
          ? undefined
          : { sessionId: `session-${more.session}`, number: index, previous: undefined },
      statementHash: more.statementHash,
      parts: [],
      fields,
    },
  });
  yield record(0, 'writer.open', { origin, vkey });
  for (let session = 0; session < SESSIONS; session += 1) {
    const up = { sess: String(7000 + session) };
    yield record(1 + session, 'session.open', { connection: 'crm', account: 'ACME', up }, { session });
  }
  for (let n = 0; n < count; n += 1) {
    const session = sessionOf(n);
    const qid = freshId();
    const text = textOf(n);
    const statementHash = sha256(`${Buffer.byteLength(text)}\n${text}-`);
    yield record(indexOf(n), 'request', { qid, op: 'query', cls: 'SELECT' }, { session, statementHash });
    const answer = { qid, code: null, rows: 50, parts: 0, upq: upstreamIds[n] ?? '' };
    yield record(indexOf(n) + 1, 'response', answer, { session });
  }
}
