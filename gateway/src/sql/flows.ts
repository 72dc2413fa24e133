import { canonicalText } from './canonical.js';
import { classify, explainedTokens, type StatementHead } from './classify.js';
import type { ColumnRef, Facts, QueryFacts, SessionEffect } from './facts.js';
import { distinctColumns, flowFacts, type PlacedText, type ReadQuery } from './flow-facts.js';
import { showsColumns } from './flow-plan.js';
import { flowOf } from './moved-query.js';
import { Refusal } from './refusal.js';
import type { Token } from './tokens.js';

/** Where the values of a statement that is not a query go. */
export type FlowFacts = Pick<Facts, 'moved' | 'defined' | 'explained' | 'unreadBecause'>;

export const NOTHING_FLOWS: FlowFacts = {
  moved: undefined,
  defined: undefined,
  explained: undefined,
  unreadBecause: undefined,
};

/** The same with the queries that stand in the statement, as they have been read: with full names. */
export interface ReadFlows {
  readonly flows: FlowFacts;
  readonly texts: readonly PlacedText[];
}

/**
 * The lineage of everything a statement moves, defines or explains. Objects that are not loaded yet are asked for by throwing
 * `Refusal`, like those of a query; whatever else cannot be traced is `unread`.
 */
export function readFlows(
  head: StatementHead,
  tokens: readonly Token[],
  carriesQuery: boolean,
  read: ReadQuery,
): ReadFlows {
  if (head.verb === 'EXPLAIN') return explainedFlow(head, tokens, read);
  const traced = orUnread((): ReadFlows => {
    const flow = flowOf(head, tokens, carriesQuery);
    if (flow.kind === 'none') return NOTHING;
    if (flow.kind === 'untraceable') throw new Refusal('unsupported', flow.because);
    const { facts, texts } = flowFacts(flow.plan, read);
    const isNothing = flow.plan.onlyWithColumns && !showsColumns(facts);
    return { flows: isNothing ? NOTHING_FLOWS : { ...NOTHING_FLOWS, [flow.kind]: facts }, texts };
  });
  return 'because' in traced ? unreadFlow(head, traced.because) : traced.value;
}

const NOTHING: ReadFlows = { flows: NOTHING_FLOWS, texts: [] };

/** A definition that cannot be traced is told as one; everything else might move. */
function unreadFlow(head: StatementHead, unreadBecause: string): ReadFlows {
  const isDefinition = head.verb.startsWith('CREATE') && (head.objectType === 'VIEW' || head.objectType === 'STREAM');
  const untraced = isDefinition ? ({ defined: 'unread' } as const) : ({ moved: 'unread' } as const);
  return { flows: { ...NOTHING_FLOWS, ...untraced, unreadBecause }, texts: [] };
}

type Traced<T> = { readonly value: T } | { readonly because: string };

function orUnread<T>(trace: () => T): Traced<T> {
  try {
    return { value: trace() };
  } catch (error) {
    if (!(error instanceof Refusal)) return { because: 'the statement could not be analysed' };
    if (error.needs.length > 0) throw error;
    return { because: error.message };
  }
}

/** `EXPLAIN [USING format] statement`: what it says is that of the statement it explains. */
function explainedFlow(head: StatementHead, tokens: readonly Token[], read: ReadQuery): ReadFlows {
  const inner = explainedTokens(head, tokens);
  const innerHead = classify(inner);
  if (innerHead.class === 'SELECT') {
    const traced = orUnread(() => read(canonicalText(inner)));
    if ('because' in traced) return unreadExplained(traced.because);
    const place = { from: tokens.length - inner.length, to: tokens.length };
    return explains(traced.value, [{ place, text: traced.value.text }]);
  }
  if (!EXPLAINABLE.has(innerHead.verb)) return unreadExplained('the explained statement is not analysed');
  const { flows } = readFlows(innerHead, inner, true, read);
  const explained = flows.moved ?? flows.defined ?? 'unread';
  return explained === 'unread'
    ? unreadExplained(flows.unreadBecause ?? 'the explained statement moves nothing that could be traced')
    : explains(explained, []);
}

function explains(explained: QueryFacts, texts: readonly PlacedText[]): ReadFlows {
  return { flows: { ...NOTHING_FLOWS, explained }, texts };
}

function unreadExplained(unreadBecause: string): ReadFlows {
  return { flows: { ...NOTHING_FLOWS, explained: 'unread', unreadBecause }, texts: [] };
}

const EXPLAINABLE: ReadonlySet<string> = new Set([
  'INSERT',
  'INSERT_OVERWRITE',
  'UPDATE',
  'DELETE',
  'MERGE',
  'CTAS',
  'CREATE',
  'CREATE_OR_REPLACE',
  'CREATE_OR_ALTER',
]);

/** The effect of SET with the columns each variable's value may depend on. */
export function traceVariables(effect: SessionEffect | undefined, moved: Facts['moved']): SessionEffect | undefined {
  if (effect?.kind !== 'variable') return effect;
  const variables = effect.variables.map((variable, index) =>
    variable.change === 'unset' ? variable : { ...variable, sources: variableSources(moved, index) },
  );
  return { ...effect, variables };
}

/** Which row the value is taken from is part of what it tells. */
function variableSources(moved: Facts['moved'], index: number): readonly ColumnRef[] | undefined {
  if (moved === undefined) return [];
  const output = moved === 'unread' ? undefined : moved.outputs[index];
  if (moved === 'unread' || output === undefined) return undefined;
  return distinctColumns([...output.sources, ...moved.predicate]);
}
