import { readFileSync } from 'node:fs';
import type { Catalog, CatalogColumn, ColumnRef, ObjectName, SessionContext } from '../facts.js';
import { formatObjectName } from '../names.js';

/** One statement of `testdata/lineage-cases.json`; the file explains its fields. */
export interface LineageCase {
  readonly id: string;
  readonly sql: string;
  readonly class: string;
  readonly maybeClass?: readonly string[];
  readonly outcome: 'analyze' | 'reject' | 'classify';
  readonly outputs?: number;
  readonly tainted?: readonly number[];
  readonly maybe?: readonly number[];
  readonly mayReject?: boolean;
  readonly predicate?: boolean;
  readonly maybePredicate?: boolean;
  readonly flow?: boolean;
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
  readonly orAnalyze?: Pick<LineageCase, 'outputs' | 'tainted' | 'maybe' | 'predicate' | 'maybePredicate'>;
  readonly session?: {
    readonly schema?: string;
    readonly tempTables?: readonly string[];
    readonly vars?: Readonly<Record<string, 'tainted' | 'clean'>>;
  };
}

interface CorpusFile {
  readonly catalog: {
    readonly tables: Readonly<Record<string, { readonly columns: string[]; readonly protected: string[] }>>;
    readonly pureFunctions: readonly string[];
    readonly views: Readonly<Record<string, { readonly columns: string[]; readonly definition: string | null }>>;
  };
  readonly cases: readonly LineageCase[];
}

const corpus = JSON.parse(
  readFileSync(new URL('../../../testdata/lineage-cases.json', import.meta.url), 'utf8'),
) as CorpusFile;

export const lineageCases: readonly LineageCase[] = corpus.cases;

/** The session every case starts from, and what the case changes in it. */
export function sessionOf(test: Pick<LineageCase, 'session'> = {}): SessionContext {
  const email = { object: { database: 'APP', schema: 'PUBLIC', name: 'CUSTOMERS' }, column: 'EMAIL' };
  const vars = Object.entries(test.session?.vars ?? {});
  const variables = Object.fromEntries(vars.map(([name, state]) => [name, state === 'tainted' ? [email] : []]));
  const facts = { variables, results: [] };
  return { database: 'APP', schema: test.session?.schema ?? 'PUBLIC', role: 'R', warehouse: 'W', facts };
}

const key = (name: ObjectName): string => `${name.database}.${name.schema}.${name.name}`;
const columnsOf = (names: readonly string[]): readonly CatalogColumn[] => names.map((name) => ({ name, type: 'text' }));

/** The corpus' own objects. A temporary table hides the permanent one: what it holds is not known. */
export function catalogOf(test: Pick<LineageCase, 'session'> = {}): Catalog {
  return {
    isPureFunction: (name) => corpus.catalog.pureFunctions.includes(key(name)),
    find(name) {
      if (test.session?.tempTables?.includes(key(name)) === true) return 'absent';
      const table = corpus.catalog.tables[key(name)];
      if (table !== undefined) return { kind: 'table', columns: columnsOf(table.columns) };
      const view = corpus.catalog.views[key(name)];
      if (view === undefined) return 'absent';
      return { kind: 'view', columns: columnsOf(view.columns), definition: view.definition ?? undefined };
    },
  };
}

/** Is this column one the corpus protects? */
export function isProtected(column: ColumnRef): boolean {
  return corpus.catalog.tables[key(column.object)]?.protected.includes(column.column) === true;
}

/** `TABLE.COLUMN`, for short expectations. */
export function shortColumn(column: ColumnRef): string {
  return `${formatObjectName({ database: '', schema: '', name: column.object.name })}.${column.column}`;
}
