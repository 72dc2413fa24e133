import { ColumnTable } from '@piste/gateway/dist/sql/columns.js';
import { analyze, type Catalog, type ColumnRef, type SessionContext } from '@piste/gateway/dist/sql/index.js';
import { resolveQuery } from '@piste/gateway/dist/sql/resolve.js';
import { loadTables } from '@piste/gateway/dist/sql/tables.js';
import { adaptStatement } from './adapt-query.js';
import type { Parsed } from './parser-worker.js';
import type { Tree } from './tree.js';

/** What a query shows, as one of the two parsers read it. */
export interface Reading {
  readonly outputs: readonly { readonly name: string | undefined; readonly sources: readonly string[] }[];
  readonly predicate: readonly string[];
}

/** `why` is for counting: never compared. */
export type Read = { readonly ok: true; readonly reading: Reading } | { readonly ok: false; readonly why: string };

function columnKey({ object, column }: ColumnRef): string {
  return `${object.database}.${object.schema}.${object.name}.${column}`;
}

function sorted(refs: readonly ColumnRef[]): readonly string[] {
  return refs.map(columnKey).sort();
}

/** Our own parser. */
export function readOurselves(sqlText: string, session: SessionContext, catalog: Catalog): Read {
  const analysis = analyze(sqlText, session, catalog);
  if (!analysis.read) return { ok: false, why: `${analysis.kind}: ${analysis.detail}` };
  if (analysis.query === undefined) return { ok: false, why: `no query: ${analysis.class}` };
  const { outputs, predicate } = analysis.query;
  return {
    ok: true,
    reading: {
      outputs: outputs.map(({ name, sources }) => ({ name, sources: sorted(sources) })),
      predicate: sorted(predicate),
    },
  };
}

/** The tree of the other parser through the same resolver. */
export function readOther(parsed: Parsed, session: SessionContext, catalog: Catalog): Read {
  if (parsed.kind !== 'tree') return { ok: false, why: parsed.kind };
  try {
    const adapted = adaptStatement(JSON.parse(parsed.json) as Tree);
    const { tokens, edits } = adapted;
    const columns = new ColumnTable();
    const worked = { computed: new Set<number>(), revealing: new Set<number>() };
    const { relationOf } = loadTables(adapted, session, catalog, columns, worked);
    const context = { columns, worked, relationOf, tokens, edits, facts: session.facts, isAimed: true };
    const relation = resolveQuery(adapted.query, context);
    return {
      ok: true,
      reading: {
        outputs: relation.columns.map(({ name, sources }) => ({ name, sources: sorted(columns.refs(sources)) })),
        predicate: sorted(columns.refs(relation.predicate)),
      },
    };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
}

/** In what the two readings differ; undefined where they agree. */
export function difference(ours: Reading, theirs: Reading): string | undefined {
  if (ours.outputs.length !== theirs.outputs.length) {
    return `${ours.outputs.length} columns, the other has ${theirs.outputs.length}`;
  }
  for (const [index, output] of ours.outputs.entries()) {
    const other = theirs.outputs[index];
    if (output.name !== other?.name) return `column ${index + 1} is called ${output.name}, the other: ${other?.name}`;
    const found = differingColumns(output.sources, other?.sources ?? []);
    if (found !== undefined) return `column ${index + 1}: ${found}`;
  }
  const found = differingColumns(ours.predicate, theirs.predicate);
  return found === undefined ? undefined : `predicate: ${found}`;
}

function differingColumns(ours: readonly string[], theirs: readonly string[]): string | undefined {
  const missing = theirs.filter((column) => !ours.includes(column));
  const more = ours.filter((column) => !theirs.includes(column));
  if (missing.length + more.length === 0) return undefined;
  return `only we: ${more.join(', ') || '-'}; only the other: ${missing.join(', ') || '-'}`;
}
