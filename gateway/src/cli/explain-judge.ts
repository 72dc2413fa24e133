import { deny } from '../errors.js';
import { type KeyPads, sourceExpression } from '../masking/index.js';
import { type ConnectionPolicy, columnKey, type Decision, decide, type Requester } from '../policy/index.js';
import {
  type Analysis,
  analyze,
  maskSources,
  numberPlaceholders,
  placeholdersOf,
  type QueryFacts,
  quoteIdentifier,
} from '../sql/index.js';
import type { Surroundings } from './explain-catalog.js';

export interface Judgement {
  readonly analysis: Analysis;
  readonly decision: Decision;
  /** What policy says. `decision` is another only where it asks for masks that the statement has no place for. */
  readonly byPolicy: Decision;
  /** The text that would leave for Snowflake; undefined where none would. */
  readonly sent: string | undefined;
  /** Placeholders of that text from this number on stand for halves of hash keys. */
  readonly keyPlaceholdersFrom?: number;
}

export interface JudgedQuestion {
  readonly sql: string;
  readonly who: Requester;
  readonly surroundings: Surroundings;
  readonly policy: ConnectionPolicy;
  readonly nowMs: number;
}

/** What the gateway makes of a statement: read, judged, and masked where it reads. Pure. */
export function judge({ sql, who, surroundings, policy, nowMs }: JudgedQuestion): Judgement {
  const { session, catalog } = surroundings;
  const analysis = analyze(sql, session, catalog);
  const decision = decide(analysis, who, session, policy, nowMs);
  const byPolicy = decision;
  if (decision.verdict === 'block') return { analysis, decision, byPolicy, sent: undefined };
  const query = analysis.read ? analysis.query : undefined;
  if (query === undefined || decision.sourceMasks.length === 0) {
    return { analysis, decision, byPolicy, sent: analysis.canonicalText };
  }
  const masked = maskedText(query, decision.sourceMasks);
  if (masked.ok) {
    const { text, keyPlaceholdersFrom } = masked;
    return {
      analysis,
      decision,
      byPolicy,
      sent: text,
      ...(keyPlaceholdersFrom === undefined ? {} : { keyPlaceholdersFrom }),
    };
  }
  const denial = deny.cannotMask(masked.detail);
  const { class: statementClass, objects, policyRevision, strictBy } = decision;
  const reasons = [{ kind: 'protected-column-not-direct', rule: undefined, message: denial.message } as const];
  return {
    analysis,
    byPolicy,
    decision: {
      class: statementClass,
      objects,
      policyRevision,
      ...(strictBy === undefined ? {} : { strictBy }),
      verdict: 'block',
      reasons,
      denial,
    },
    sent: undefined,
  };
}

type SourceMasks = Extract<Decision, { verdict: 'allow' }>['sourceMasks'];

type MaskedText =
  | { readonly ok: true; readonly text: string; readonly keyPlaceholdersFrom: number | undefined }
  | { readonly ok: false; readonly detail: string };

/** Halves of hash keys are placeholders behind the statement's own, as in the gateway; here no value belongs to them. */
function maskedText(query: QueryFacts, masks: SourceMasks): MaskedText {
  const { positional, highest } = placeholdersOf(query.text);
  const first = Math.max(positional, highest) + 1;
  const keys = new Map<string, number>();
  const padsOf = (key: string): KeyPads => {
    const number = keys.get(key) ?? first + 2 * keys.size;
    keys.set(key, number);
    return { inner: `:${number}`, outer: `:${number + 1}` };
  };
  const byColumn = new Map(masks.map((mask) => [columnKey(mask.column), mask.action]));
  const masked = maskSources(query, (object, traits) => {
    const action = byColumn.get(columnKey({ object, column: traits.name }));
    return action && sourceExpression(action, traits, quoteIdentifier(traits.name), padsOf);
  });
  if (!masked.ok) return masked;
  if (keys.size === 0) return { ...masked, keyPlaceholdersFrom: undefined };
  return { ok: true, text: numberPlaceholders(masked.text), keyPlaceholdersFrom: first };
}

/** The query itself, or the one whose values the statement stores. */
export function queryOf(analysis: Analysis): QueryFacts | undefined {
  if (!analysis.read) return undefined;
  return [analysis.query, analysis.moved, analysis.defined].find((traced) => typeof traced === 'object');
}
