import type { ApprovalRule, MaskingPolicy, MaskingRule } from '@piste/crds';
import type { CompiledApprovalRule, CompiledMaskingPolicy, CompiledMaskingRule } from '../policy/index.js';

/** A fault of one field. `fatal`: the resource cannot be in force as written. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
  readonly fix: string;
  readonly fatal: boolean;
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

/** The name under which a hash key is asked for: `<secret>/<key>`. */
export function maskingKeyName(ref: { readonly name: string; readonly key: string }): string {
  return `${ref.name}/${ref.key}`;
}

/** @param hasKey tells whether the named hash key was read */
export function compileMaskingPolicy(
  policy: MaskingPolicy,
  hasKey: (name: string) => boolean,
): Compiled<CompiledMaskingPolicy> {
  const rules = policy.spec.rules.map((rule, index) => compileMaskingRule(rule, `spec.rules[${index}]`, hasKey));
  const faults = rules.flatMap((rule) => rule.faults);
  const compiled = rules.flatMap((rule) => (rule.value === undefined ? [] : [rule.value]));
  if (faults.some((fault) => fault.fatal)) return { value: undefined, faults };
  const { enforcement, onUnresolved } = policy.spec;
  return { value: { name: policy.metadata.name, enforcement, onUnresolved, rules: compiled }, faults };
}

function compileMaskingRule(
  rule: MaskingRule,
  at: string,
  hasKey: (name: string) => boolean,
): Compiled<CompiledMaskingRule> {
  const faults: FieldFault[] = [];
  if (rule.match.tags !== undefined) faults.push(notBuilt(`${at}.match.tags`, 'name the columns in match.columns'));
  if (rule.match.categories !== undefined)
    faults.push(notBuilt(`${at}.match.categories`, 'name the columns in match.columns'));
  const unless = rule.unless ?? [];
  if (unless.some((exemption) => exemption.kind === 'Claim')) {
    faults.push(notBuilt(`${at}.unless`, 'exempt a Group or User; nobody is exempt by a claim', false));
  }
  const action = compileAction(rule, at, hasKey, faults);
  if (action === undefined) return { value: undefined, faults };
  const columns = (rule.match.columns ?? []).map(({ database, schema, object, column }) => ({
    database,
    schema,
    object,
    column,
  }));
  return { value: { name: rule.name, columns, action, unless: unless.map((exemption) => ({ ...exemption })) }, faults };
}

function compileAction(
  rule: MaskingRule,
  at: string,
  hasKey: (name: string) => boolean,
  faults: FieldFault[],
): CompiledMaskingRule['action'] | undefined {
  const { action } = rule;
  switch (action.type) {
    case 'Redact':
    case 'Null':
    case 'Deny':
      return { type: action.type };
    case 'Partial': {
      const { keepFirst, keepLast, replacement } = action.partial;
      return { type: 'Partial', keepFirst, keepLast, replacement };
    }
    case 'Hash': {
      const key = maskingKeyName(action.hash.keySecretRef);
      if (!hasKey(key)) {
        const field = `${at}.action.hash.keySecretRef`;
        const message = `the key ${key} is missing or shorter than 16 bytes`;
        faults.push({ field, message, fix: 'provide the Secret with at least 16 random bytes', fatal: true });
      }
      return { type: 'Hash', key };
    }
    case 'Tokenize':
    case 'Bucket':
      faults.push(notBuilt(`${at}.action.type`, 'use Redact, Null, Partial, Hash or Deny'));
      return undefined;
  }
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
