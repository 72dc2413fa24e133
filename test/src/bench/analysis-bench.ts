import { readFileSync } from 'node:fs';
import {
  type Analysis,
  analyze,
  type Catalog,
  type CatalogObject,
  formatObjectName,
  type SessionContext,
} from '@piste/gateway/dist/sql/index.js';
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
}

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
}

const CORPUS = new URL('../../../gateway/testdata/lineage-cases.json', import.meta.url);
const WARM_UP_PASSES = 30;

/** Analyses every statement again and again for about `milliseconds` after warming up. */
export function measureAnalysis(milliseconds: number): readonly AnalysisRow[] {
  const corpus = JSON.parse(readFileSync(CORPUS, 'utf8')) as Corpus;
  const catalog = catalogOf(corpus);
  const statements = statementsOf(corpus, catalog);
  const times = new Map<string, number[]>(statements.map(({ group }) => [group, []]));
  for (let pass = 0; pass < WARM_UP_PASSES; pass += 1)
    for (const { sqlText, session } of statements) analyze(sqlText, session, catalog);
  const untilMs = performance.now() + milliseconds;
  do {
    for (const { group, sqlText, session } of statements) {
      const startedMs = performance.now();
      analyze(sqlText, session, catalog);
      times.get(group)?.push((performance.now() - startedMs) * 1000);
    }
  } while (performance.now() < untilMs);
  return [...times].map(([group, micros]) => ({
    group,
    statements: statements.filter((statement) => statement.group === group).length,
    calls: micros.length,
    p50Micros: percentile(micros, 0.5),
    p99Micros: percentile(micros, 0.99),
    maxMicros: percentile(micros, 1),
  }));
}

function statementsOf(corpus: Corpus, catalog: Catalog): readonly Prepared[] {
  const sessionOf = (schema = 'PUBLIC'): SessionContext => ({ database: 'APP', schema, role: 'R', warehouse: 'W' });
  const fromCorpus = corpus.cases.map(({ sql, session }) => {
    const context = sessionOf(session?.schema);
    return { sqlText: sql, session: context, group: groupOf(analyze(sql, context, catalog)) };
  });
  const written = ([group, texts]: readonly [string, readonly string[]]): readonly Prepared[] =>
    texts.map((sqlText) => {
      const analysis = analyze(sqlText, sessionOf(), catalog);
      if (!analysis.read)
        throw new Error(`a statement of the benchmark is not read: ${analysis.detail}: ${sqlText.slice(0, 80)}`);
      return { group, sqlText, session: sessionOf() };
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
