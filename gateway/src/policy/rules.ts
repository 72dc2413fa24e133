import type { Analysis } from '../sql/facts.js';
import { classGroup, isSessionGroup, objectTypeOf, statementTypes } from './classes.js';
import type { CompiledApprovalRule } from './compiled.js';
import { matchesObject } from './patterns.js';

/** The rules that speak about a statement, by what they demand. */
export interface MatchedRules {
  readonly block: readonly CompiledApprovalRule[];
  readonly hold: readonly CompiledApprovalRule[];
  readonly allow: readonly CompiledApprovalRule[];
}

/**
 * Which rules fit. What is not known of a statement counts as fitting for Block and Hold, and as not fitting for Allow.
 * Allow additionally never fits a statement that was not read.
 */
export function matchRules(statement: Analysis, rules: readonly CompiledApprovalRule[]): MatchedRules {
  const matched = (action: CompiledApprovalRule['action']): readonly CompiledApprovalRule[] =>
    rules.filter((rule) => rule.action === action && matchesRule(rule, statement));
  return { block: matched('Block'), hold: matched('Hold'), allow: matched('Allow') };
}

export function matchesRule(rule: CompiledApprovalRule, statement: Analysis): boolean {
  const admits = rule.action === 'Allow';
  return (statement.read || !admits) && fits(rule, statement, admits);
}

/** True unless the rule certainly does not speak about the statement, whatever its action. */
export function maySpeakAbout(rule: CompiledApprovalRule, statement: Analysis): boolean {
  return fits(rule, statement, false);
}

function fits(rule: CompiledApprovalRule, statement: Analysis, admits: boolean): boolean {
  return (
    matchesStatementType(rule, statement, admits) &&
    matchesObjectType(rule, statement, admits) &&
    matchesObjects(rule, statement, admits)
  );
}

function matchesStatementType(rule: CompiledApprovalRule, statement: Analysis, admits: boolean): boolean {
  const wanted = rule.match.statementTypes;
  if (wanted === undefined) return true;
  const types = statementTypes(statement);
  if (types.some((type) => wanted.includes(type))) return true;
  const known = types.some((type) => type !== 'Unread');
  return !known && !admits;
}

function matchesObjectType(rule: CompiledApprovalRule, statement: Analysis, admits: boolean): boolean {
  const wanted = rule.match.objectTypes;
  if (wanted === undefined) return true;
  const type = objectTypeOf(statement.objectType);
  if (type !== undefined) return wanted.includes(type);
  return !admits && !actsOnNoTypedObject(statement);
}

/** Classes whose text names no kind of object, so its absence is known rather than unknown. */
function actsOnNoTypedObject(statement: Analysis): boolean {
  const group = classGroup(statement);
  return group === 'select' || group === 'row-change' || isSessionGroup(group);
}

function matchesObjects(rule: CompiledApprovalRule, statement: Analysis, admits: boolean): boolean {
  const wanted = rule.match.objects;
  if (wanted === undefined) return true;
  const objects = statement.objects;
  if (objects.length === 0) return !admits && !namesNoObjectForCertain(statement);
  const isWanted = (object: (typeof objects)[number]): boolean =>
    wanted.some((pattern) => matchesObject(pattern, object, admits ? 'narrow' : 'wide'));
  return admits ? objects.every(isWanted) : objects.some(isWanted);
}

function namesNoObjectForCertain(statement: Analysis): boolean {
  if (!statement.read) return false;
  return statement.query !== undefined || isSessionGroup(classGroup(statement));
}
