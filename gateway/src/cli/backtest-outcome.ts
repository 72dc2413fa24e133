import {
  checkRequest,
  type Decision,
  type MaskObligation,
  type RequestTraits,
  type SourceMask,
} from '../policy/index.js';
import type { EntryValue } from '../recording/index.js';
import { formatObjectName } from '../sql/index.js';
import type { Judgement } from './explain-judge.js';
import { type Fields, listOf, numberIn, objectIn, stringIn } from './fields.js';

/** What became of a statement, as far as policies have a say. Lists are sorted and without duplicates. */
export interface Outcome {
  readonly verdict: string;
  /** Rules that spoke. */
  readonly rules: readonly string[];
  /** `DB.SCHEMA.TABLE.COLUMN: Action (policy/rule)` where it is read, `#3: Action (policy/rule)` in the result. */
  readonly masks: readonly string[];
}

export type OutcomeField = 'verdict' | 'rules' | 'masks';

/** One member that is not as it was. */
export interface OutcomeDifference {
  readonly field: OutcomeField;
  readonly gone: readonly string[];
  readonly come: readonly string[];
}

/** Columns listed in one record of a request. */
const MAX_LISTED = 100;
/** Masks of what was found in values stand under this name; without the values nobody can look again. */
const DETECTION = 'detection';
/** A parameter of the request was refused: the record holds no parameters, and no policy has a say in them. */
const PARAMETER_REFUSED = '861206';

/** What the record says. The masks of a result are known only where there was one. */
export function recordedOutcome(request: Fields, response: Fields | undefined): Outcome {
  const decision = objectIn(request, 'dec');
  const inSource = listOf(decision, 'src').map(
    (mask) =>
      `${stringIn(mask, 'o') ?? '?'}.${stringIn(mask, 'c') ?? '?'}: ${stringIn(mask, 'm') ?? '?'} (${ruleOf(mask)})`,
  );
  const inResult = listOf(response, 'masked')
    .filter((mask) => stringIn(mask, 'p') !== DETECTION)
    .map((mask) => showResultMask(numberIn(mask, 'i') ?? -1, stringIn(mask, 'm') ?? '?', ruleOf(mask)));
  const isReleased = stringIn(decision, 'apr') !== undefined;
  return {
    verdict: isReleased ? 'hold' : (stringIn(decision, 'v') ?? 'none'),
    rules: inOrder(textsIn(decision?.['rules'])),
    masks: inOrder([...inSource, ...inResult]),
  };
}

/** What is decided now, in the same words. */
export function outcomeNow(judgement: Judgement, traits: RequestTraits, response: Fields | undefined): Outcome {
  const { analysis, decision, byPolicy } = judgement;
  const rules = inOrder(byPolicy.reasons.flatMap(({ rule }) => (rule === undefined ? [] : [rule])));
  const isRefused =
    decision.verdict === 'block' ||
    stringIn(response, 'code') === PARAMETER_REFUSED ||
    checkRequest(analysis, decision, traits) !== undefined ||
    (judgement.keyPlaceholdersFrom !== undefined && !traits.describeOnly && isBatch(traits));
  if (isRefused) return { verdict: 'block', rules, masks: [] };
  // Nothing is run when a statement is described, so nobody is asked.
  const verdict = traits.describeOnly ? 'allow' : decision.verdict;
  const source = sourceMasksOf(decision).slice(0, MAX_LISTED).map(showSourceMask);
  const result = isResult(response) ? decision.masks.map(showMask) : [];
  return { verdict, rules, masks: inOrder([...source, ...result]) };
}

/** Values of keys have no place beside lists of values. */
function isBatch({ bindings }: RequestTraits): boolean {
  return Object.values(bindings ?? {}).some(
    (binding) => typeof binding === 'object' && binding !== null && 'value' in binding && Array.isArray(binding.value),
  );
}

/** True for the answer to a statement that ran. */
export function isResult(response: Fields | undefined): boolean {
  return response !== undefined && response['code'] === null;
}

export function sourceMasksOf(decision: Decision): readonly SourceMask[] {
  return decision.verdict === 'block' ? [] : decision.sourceMasks;
}

export function differencesOf(recorded: Outcome, now: Outcome): readonly OutcomeDifference[] {
  const compare = (field: OutcomeField, before: readonly string[], after: readonly string[]): OutcomeDifference => ({
    field,
    gone: before.filter((item) => !after.includes(item)),
    come: after.filter((item) => !before.includes(item)),
  });
  return [
    compare('verdict', [recorded.verdict], [now.verdict]),
    compare('rules', recorded.rules, now.rules),
    compare('masks', recorded.masks, now.masks),
  ].filter(({ gone, come }) => gone.length + come.length > 0);
}

const showSourceMask = ({ column, action, policy, rule }: SourceMask): string =>
  `${formatObjectName(column.object)}.${column.column}: ${action.type} (${policy}/${rule})`;

const showMask = ({ index, action, policy, rule }: MaskObligation): string =>
  showResultMask(index, action.type, `${policy}/${rule}`);

const showResultMask = (index: number, action: string, rule: string): string => `#${index + 1}: ${action} (${rule})`;

const ruleOf = (mask: Fields): string => `${stringIn(mask, 'p') ?? '?'}/${stringIn(mask, 'r') ?? '?'}`;

const textsIn = (value: EntryValue | undefined): readonly string[] =>
  Array.isArray(value) ? (value as readonly EntryValue[]).filter((item) => typeof item === 'string') : [];

const inOrder = (items: readonly string[]): readonly string[] => [...new Set(items)].toSorted();
