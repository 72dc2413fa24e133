import type { Decision, MaskAction } from '../policy/index.js';
import { columnKey } from '../policy/index.js';
import { showColumn } from '../policy/patterns.js';
import { type Protection, protectionsOf } from '../policy/protection.js';
import type { CatalogColumn, ColumnRef, QueryFacts } from '../sql/index.js';
import { type Surroundings, writeName } from './explain-catalog.js';
import { type JudgedQuestion, judge, queryOf } from './explain-judge.js';
import { createSampler, type Sample } from './explain-samples.js';
import { type Place, placesOf } from './explain-spans.js';

export interface ExplainedMask {
  readonly column: string;
  readonly action: MaskAction['type'];
  readonly rule: string;
  /** Where the values are replaced: where they are read, in the result, or both. */
  readonly where: 'source' | 'result' | 'both';
  readonly sample: Sample | undefined;
}

export interface ExplainedOutput {
  /** From 1, as people count. */
  readonly position: number;
  readonly name: string | null;
  /** Base columns and columns of views that influence its values. */
  readonly carries: readonly string[];
  /** Of those, the ones a policy protects from the requester. */
  readonly protected: readonly string[];
  readonly isCopy: boolean;
  readonly masks: readonly ExplainedMask[];
}

/** A column that has a say in which rows come out. */
export interface ExplainedPredicate {
  readonly column: string;
  readonly protected: boolean;
  /** How the statement sees it; null where it sees the real values. */
  readonly masked: MaskAction['type'] | null;
}

/** What the gateway would do with one statement, and why. Plain data: `-o json` prints it as it is. */
export interface Explanation {
  readonly sql: string;
  readonly class: string;
  readonly verdict: Decision['verdict'];
  readonly code: string | null;
  readonly reasons: Decision['reasons'];
  readonly places: readonly Place[];
  readonly outputs: readonly ExplainedOutput[];
  readonly predicate: readonly ExplainedPredicate[];
  readonly reads: readonly string[];
  /** The policies and rules that want the statement recorded in `strict`, whatever the mode. */
  readonly strictBy: readonly string[];
  readonly held: Extract<Decision, { verdict: 'hold' }>['approval'] | null;
  readonly canonical: string | null;
  /** What would be sent to Snowflake; null where nothing would. */
  readonly sent: string | null;
  /** Placeholders of that text from this number on stand for halves of hash keys; null where there are none. */
  readonly keyPlaceholdersFrom: number | null;
  readonly policyRevision: string;
}

export interface StatementQuestion extends JudgedQuestion {
  readonly maskingKeys: ReadonlyMap<string, Uint8Array>;
}

/** Reads and judges a statement by the gateway's own rooms. Pure. */
export function explainStatement(question: StatementQuestion): Explanation {
  const { sql } = question;
  const { analysis, decision, sent, keyPlaceholdersFrom } = judge(question);
  const query = queryOf(analysis);
  const guard = (column: ColumnRef): readonly Protection[] => enforcedOn(column, question);
  return {
    sql,
    class: analysis.class,
    verdict: decision.verdict,
    code: decision.verdict === 'block' ? decision.denial.code : null,
    reasons: decision.reasons,
    places: placesOf(sql, analysis, decision, guard),
    outputs: query === undefined ? [] : explainOutputs(query, decision, guard, question),
    predicate: (query?.predicate ?? []).map((column) => ({
      column: showColumn(column),
      protected: guard(column).length > 0,
      masked: sourceMaskOf(column, decision)?.action.type ?? null,
    })),
    reads: (query?.reads ?? []).map(writeName),
    strictBy: decision.strictBy ?? [],
    held: decision.verdict === 'hold' ? decision.approval : null,
    canonical: analysis.canonicalText ?? null,
    sent: sent ?? null,
    keyPlaceholdersFrom: keyPlaceholdersFrom ?? null,
    policyRevision: decision.policyRevision,
  };
}

/** The rules in force that protect a column from a requester. */
function enforcedOn(column: ColumnRef, { who, policy, nowMs }: StatementQuestion): readonly Protection[] {
  return protectionsOf(column, who, policy, nowMs).filter((protection) => protection.policy.enforcement === 'Enforce');
}

function explainOutputs(
  query: QueryFacts,
  decision: Decision,
  guard: (column: ColumnRef) => readonly Protection[],
  question: StatementQuestion,
): readonly ExplainedOutput[] {
  const sampler = createSampler(question.maskingKeys);
  const explainMask = ({ column, action, rule, where }: MaskOfOutput): ExplainedMask => ({
    column: showColumn(column),
    action: action.type,
    rule,
    where,
    sample: sampler(action, traitsOf(column, question.surroundings)),
  });
  return query.outputs.map((output, index) => ({
    position: index + 1,
    name: output.name ?? null,
    carries: output.sources.map(showColumn),
    protected: output.sources.filter((column) => guard(column).length > 0).map(showColumn),
    isCopy: output.direct !== undefined,
    masks: masksOf(index, output.sources, decision).map(explainMask),
  }));
}

interface MaskOfOutput {
  readonly column: ColumnRef;
  readonly action: MaskAction;
  readonly rule: string;
  readonly where: ExplainedMask['where'];
}

/** Everything that hides values in one output: replaced where they are read, and again in the result. */
export function masksOf(index: number, sources: readonly ColumnRef[], decision: Decision): readonly MaskOfOutput[] {
  if (decision.verdict === 'block') return [];
  const result = decision.masks
    .filter((mask) => mask.index === index)
    .map(
      (mask): MaskOfOutput => ({
        column: mask.column,
        action: mask.action,
        rule: `${mask.policy}/${mask.rule}`,
        where: mask.barrier === 'second' ? 'both' : 'result',
      }),
    );
  if (result.length > 0) return result;
  return decision.sourceMasks
    .filter((mask) => sources.some((source) => columnKey(source) === columnKey(mask.column)))
    .map((mask) => ({
      column: mask.column,
      action: mask.action,
      rule: `${mask.policy}/${mask.rule}`,
      where: 'source',
    }));
}

function sourceMaskOf(column: ColumnRef, decision: Decision) {
  if (decision.verdict === 'block') return undefined;
  return decision.sourceMasks.find((mask) => columnKey(mask.column) === columnKey(column));
}

/** What the catalog says of a column. */
function traitsOf(column: ColumnRef, { catalog }: Surroundings): CatalogColumn {
  const found = catalog.find(column.object);
  const known = typeof found === 'string' ? undefined : found.columns.find(({ name }) => name === column.column);
  return known ?? { name: column.column, type: 'unknown' };
}
