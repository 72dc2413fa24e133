import type { ApprovalRule } from '@piste/crds';
import type { CompiledApprovalRule } from '../policy/index.js';

/** A fault of one field. `fatal`: the resource cannot be in force as written. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
  readonly fix: string;
  readonly fatal: boolean;
  /** The resource is in force as written; it could be written better. */
  readonly isAdvice?: boolean;
}

/** What became of one policy or rule: present unless a fault is fatal. */
export interface Compiled<T> {
  readonly value: T | undefined;
  readonly faults: readonly FieldFault[];
}

const NOT_BUILT = 'this is not built in this version';

function notBuilt(field: string, fix: string, fatal = true): FieldFault {
  return { field, message: NOT_BUILT, fix, fatal };
}

export function compileApprovalRule(rule: ApprovalRule): Compiled<CompiledApprovalRule> {
  const { spec } = rule;
  const faults: FieldFault[] = [];
  if (spec.match.minEstimatedRows !== undefined) {
    faults.push(notBuilt('spec.match.minEstimatedRows', 'remove it; the rule then fits whatever the size'));
  }
  if (spec.match.expression !== undefined) {
    faults.push(notBuilt('spec.match.expression', 'use statementTypes, objectTypes and objects'));
  }
  if (spec.approval !== undefined && spec.approval.grant.scope !== 'Statement') {
    faults.push(notBuilt('spec.approval.grant.scope', 'use Statement'));
  }
  if (spec.notify !== undefined && spec.notify.length > 0) {
    faults.push(notBuilt('spec.notify', 'nobody is told; approvers look at the console', false));
  }
  if (faults.some((fault) => fault.fatal)) return { value: undefined, faults };
  return { value: toCompiledRule(rule), faults };
}

function toCompiledRule({ metadata, spec }: ApprovalRule): CompiledApprovalRule {
  const { match, approval } = spec;
  const names = (kind: 'User' | 'Group'): readonly string[] =>
    (approval?.approvers ?? []).filter((approver) => approver.kind === kind).map((approver) => approver.name);
  return {
    name: metadata.name,
    ...(spec.recording === undefined ? {} : { recording: spec.recording.mode }),
    action: spec.action,
    match: {
      statementTypes: match.statementTypes,
      objectTypes: match.objectTypes,
      objects: match.objects?.map(({ database, schema, object }) => ({ database, schema, object })),
    },
    approval:
      approval === undefined
        ? undefined
        : {
            groups: names('Group'),
            users: names('User'),
            minApprovals: approval.minApprovals,
            timeoutSeconds: approval.requestTimeoutSeconds,
          },
    message: spec.message,
    alternative: spec.alternative,
  };
}
