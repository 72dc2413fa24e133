import { checkRowtype } from '@piste/gateway/dist/masking/index.js';
import { maskAtSource } from '@piste/gateway/dist/pipeline/mask-at-source.js';
import { type ConnectionPolicy, type Decision, decide } from '@piste/gateway/dist/policy/index.js';
import { analyze, type Facts, type QueryFacts } from '@piste/gateway/dist/sql/index.js';
import type { Engine, Outcome, Table } from './execution.js';
import {
  delivered,
  falseCopies,
  isProtected,
  mayFailInView,
  randomPolicy,
  rowsKey,
  showsInPredicates,
  unexplained,
} from './interference.js';
import { QueryGenerator } from './queries.js';
import { createRandom, type Random } from './random.js';
import { checkSourceMasking, isUnconvertible, type MaskingCounts, noMasking } from './source-masking.js';
import { snowflakeName, toDuckDb } from './translate.js';
import {
  type BaseColumn,
  type BaseTable,
  type Change,
  catalogOf,
  changedData,
  createWorld,
  type Data,
  isColumn,
  randomData,
  shuffledData,
  TABLES,
  type View,
} from './world.js';

/** A promise of the analysis that execution broke. */
export interface Violation {
  readonly kind: 'analysis' | 'canonical' | 'shape' | 'copy' | 'delivery' | 'broken' | 'masked';
  readonly why: string;
  readonly sql: string;
  readonly canonicalText: string;
  /** Run with this seed to see it again. */
  readonly roundSeed: number;
  readonly column: string | undefined;
  readonly views: readonly string[];
}

export interface Counts {
  generated: number;
  accepted: number;
  executed: number;
  /** Of those, statements whose result depends on the order in which the rows are stored: nothing is concluded from them. */
  unstable: number;
  perturbations: number;
  visible: number;
  policies: number;
  allowed: number;
  masked: number;
  deliveries: number;
  hidden: number;
  masking: MaskingCounts;
  refusals: Record<string, number>;
  failures: Record<string, number>;
  violations: Violation[];
}

export function noCounts(): Counts {
  return {
    generated: 0,
    accepted: 0,
    executed: 0,
    unstable: 0,
    perturbations: 0,
    visible: 0,
    policies: 0,
    allowed: 0,
    masked: 0,
    deliveries: 0,
    hidden: 0,
    masking: noMasking(),
    refusals: {},
    failures: {},
    violations: [],
  };
}

const SESSION = { database: 'APP', schema: 'PUBLIC', role: 'R', warehouse: 'W' };
const WHO = { issuer: 'i', subject: 's', groups: [] };
const VIEWS = 3;
const POLICIES = 3;

/** One changed column of one table, and the databases in which it is changed. */
interface Perturbed {
  readonly table: BaseTable;
  readonly column: number;
  readonly databases: readonly string[];
  /** The one in which NULLs stay where they are. */
  readonly sameNulls: string;
}

/** One round: fresh rows, fresh views, and `queries` statements over them, until `isOver`. */
export async function runRound(
  engine: Engine,
  roundSeed: number,
  queries: number,
  counts: Counts,
  isOver: () => boolean,
): Promise<void> {
  const random = createRandom(roundSeed);
  const data = randomData(random, random.chance(0.5));
  const views = await createBase(engine, data, random, roundSeed);
  const perturbed = await createPerturbed(engine, data, views, random, roundSeed);
  const shuffled = views.map((view) => ({ ...view, sql: toDuckDb(view.canonicalText, shuffledName(roundSeed)) }));
  await createWorld(engine.connection, shuffledName(roundSeed), shuffledData(data, random), shuffled);
  const round: Round = { engine, roundSeed, random, data, views, perturbed, counts };
  await engine.connection.run(`USE "${baseName(roundSeed)}"."PUBLIC"`);
  for (let index = 0; index < queries && !isOver(); index += 1) {
    // Chance of its own for each statement: how long one of them took decides nothing about the next.
    const own = createRandom(random.below(2 ** 32));
    const { sql } = new QueryGenerator(own, views).query(own.pick([1, 2, 2, 3]));
    await checkStatement({ ...round, random: own }, sql);
  }
  await engine.connection.run('USE memory.main');
  const databases = [baseName(roundSeed), shuffledName(roundSeed), ...perturbed.flatMap((entry) => entry.databases)];
  for (const database of databases) await engine.connection.run(`DETACH "${database}"`);
}

interface Round {
  readonly engine: Engine;
  readonly roundSeed: number;
  readonly random: Random;
  readonly data: Data;
  readonly views: readonly View[];
  readonly perturbed: readonly Perturbed[];
  readonly counts: Counts;
}

const baseName = (roundSeed: number): string => `B${roundSeed}`;
const shuffledName = (roundSeed: number): string => `S${roundSeed}`;

/** The unchanged database, with views that are analysed and run. */
async function createBase(engine: Engine, data: Data, random: Random, roundSeed: number): Promise<readonly View[]> {
  const database = baseName(roundSeed);
  await createWorld(engine.connection, database, data, []);
  const views: View[] = [];
  for (let attempts = 0; views.length < VIEWS && attempts < 100; attempts += 1) {
    const view = viewOf(`V${views.length + 1}`, views, random);
    if (view === undefined) continue;
    const query = toDuckDb(view.canonicalText, database);
    if ((await engine.run(query)).kind !== 'table') continue;
    const columns = view.columns.map((column) => `"${column.name}"`).join(', ');
    await engine.connection.run(`CREATE VIEW "${database}"."PUBLIC"."${view.name}" (${columns}) AS ${query}`);
    views.push(view);
  }
  return views;
}

function viewOf(name: string, views: readonly View[], random: Random): View | undefined {
  const generated = new QueryGenerator(random, views).query(2);
  const analysis = analyze(generated.sql, SESSION, catalogOf(views));
  if (!analysis.read || analysis.query?.outputs.length !== generated.columns.length) return undefined;
  const names = random.shuffled(['ID', 'A', 'EMAIL', 'NAME', 'X', 'B', 'COUNT', 'Y', 'Z', 'W', 'U', 'K']);
  const columns: readonly BaseColumn[] = generated.columns.map(({ type }, index) => ({
    name: names[index] ?? `V${index}`,
    type,
  }));
  const list = columns.map((column) => column.name).join(', ');
  const definition = random.chance(0.5)
    ? `create or replace view app.public.${name} (${list}) copy grants comment = 'as select 1' as ${generated.sql}`
    : `CREATE VIEW ${name}(${list}) AS /* the query */ ${generated.sql};`;
  return { name, columns, definition, canonicalText: analysis.canonicalText };
}

async function createPerturbed(
  engine: Engine,
  data: Data,
  views: readonly View[],
  random: Random,
  roundSeed: number,
): Promise<readonly Perturbed[]> {
  const perturbed: Perturbed[] = [];
  for (const table of TABLES) {
    for (const [column] of table.columns.entries()) {
      const databases: string[] = [];
      const changes: readonly Change[] = ['values', random.pick(['anything', 'one'])];
      for (const change of changes) {
        const database = `P${roundSeed}_${perturbed.length}_${change}`;
        const sql = views.map((view) => ({ ...view, sql: toDuckDb(view.canonicalText, database) }));
        await createWorld(engine.connection, database, changedData(data, table, column, change, random), sql);
        databases.push(database);
      }
      perturbed.push({ table, column, databases, sameNulls: databases[0] ?? '' });
    }
  }
  return perturbed;
}

async function checkStatement(round: Round, sql: string): Promise<void> {
  const { counts, engine, roundSeed } = round;
  counts.generated += 1;
  const analysis = analyze(sql, SESSION, catalogOf(round.views));
  if (!analysis.read || analysis.query === undefined) {
    const why = analysis.read ? 'no query' : `${analysis.kind}: ${analysis.detail}`;
    counts.refusals[why] = (counts.refusals[why] ?? 0) + 1;
    return;
  }
  counts.accepted += 1;
  const canonical = await engine.run(toDuckDb(analysis.canonicalText, baseName(roundSeed)));
  const submitted = await engine.run(toDuckDb(sql, baseName(roundSeed)));
  const suspected: Suspicion[] = [];
  const report = reporter(round, sql, analysis, suspected);
  await compareRuns(round, { analysis, query: analysis.query, canonical, submitted }, report);
  await confirm(round, suspected);
}

/** A statement, and how it ran on the unchanged rows. */
interface Runs {
  readonly analysis: Facts;
  readonly query: QueryFacts;
  readonly canonical: Outcome;
  readonly submitted: Outcome;
}

async function compareRuns(
  round: Round,
  { analysis, query, canonical, submitted }: Runs,
  report: Report,
): Promise<void> {
  const { counts, engine, roundSeed } = round;
  if (canonical.kind !== 'table' || submitted.kind !== 'table') {
    if (canonical.kind === 'slow' || submitted.kind === 'slow') return;
    if (submitted.kind === 'table') report('canonical', 'what runs becomes an error');
    const why = canonical.kind === 'error' ? canonical.message.replace(/[\n"'].*/s, '') : canonical.kind;
    counts.failures[why] = (counts.failures[why] ?? 0) + 1;
    return;
  }
  counts.executed += 1;
  const ordered = isOrdered(analysis.canonicalText);
  const shuffled = await engine.run(toDuckDb(analysis.canonicalText, shuffledName(roundSeed)));
  if (shuffled.kind !== 'table' || rowsKey(shuffled.table.rows, ordered) !== rowsKey(canonical.table.rows, ordered)) {
    // Ties decide, and nothing says how the engine settles them.
    counts.unstable += 1;
    return;
  }
  const table = withPlainNames(canonical.table, query);
  if (rowsKey(table.rows, ordered) !== rowsKey(submitted.table.rows, ordered)) report('canonical', 'another result');
  if (!hasShape(query, table, report)) return;
  if (falseCopies(query, table, (base, column) => valuesOf(round.data, base, column))) {
    report('copy', 'an output is no copy of the column it names');
  }
  const runs = new Map<string, Promise<Outcome>>();
  const sendTo = (text: string, database: string): Promise<Outcome> => {
    const key = `${database} ${text}`;
    const known = runs.get(key) ?? engine.run(toDuckDb(text, database));
    runs.set(key, known);
    return known;
  };
  const runIn = (database: string): Promise<Outcome> => sendTo(analysis.canonicalText, database);
  const texts = [analysis.canonicalText, ...round.views.map((view) => view.canonicalText)];
  const windows = texts.some((text) => /\bOVER \(/i.test(text));
  const executed: Executed = { ...round, sendTo, runIn, report, ordered, windows };
  await checkAnalysis(executed, query, table);
  await checkDelivery(executed, analysis, table);
  await maskAtSources(executed, query, table);
}

/** One statement that ran on the unchanged rows. */
interface Executed extends Round {
  /** Runs a text in a database, once. */
  readonly sendTo: (text: string, database: string) => Promise<Outcome>;
  readonly runIn: (database: string) => Promise<Outcome>;
  readonly report: Report;
  readonly ordered: boolean;
  /** The text or a view sorts or partitions rows in a window. */
  readonly windows: boolean;
}

/** DuckDB numbers the second of two columns with one name when it leaves a subquery. */
function withPlainNames(table: Table, { outputs }: QueryFacts): Table {
  const names = table.names.map((name, index) =>
    outputs[index]?.name === name ? name : snowflakeName(name.replace(/_\d+$/, '')),
  );
  return { ...table, names };
}

/** `text` is what ran, where that is not the canonical text. */
type Report = (kind: Violation['kind'], why: string, column?: string, text?: string) => void;

interface Suspicion {
  readonly violation: Violation;
  readonly text: string;
}

function reporter({ roundSeed, views }: Round, sql: string, { canonicalText }: Facts, suspected: Suspicion[]): Report {
  return (kind, why, column, text = canonicalText) => {
    const texts = views.map((view) => view.definition);
    suspected.push({ violation: { kind, why, sql, canonicalText, roundSeed, column, views: texts }, text });
  };
}

const MAX_VIOLATIONS = 40;
const FURTHER_ORDERS = 12;
/** Kinds that compare two results; ties that the order of the stored rows settles can make those differ. */
const COMPARING: ReadonlySet<Violation['kind']> = new Set(['canonical', 'analysis', 'delivery', 'masked']);

/** Counts what was suspected, unless the text gives another result when the same rows are stored in further orders. */
async function confirm(round: Round, suspected: readonly Suspicion[]): Promise<void> {
  for (const { violation, text } of suspected) {
    if (round.counts.violations.length >= MAX_VIOLATIONS) return;
    if (COMPARING.has(violation.kind) && (await hangsOnOrder(round, text))) round.counts.unstable += 1;
    else round.counts.violations.push(violation);
  }
}

async function hangsOnOrder({ engine, data, views, roundSeed }: Round, text: string): Promise<boolean> {
  const random = createRandom(roundSeed);
  const ordered = isOrdered(text);
  const seen = new Set<string>();
  for (let order = 0; order < FURTHER_ORDERS && seen.size < 2; order += 1) {
    const database = `${shuffledName(roundSeed)}_${order}`;
    const sql = views.map((view) => ({ ...view, sql: toDuckDb(view.canonicalText, database) }));
    await createWorld(engine.connection, database, shuffledData(data, random), sql);
    const outcome = await engine.run(toDuckDb(text, database));
    seen.add(outcome.kind === 'table' ? rowsKey(outcome.table.rows, ordered) : outcome.kind);
    await engine.connection.run(`DETACH "${database}"`);
  }
  return seen.size > 1;
}

/** A result of another shape than analysed is withheld, so nothing more can be said of it. */
function hasShape(facts: QueryFacts, table: Table, report: Report): boolean {
  const expectation = { names: facts.outputs.map((output) => output.name), touchesProtected: false };
  const rowtype = table.names.map((name, index) => ({ name, type: table.types[index] ?? 'text' }));
  const mismatch = checkRowtype(rowtype, expectation);
  if (mismatch !== undefined) report('shape', `${mismatch}: ${table.names.join(', ')}`);
  return mismatch === undefined;
}

async function checkAnalysis(executed: Executed, query: QueryFacts, before: Table): Promise<void> {
  const { counts, random, ordered, runIn, report } = executed;
  const full = rowsKey(before.rows, ordered);
  for (const { table, column, databases } of concerned(executed, query)) {
    const after = await runIn(random.pick(databases));
    if (after.kind === 'slow') continue;
    counts.perturbations += 1;
    if (after.kind === 'error' || rowsKey(after.table.rows, ordered) !== full) counts.visible += 1;
    const why = unexplained(query, { table, column }, before, after, executed);
    if (why !== undefined) report('analysis', why, `${table.schema}.${table.name}.${table.columns[column]?.name}`);
  }
}

/** Columns of tables the query reads. Of the others nothing could show, were the list of reads complete; some are tried. */
function concerned({ perturbed, random }: Round, query: QueryFacts): readonly Perturbed[] {
  return perturbed.filter(
    ({ table }) =>
      query.reads.some((object) => object.name === table.name && object.schema === table.schema) || random.chance(0.05),
  );
}

async function checkDelivery(executed: Executed, analysis: Facts, before: Table): Promise<void> {
  const { counts, random } = executed;
  for (let index = 0; index < POLICIES; index += 1) {
    const policy = randomPolicy(random);
    const decision = decide(analysis, WHO, SESSION, policy);
    counts.policies += 1;
    if (decision.verdict !== 'allow' || analysis.query === undefined) continue;
    counts.allowed += 1;
    if (decision.masks.length + decision.sourceMasks.length > 0) counts.masked += 1;
    await checkSent(executed, analysis.query, { policy, decision, names: before.names });
  }
}

interface Decided {
  readonly policy: ConnectionPolicy;
  readonly decision: Decision & { readonly verdict: 'allow' };
  readonly names: readonly string[];
}

/** Sends what the pipeline would send, and looks at what it would deliver. */
async function checkSent(executed: Executed, query: QueryFacts, { policy, decision, names }: Decided): Promise<void> {
  const { counts, ordered, report, roundSeed, sendTo } = executed;
  const { masks, sourceMasks } = decision;
  const sent = maskAtSource({ query, masks: sourceMasks, keys: new Map(), bindings: undefined, describeOnly: false });
  if (!sent.ok) return report('broken', `cannot be sent: ${sent.detail}`);
  const described = `${JSON.stringify(policy.maskingPolicies)}: ${sent.text}`;
  const unchanged = await sendTo(sent.text, baseName(roundSeed));
  if (unchanged.kind === 'slow') return;
  counts.masking.texts += 1;
  if (unchanged.kind === 'error' && isUnconvertible(unchanged.message)) {
    counts.masking.unconvertible += 1;
    return;
  }
  if (unchanged.kind === 'error') return report('broken', `${unchanged.message} under ${described}`);
  const shown = (table: Table): string => rowsKey(delivered({ ...table, names }, masks), ordered);
  const known = shown(unchanged.table);
  // Where masks leave ties, the order of the stored rows may settle them: that tells nothing of a value.
  const elsewhere = await sendTo(sent.text, shuffledName(roundSeed));
  if (elsewhere.kind !== 'table' || shown(elsewhere.table) !== known) return;
  for (const { table, column, sameNulls } of concerned(executed, query)) {
    if (!isProtected(table, column, WHO, policy)) continue;
    const decides = [...query.predicate, ...query.revealing].some((ref) => isColumn(ref, table, column));
    if (showsInPredicates(policy) && decides) continue;
    const after = await sendTo(sent.text, sameNulls);
    const failsInView = showsInPredicates(policy) && after.kind === 'error' && mayFailInView(query, table, column);
    if (after.kind === 'slow' || failsInView) continue;
    counts.deliveries += 1;
    const unmasked = await executed.runIn(sameNulls);
    if (unmasked.kind === 'table' && shown({ ...unmasked.table }) !== known) counts.hidden += 1;
    if (after.kind === 'table' && shown(after.table) === known) continue;
    const name = `${table.schema}.${table.name}.${table.columns[column]?.name}`;
    report('delivery', `shows under ${described}`, name, sent.text);
  }
}

async function maskAtSources(executed: Executed, query: QueryFacts, before: Table): Promise<void> {
  const { counts, ordered, random, report, roundSeed, runIn, sendTo } = executed;
  const full = rowsKey(before.rows, ordered);
  await checkSourceMasking({
    query,
    names: before.names,
    ordered,
    random,
    report,
    counts: counts.masking,
    base: baseName(roundSeed),
    shuffled: shuffledName(roundSeed),
    perturbed: concerned(executed, query),
    run: sendTo,
    changesUnmasked: async (database) => {
      const after = await runIn(database);
      return after.kind === 'error' || (after.kind === 'table' && rowsKey(after.table.rows, ordered) !== full);
    },
  });
}

function valuesOf(data: Data, table: BaseTable, column: number): ReadonlySet<string> {
  return new Set((data.get(table) ?? []).flatMap((row) => (row[column] == null ? [] : [String(row[column])])));
}

/** Does an ORDER BY outside all brackets decide about the order? */
function isOrdered(text: string): boolean {
  let depth = 0;
  for (const part of text.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]|\w+/g) ?? []) {
    if (part === '(') depth += 1;
    else if (part === ')') depth -= 1;
    else if (depth === 0 && /^order$/i.test(part)) return true;
  }
  return false;
}
