import type { ColumnRef, EarlierResult, Facts, Output } from '../sql/facts.js';
import type { SourceMask } from './decision.js';
import { columnKey } from './keys.js';

/**
 * What RESULT_SCAN may read again: results of the last statements of each session, as far as this gateway ran them. Another
 * gateway knows nothing of them and refuses, and so does this one once the policy changed, for it then cannot tell any more
 * how much of them was masked.
 */
export interface EarlierResults {
  of(sessionId: string, policyRevision: string): readonly EarlierResult[];
  add(sessionId: string, policyRevision: string, result: EarlierResult): void;
  forget(sessionId: string): void;
}

const KEPT_PER_SESSION = 8;
const MAX_SESSIONS = 5_000;
/** Wider results are not worth their memory. */
const MAX_COLUMNS = 500;

interface Kept {
  readonly policyRevision: string;
  readonly result: EarlierResult;
}

export function createEarlierResults(): EarlierResults {
  const sessions = new Map<string, readonly Kept[]>();
  return {
    of: (sessionId, policyRevision) =>
      (sessions.get(sessionId) ?? [])
        .filter((kept) => kept.policyRevision === policyRevision)
        .map(({ result }) => result),
    add(sessionId, policyRevision, result) {
      if (result.columns.length > MAX_COLUMNS) {
        // LAST_QUERY_ID would mean this one, so none before it may answer to that name.
        sessions.delete(sessionId);
        return;
      }
      if (!sessions.has(sessionId) && sessions.size >= MAX_SESSIONS) sessions.clear();
      const known = sessions.get(sessionId) ?? [];
      sessions.set(sessionId, [...known, { policyRevision, result }].slice(-KEPT_PER_SESSION));
    },
    forget: (sessionId) => void sessions.delete(sessionId),
  };
}

/** Groups of statements whose answers hold names of objects and settings, and no rows of tables. */
const TELLS_NAMES: ReadonlySet<string> = new Set(['SHOW', 'DESCRIBE']);

interface RunStatement {
  readonly facts: Facts;
  readonly ids: Pick<EarlierResult, 'queryId' | 'upstreamQueryId'>;
  /** Of the result's columns. */
  readonly names: readonly string[];
  /** Columns the statement never saw: the result holds masks in their place. */
  readonly sourceMasks: readonly SourceMask[];
}

/** A statement's result as RESULT_SCAN would give it; undefined where its columns are not traced. */
export function earlierResult({ facts, ids, names, sourceMasks }: RunStatement): EarlierResult | undefined {
  const masked = new Set(sourceMasks.map(({ column }) => columnKey(column)));
  const unmasked = (sources: readonly ColumnRef[]): readonly ColumnRef[] =>
    sources.filter((source) => !masked.has(columnKey(source)));
  const outputs: readonly Pick<Output, 'sources'>[] | undefined =
    facts.query?.outputs ?? (TELLS_NAMES.has(facts.class) ? names.map(() => ({ sources: [] })) : undefined);
  if (outputs === undefined || outputs.length !== names.length) return undefined;
  const columns = names.map((name, index) => ({ name, sources: unmasked(outputs[index]?.sources ?? []) }));
  return { ...ids, columns, predicate: unmasked(facts.query?.predicate ?? []) };
}
