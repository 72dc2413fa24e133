import { readFileSync } from 'node:fs';
import { init, parse } from '@guanmingchiu/sqlparser-ts';
import {
  type Analysis,
  analyze,
  type Catalog,
  type CatalogObject,
  formatObjectName,
  type SessionContext,
} from '@piste/gateway/dist/sql/index.js';
import { loadBenchmarks } from '../differential/tpc.js';
import { percentile } from './statistics.js';
import { LARGE_STATEMENTS, TYPICAL_STATEMENTS } from './typical-statements.js';

/** Time of one `analyze()` over the statements of one group, in microseconds. */
export interface AnalysisRow {
  readonly group: string;
  readonly statements: number;
  readonly calls: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly maxMicros: number;
  /** What the other parser takes only to read the same texts, in the same run: the baseline. */
  readonly otherParserP50Micros: number;
  readonly otherParserP99Micros: number;
  /** Present for the group that has a goal. */
  readonly goal: { readonly p50Micros: number; readonly p99Micros: number; readonly met: boolean } | undefined;
}

/** How long an analysis may take: TPC-DS stands for what reports send. */
const GOAL = { group: 'TPC-DS', p50Micros: 100, p99Micros: 5_000 } as const;

/** Printed where two groups could not be measured. */
export const MISSING_TPC =
  '*** TPC-H AND TPC-DS ARE MISSING: run `make python` first. Only the other groups are measured.';

interface Corpus {
  readonly catalog: {
    readonly tables: Readonly<Record<string, { readonly columns: readonly string[] }>>;
    readonly views: Readonly<
      Record<string, { readonly columns: readonly string[]; readonly definition: string | null }>
    >;
  };
  readonly cases: readonly { readonly sql: string; readonly session?: { readonly schema?: string } }[];
}

interface Prepared {
  readonly group: string;
  readonly sqlText: string;
  readonly session: SessionContext;
  readonly catalog: Catalog;
}

interface Times {
  readonly ours: number[];
  readonly other: number[];
}

const CORPUS = new URL('../../../gateway/testdata/lineage-cases.json', import.meta.url);
const WARM_UP_PASSES = 30;

/**
 * Analyses every statement again and again for about `milliseconds` after warming up, and has the other parser read each in
 * turn. `say` gets what is missing.
 */
export async function measureAnalysis(
  milliseconds: number,
  say: (text: string) => void,
): Promise<readonly AnalysisRow[]> {
  await init();
  const corpus = JSON.parse(readFileSync(CORPUS, 'utf8')) as Corpus;
  const statements = [...statementsOf(corpus, catalogOf(corpus)), ...(await benchmarkStatements(say))];
  const times = new Map<string, Times>(statements.map(({ group }) => [group, { ours: [], other: [] }]));
  const warmUntilMs = performance.now() + milliseconds;
  for (let pass = 0; pass < WARM_UP_PASSES && performance.now() < warmUntilMs; pass += 1)
    measureOnce(statements, undefined);
  const untilMs = performance.now() + milliseconds;
  do measureOnce(statements, times);
  while (performance.now() < untilMs);
  return [...times].map(([group, measured]) => row(group, measured, statements));
}

function measureOnce(statements: readonly Prepared[], times: ReadonlyMap<string, Times> | undefined): void {
  for (const { group, sqlText, session, catalog } of statements) {
    const startedMs = performance.now();
    analyze(sqlText, session, catalog);
    const betweenMs = performance.now();
    parseElsewhere(sqlText);
    const endedMs = performance.now();
    times?.get(group)?.ours.push((betweenMs - startedMs) * 1000);
    times?.get(group)?.other.push((endedMs - betweenMs) * 1000);
  }
}

/** A refusal of the other parser is an answer too. */
function parseElsewhere(sqlText: string): void {
  try {
    parse(sqlText, 'snowflake');
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('sql parser error:'))) throw error;
  }
}

function row(group: string, { ours, other }: Times, statements: readonly Prepared[]): AnalysisRow {
  const [p50Micros, p99Micros] = [percentile(ours, 0.5), percentile(ours, 0.99)];
  const met = p50Micros <= GOAL.p50Micros && p99Micros <= GOAL.p99Micros;
  return {
    group,
    statements: statements.filter((statement) => statement.group === group).length,
    calls: ours.length,
    p50Micros,
    p99Micros,
    maxMicros: percentile(ours, 1),
    otherParserP50Micros: percentile(other, 0.5),
    otherParserP99Micros: percentile(other, 0.99),
    goal: group === GOAL.group ? { p50Micros: GOAL.p50Micros, p99Micros: GOAL.p99Micros, met } : undefined,
  };
}

async function benchmarkStatements(say: (text: string) => void): Promise<readonly Prepared[]> {
  try {
    const benchmarks = await loadBenchmarks();
    return benchmarks.flatMap(({ name, statements }) =>
      statements.map((statement) => ({ ...statement, group: name === 'tpch' ? 'TPC-H' : 'TPC-DS' })),
    );
  } catch (error) {
    say(`${MISSING_TPC} (${error instanceof Error ? error.message : String(error)})`);
    return [];
  }
}

function statementsOf(corpus: Corpus, catalog: Catalog): readonly Prepared[] {
  const sessionOf = (schema = 'PUBLIC'): SessionContext => ({ database: 'APP', schema, role: 'R', warehouse: 'W' });
  const fromCorpus = corpus.cases.map(({ sql, session }) => {
    const context = sessionOf(session?.schema);
    return { sqlText: sql, session: context, catalog, group: groupOf(analyze(sql, context, catalog)) };
  });
  const written = ([group, texts]: readonly [string, readonly string[]]): readonly Prepared[] =>
    texts.map((sqlText) => {
      const analysis = analyze(sqlText, sessionOf(), catalog);
      if (!analysis.read)
        throw new Error(`a statement of the benchmark is not read: ${analysis.detail}: ${sqlText.slice(0, 80)}`);
      return { group, sqlText, session: sessionOf(), catalog };
    });
  return [
    ...fromCorpus,
    ...written(['typical queries', TYPICAL_STATEMENTS]),
    ...written(['large queries', LARGE_STATEMENTS]),
  ];
}

function groupOf({ read, class: statementClass, verb }: Analysis): string {
  if (statementClass === 'SELECT') return read ? 'corpus: SELECT, read' : 'corpus: SELECT, refused';
  if (
    [
      'INSERT',
      'UPDATE',
      'DELETE',
      'MERGE',
      'CREATE',
      'CREATE_OR_REPLACE',
      'ALTER',
      'DROP',
      'TRUNCATE',
      'GRANT',
    ].includes(verb)
  ) {
    return 'corpus: DML and DDL';
  }
  return 'corpus: everything else';
}

function catalogOf({ catalog }: Corpus): Catalog {
  const columnsOf = (names: readonly string[]): readonly { name: string; type: string }[] =>
    names.map((name) => ({ name, type: 'text' }));
  const objects = new Map<string, CatalogObject>();
  for (const [name, table] of Object.entries(catalog.tables))
    objects.set(name, { kind: 'table', columns: columnsOf(table.columns) });
  for (const [name, view] of Object.entries(catalog.views)) {
    objects.set(name, { kind: 'view', columns: columnsOf(view.columns), definition: view.definition ?? undefined });
  }
  return {
    find: (name) =>
      objects.get(`${name.database}.${name.schema}.${name.name}`) ?? objects.get(formatObjectName(name)) ?? 'absent',
  };
}
