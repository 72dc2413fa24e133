import { errorMessage } from '../errors.js';
import { classGroup } from '../policy/index.js';
import {
  type Analysis,
  analyze,
  type ColumnRef,
  type Facts,
  maskSources,
  type QueryFacts,
  quoteIdentifier,
} from '../sql/index.js';
import {
  type CatalogFile,
  isSomeProtectedColumn,
  readSurroundings,
  type Surroundings,
  writeName,
} from './explain-catalog.js';
import { type CliIo, InputError, POLICY_EXIT } from './io.js';
import { toJsonLine } from './plain-text.js';

/** One line of the answer. Members that are not known of the statement are null. */
export interface LineAnswer {
  readonly id: unknown;
  readonly class: string | null;
  readonly outcome: 'analyze' | 'reject' | 'classify';
  readonly outputs: number | null;
  readonly tainted: readonly number[];
  readonly predicate: boolean | null;
  /** Protected values go to where the statement writes. */
  readonly flow?: boolean;
  readonly reads: readonly string[];
  readonly writes?: readonly string[];
  readonly canonical: string | null;
  readonly rewritten: string | null;
  readonly reason?: string;
}

/** Longer lines cannot hold a statement that would be read; they are answered without being kept. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** Answers one line for each that comes in, in order, as they come. */
export async function explainLines(file: CatalogFile, io: CliIo): Promise<number> {
  const answer = createLineExplainer(file);
  for await (const lines of linesOf(io.input)) {
    const text = lines.map((line) => `${toJsonLine(answer(line))}\n`).join('');
    if (text !== '') await io.write(text);
  }
  return POLICY_EXIT.ok;
}

/** The lines of a stream, in groups as they arrive; undefined for one that is too long. Blank lines are none. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<readonly (string | undefined)[]> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  const keep = (piece: Buffer): void => {
    keptBytes += piece.length;
    if (keptBytes <= MAX_LINE_BYTES) kept.push(piece);
    else kept = [];
  };
  const take = (): readonly (string | undefined)[] => {
    const line = keptBytes > MAX_LINE_BYTES ? undefined : Buffer.concat(kept).toString('utf8');
    kept = [];
    keptBytes = 0;
    return line !== undefined && line.trim() === '' ? [] : [line];
  };
  for await (const bytes of input) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lines: (string | undefined)[] = [];
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      keep(chunk.subarray(from, end));
      lines.push(...take());
      from = end + 1;
    }
    keep(chunk.subarray(from));
    yield lines;
  }
  yield take();
}

/** The answer to one line; never throws. */
export function createLineExplainer(file: CatalogFile): (line: string | undefined) => LineAnswer {
  return (line) => {
    if (line === undefined) return refused(null, `the line is longer than ${MAX_LINE_BYTES} bytes`);
    let id: unknown = null;
    try {
      const question = readQuestion(line);
      id = question.id;
      return inOrder(answerTo(question, readSurroundings(question.session, file, 'the line'), file));
    } catch (error) {
      if (error instanceof InputError) return refused(id, error.message);
      return refused(id, `the statement could not be explained (${errorMessage(error)})`);
    }
  };
}

/** Members always stand in the same order. */
function inOrder(answer: LineAnswer): LineAnswer {
  const { flow, writes, reason } = answer;
  return {
    id: answer.id,
    class: answer.class,
    outcome: answer.outcome,
    outputs: answer.outputs,
    tainted: answer.tainted,
    predicate: answer.predicate,
    ...(flow === undefined ? {} : { flow }),
    reads: answer.reads,
    ...(writes === undefined ? {} : { writes }),
    canonical: answer.canonical,
    rewritten: answer.rewritten,
    ...(reason === undefined ? {} : { reason }),
  };
}

interface Question {
  readonly id: unknown;
  readonly sql: unknown;
  readonly session: unknown;
}

function readQuestion(line: string): Question {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new InputError('the line is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError('the line is not a JSON object');
  }
  const { id = null, sql, session } = value as Readonly<Record<string, unknown>>;
  return { id, sql, session };
}

function refused(id: unknown, reason: string): LineAnswer {
  return {
    id,
    class: null,
    outcome: 'reject',
    outputs: null,
    tainted: [],
    predicate: null,
    reads: [],
    canonical: null,
    rewritten: null,
    reason,
  };
}

function answerTo({ id, sql }: Question, { session, catalog }: Surroundings, file: CatalogFile): LineAnswer {
  if (typeof sql !== 'string') return refused(id, 'the line has no text in "sql"');
  const analysis = analyze(sql, session, catalog);
  const isProtected = (column: ColumnRef): boolean => file.isProtected(column) || isSomeProtectedColumn(column);
  const common = { id, class: analysis.class, canonical: analysis.canonicalText ?? null };
  const why = whyRefused(analysis);
  if (!analysis.read || why !== undefined) {
    const reads = analysis.objects.map(writeName);
    return { ...refused(id, why ?? 'the statement was not read'), ...common, reads };
  }
  if (analysis.query !== undefined) {
    return {
      ...common,
      outcome: 'analyze',
      ...lineage(analysis.query, isProtected),
      ...rewriting(analysis.query, file),
    };
  }
  const flow = flowIn(analysis);
  if (flow !== undefined) return { ...common, ...flowOf(analysis, flow, isProtected) };
  return {
    ...common,
    outcome: 'classify',
    outputs: null,
    tainted: [],
    predicate: null,
    reads: [],
    rewritten: mayHideRows(analysis) ? null : analysis.canonicalText,
  };
}

function whyRefused(analysis: Analysis): string | undefined {
  if (!analysis.read) return analysis.detail;
  const traced = [analysis.moved, analysis.defined, analysis.explained];
  return traced.includes('unread') ? (analysis.unreadBecause ?? 'its query could not be traced') : undefined;
}

/** What a statement that is no query stores, or shows to whoever reads the object it creates. */
function flowIn(facts: Facts): QueryFacts | undefined {
  return [facts.moved, facts.defined].find((traced) => typeof traced === 'object');
}

/** Statements that carry or run what was not looked at: no text of them is known to be free of protected values. */
function mayHideRows(facts: Facts): boolean {
  return facts.carriesQuery || ['opaque', 'file-transfer', 'unload', 'load'].includes(classGroup(facts));
}

function lineage(query: QueryFacts, isProtected: (column: ColumnRef) => boolean) {
  return {
    outputs: query.outputs.length,
    tainted: query.outputs.flatMap((output, index) => (output.sources.some(isProtected) ? [index] : [])),
    predicate: query.predicate.some(isProtected),
    reads: query.reads.map(writeName),
  };
}

/** The gateway lets no protected value go where no mask reaches it, so then there is no text that would be sent. */
function flowOf(facts: Facts, moved: QueryFacts, isProtected: (column: ColumnRef) => boolean) {
  const traced = lineage(moved, isProtected);
  const flow = traced.tainted.length > 0;
  const isSent = !flow && !traced.predicate;
  return {
    outcome: 'analyze',
    ...traced,
    flow,
    writes: facts.writes.map(writeName),
    rewritten: isSent ? facts.canonicalText : null,
    ...(isSent ? {} : { reason: 'protected values would go where no mask reaches them' }),
  } as const;
}

/** The query with every protected column read as a NULL of its own type. */
function rewriting(query: QueryFacts, file: CatalogFile): Pick<LineAnswer, 'rewritten' | 'reason'> {
  if (usedColumns(query).some(isSomeProtectedColumn)) {
    return {
      rewritten: null,
      reason: 'a session variable holds a protected value, which no mask at the source reaches',
    };
  }
  const masked = maskSources(query, (object, { name: column }) => {
    const quoted = quoteIdentifier(column);
    return file.isProtected({ object, column }) ? `CASE WHEN FALSE THEN ${quoted} END` : undefined;
  });
  if (!masked.ok) return { rewritten: null, reason: masked.detail };
  return masked.text === query.text && readsProtected(query, file)
    ? { rewritten: null, reason: 'its sources could not be masked' }
    : { rewritten: masked.text };
}

/** A text that came back unchanged must not be taken for masked. */
function readsProtected(query: QueryFacts, file: CatalogFile): boolean {
  return usedColumns(query).some(file.isProtected);
}

function usedColumns(query: QueryFacts): readonly ColumnRef[] {
  return [...query.outputs.flatMap((output) => output.sources), ...query.predicate, ...query.computed];
}
