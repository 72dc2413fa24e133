import { isIP } from 'node:net';
import { type CelInput, CelScalar, celEnv, celFunc, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { isRecord, type Rule, type Schema } from './schema.js';
import { childPath, type Fault } from './structure.js';

/** Checks the CEL rules of one schema tree or object. */
export interface RuleChecker {
  /**
   * Evaluates every rule at and below `schema` against a value that passed the structural check, as the API server does,
   * and returns the faults. A rule that cannot be evaluated is a fault. Rules about the former state are not evaluated.
   */
  check(value: unknown, schema: Schema, path: string, isFaulty: (path: string) => boolean): Fault[];
  /** Evaluates rules about a whole object. */
  checkRules(self: CelInput, rules: readonly Rule[], path: string): Fault[];
}

/** The rules are compiled once per checker, when they are first met. */
export function createRuleChecker(): RuleChecker {
  const environment = celEnv({ funcs: [...strings, ...kubernetesFunctions] });
  const compiled = new Map<string, (self: CelInput) => unknown>();

  function evaluate(rule: string, self: CelInput): unknown {
    let run = compiled.get(rule);
    if (run === undefined) {
      const planned = plan(environment, parse(rule));
      run = (value) => planned({ self: value });
      compiled.set(rule, run);
    }
    return run(self);
  }

  function checkRules(self: CelInput, rules: readonly Rule[], path: string): Fault[] {
    return rules.flatMap((rule) => {
      if (rule.transition) return [];
      const field = `${path}${rule.fieldPath ?? ''}`;
      const result = outcome(() => evaluate(rule.rule, self));
      if (result === true) return [];
      if (result === false) return [{ field, message: rule.message, fix: rule.fix }];
      return [{ field, message: 'a rule about this field could not be evaluated', fix: rule.fix }];
    });
  }

  function check(value: unknown, schema: Schema, path: string, isFaulty: (path: string) => boolean): Fault[] {
    const own =
      schema.rules === undefined || isFaulty(path) ? [] : checkRules(toCel(value, schema), schema.rules, path);
    if (Array.isArray(value)) {
      const { items } = schema;
      if (items === undefined) return own;
      return [...own, ...value.flatMap((item: unknown, index) => check(item, items, `${path}[${index}]`, isFaulty))];
    }
    if (!isRecord(value)) return own;
    const below = Object.entries(schema.properties ?? {})
      .filter(([name]) => Object.hasOwn(value, name))
      .flatMap(([name, child]) => check(value[name], child, childPath(path, name), isFaulty));
    return [...own, ...below];
  }

  return { check, checkRules };
}

function outcome(evaluate: () => unknown): unknown {
  try {
    const result = evaluate();
    return isCelError(result) ? undefined : result;
  } catch {
    // A rule that does not parse throws; whatever cannot be evaluated must not be accepted.
    return undefined;
  }
}

/** Integers become CEL ints: a JavaScript number would be a CEL double. */
function toCel(value: unknown, schema: Schema): CelInput {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.map((item: unknown) => toCel(item, items));
  }
  if (!isRecord(value)) throw new TypeError('a checked value holds only what its schema allows');
  const entries = Object.entries(schema.properties ?? {})
    .filter(([name]) => Object.hasOwn(value, name))
    .map(([name, child]): [string, CelInput] => [name, toCel(value[name], child)]);
  return new Map(entries);
}

/** The functions of Kubernetes' CEL library (its documentation, "Kubernetes URL library", "CIDR library") our rules call. */
const kubernetesFunctions = [
  celFunc('isURL', [CelScalar.STRING], CelScalar.BOOL, isUrl),
  celFunc('isCIDR', [CelScalar.STRING], CelScalar.BOOL, isCidr),
];

function isUrl(text: string): boolean {
  // The API server refuses broken percent-encoding, which WHATWG's parser lets pass.
  return URL.canParse(text) && !/%(?![0-9A-Fa-f]{2})/.test(text);
}

function isCidr(text: string): boolean {
  const parts = /^([^/%]+)\/(0|[1-9][0-9]{0,2})$/.exec(text);
  const address = parts?.[1];
  if (address === undefined) return false;
  const family = isIP(address);
  if (family === 0 || /^::ffff:.*\./i.test(address)) return false;
  return Number(parts?.[2]) <= (family === 4 ? 32 : 128);
}
