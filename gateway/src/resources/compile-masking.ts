import type { MaskingAction, MaskingExemption, MaskingPolicy, MaskingRule, SecretKeyRef } from '@piste/crds';
import type { CompiledMaskingPolicy, CompiledMaskingRule, Detection, Exemption } from '../policy/index.js';
import type { Compiled, FieldFault } from './compile-policies.js';

/** The Secrets a policy's actions need, as far as they can be read. */
export interface MaskingSecrets {
  /** Length of the named key, undefined where there is none. */
  byteLength(name: string): number | undefined;
}

export interface CompiledMasking {
  readonly policy: CompiledMaskingPolicy;
  readonly detection: Detection | undefined;
}

/** HMAC keys shorter than this are no keys. */
const MIN_HASH_KEY_BYTES = 16;

/** AES keys, which FF1 is built on. */
const TOKENIZE_KEY_BYTES: readonly number[] = [16, 24, 32];

/** The name under which a key is asked for: `<secret>/<key>`. */
export function maskingKeyName(ref: { readonly name: string; readonly key: string }): string {
  return `${ref.name}/${ref.key}`;
}

/** All keys a policy's actions use. */
export function maskingKeyRefs(policy: MaskingPolicy): readonly SecretKeyRef[] {
  return policy.spec.rules.flatMap(({ action }) => keyRefOf(action) ?? []);
}

function keyRefOf(action: MaskingAction): SecretKeyRef | undefined {
  if (action.type === 'Hash') return action.hash.keySecretRef;
  return action.type === 'Tokenize' ? action.tokenize.keySecretRef : undefined;
}

/** Whatever cannot be in force as written is a fatal fault; `nowMs` tells which exemptions are over. */
export function compileMaskingPolicy(
  policy: MaskingPolicy,
  secrets: MaskingSecrets,
  nowMs: number,
): Compiled<CompiledMasking> {
  const { spec, metadata } = policy;
  const faults = spec.rules.flatMap((rule, index) => faultsOf(rule, `spec.rules[${index}]`, secrets, nowMs));
  if (faults.some((fault) => fault.fatal)) return { value: undefined, faults };
  const { enforcement, onUnresolved, predicates } = spec;
  const recording = spec.recording === undefined ? {} : { recording: spec.recording.mode };
  const rules = spec.rules.map(toCompiledRule);
  return {
    value: {
      policy: { name: metadata.name, ...recording, enforcement, predicates, onUnresolved, rules },
      detection: detectionOf(policy),
    },
    faults,
  };
}

/** A policy in DryRun only looks. */
function detectionOf({ spec }: MaskingPolicy): Detection | undefined {
  if (spec.detection === undefined) return undefined;
  const mode = spec.enforcement === 'DryRun' ? 'Audit' : spec.detection.mode;
  return { mode, categories: [...spec.detection.categories].sort() };
}

const DETECTION_MODES: readonly Detection['mode'][] = ['Audit', 'Mask', 'Deny'];

/** One detection that is at least as strict as each: the strictest mode for the categories of all. */
export function strictestDetection(detections: readonly Detection[]): Detection | undefined {
  const mode = DETECTION_MODES.findLast((candidate) => detections.some((detection) => detection.mode === candidate));
  if (mode === undefined) return undefined;
  return { mode, categories: [...new Set(detections.flatMap((detection) => detection.categories))].sort() };
}

function toCompiledRule(rule: MaskingRule): CompiledMaskingRule {
  const { columns = [], tags, categories, dataTypes } = rule.match;
  return {
    name: rule.name,
    columns: columns.map(({ database, schema, object, column }) => ({ database, schema, object, column })),
    ...(tags === undefined ? {} : { tags: tags.map(({ name, value }) => ({ name, value })) }),
    ...(categories === undefined ? {} : { categories: categories.map((category) => category.toUpperCase()) }),
    ...(dataTypes === undefined ? {} : { dataTypes: [...dataTypes] }),
    action: toCompiledAction(rule.action),
    unless: (rule.unless ?? []).map((exemption): Exemption => ({ ...exemption })),
  };
}

function toCompiledAction(action: MaskingAction): CompiledMaskingRule['action'] {
  switch (action.type) {
    case 'Redact':
    case 'Null':
    case 'Deny':
      return { type: action.type };
    case 'Partial': {
      const { keepFirst, keepLast, replacement } = action.partial;
      return { type: 'Partial', keepFirst, keepLast, replacement };
    }
    case 'Hash':
      return { type: 'Hash', key: maskingKeyName(action.hash.keySecretRef) };
    case 'DateTruncate':
      return { type: 'DateTruncate', unit: action.dateTruncate.unit };
    case 'Bucket':
      return { type: 'Bucket', size: action.bucket.size };
    case 'Constant':
      return { type: 'Constant', value: action.constant.value };
    case 'Tokenize': {
      const { keySecretRef, alphabet } = action.tokenize;
      return { type: 'Tokenize', key: maskingKeyName(keySecretRef), alphabet };
    }
  }
}

function faultsOf(rule: MaskingRule, at: string, secrets: MaskingSecrets, nowMs: number): readonly FieldFault[] {
  const exemptions = (rule.unless ?? []).flatMap((exemption, index) =>
    exemptionFaults(exemption, `${at}.unless[${index}]`, nowMs),
  );
  return [...keyFaults(rule.action, at, secrets), ...exemptions];
}

function keyFaults(action: MaskingAction, at: string, secrets: MaskingSecrets): readonly FieldFault[] {
  const ref = keyRefOf(action);
  if (ref === undefined) return [];
  const name = maskingKeyName(ref);
  const bytes = secrets.byteLength(name) ?? 0;
  if (action.type === 'Hash') {
    if (bytes >= MIN_HASH_KEY_BYTES) return [];
    const message = `the key ${name} is missing or shorter than ${MIN_HASH_KEY_BYTES} bytes`;
    const fix = `provide the Secret with at least ${MIN_HASH_KEY_BYTES} random bytes`;
    return [{ field: `${at}.action.hash.keySecretRef`, message, fix, fatal: true }];
  }
  if (TOKENIZE_KEY_BYTES.includes(bytes)) return [];
  const message = `the key ${name} is missing or not 16, 24 or 32 bytes long`;
  const fix = 'provide the Secret with 32 random bytes';
  return [{ field: `${at}.action.tokenize.keySecretRef`, message, fix, fatal: true }];
}

function exemptionFaults(exemption: MaskingExemption, at: string, nowMs: number): readonly FieldFault[] {
  const faults: FieldFault[] = [];
  const warn = (field: string, message: string, fix: string): void => {
    faults.push({ field: `${at}${field}`, message, fix, fatal: false, isAdvice: true });
  };
  if (exemption.kind === 'Claim') {
    const fix = 'exempt a Group or User; nobody is exempt by a claim';
    faults.push({ field: at, message: 'this is not built in this version', fix, fatal: false });
  }
  const { reason, expiresAt } = exemption;
  if (reason === undefined) {
    warn('.reason', 'nobody can tell why this exemption exists', 'add a reason');
  }
  if (expiresAt === undefined) {
    warn('.expiresAt', 'this exemption never ends', 'add expiresAt, or accept that it holds until it is removed');
  } else if (!(Date.parse(expiresAt) > nowMs)) {
    warn('.expiresAt', 'this exemption is over and exempts nobody', 'remove it, or set a later expiresAt');
  }
  return faults;
}
