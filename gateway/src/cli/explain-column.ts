import type { CompiledMaskingRule, ConnectionPolicy, Exemption, Requester } from '../policy/index.js';
import { showColumn } from '../policy/patterns.js';
import { isExempt, protectionsOf, strictestOf } from '../policy/protection.js';
import type { CatalogColumn, ColumnRef } from '../sql/index.js';
import type { Palette } from './colour.js';
import { type CatalogFile, nameKey } from './explain-catalog.js';
import { describeSample } from './explain-render.js';
import { createSampler, type Sample } from './explain-samples.js';
import { InputError } from './io.js';
import { toLine } from './plain-text.js';

/** What one masking rule has to do with a column. */
export interface ColumnRule {
  readonly rule: string;
  readonly action: CompiledMaskingRule['action']['type'];
  readonly enforcement: 'Enforce' | 'DryRun';
  /** `wins`: its action is what happens. `exempt`: the requester is. `dry-run`: only recorded. */
  readonly outcome: 'wins' | 'less-strict' | 'exempt' | 'dry-run';
  /** The entry that exempts the requester. */
  readonly exemption: string | null;
}

export interface ColumnExplanation {
  readonly column: string;
  readonly type: string | null;
  readonly tags: readonly { readonly name: string; readonly value: string }[];
  readonly category: string | null;
  readonly rules: readonly ColumnRule[];
  /** The rule that wins, or null: the column is not protected from the requester. */
  readonly winner: string | null;
  readonly action: CompiledMaskingRule['action']['type'] | null;
  readonly sample: Sample | null;
  /** Policies that are not in force as written: everything they may protect is denied. */
  readonly rejected: readonly string[];
}

export interface ColumnQuestion {
  readonly named: ColumnRef;
  readonly who: Requester;
  readonly policy: ConnectionPolicy;
  readonly maskingKeys: ReadonlyMap<string, Uint8Array>;
  readonly file: CatalogFile | undefined;
  readonly nowMs: number;
}

/** Which rules speak about a column, who wins and why. Throws `InputError` for a column the catalog does not have. */
export function explainColumn({ named, who, policy, maskingKeys, file, nowMs }: ColumnQuestion): ColumnExplanation {
  const traits = file === undefined ? undefined : traitsIn(file, named);
  const column: ColumnRef = traits === undefined ? named : { ...named, traits };
  const speaking = protectionsOf(column, NOBODY, policy, nowMs);
  const binding = protectionsOf(column, who, policy, nowMs);
  const enforced = binding.filter((protection) => protection.policy.enforcement === 'Enforce');
  const winner = strictestOf(enforced);
  const rules = speaking.map(({ policy: masking, rule }): ColumnRule => {
    const isBinding = binding.some((bound) => bound.policy === masking && bound.rule === rule);
    const exemption = rule.unless.find((entry) => isExempt(entry, who, nowMs));
    const isDryRun = masking.enforcement === 'DryRun';
    const wins = winner?.policy === masking && winner.rule === rule;
    return {
      rule: `${masking.name}/${rule.name}`,
      action: rule.action.type,
      enforcement: masking.enforcement,
      outcome: isBinding ? (isDryRun ? 'dry-run' : wins ? 'wins' : 'less-strict') : 'exempt',
      exemption: isBinding || exemption === undefined ? null : describeExemption(exemption),
    };
  });
  const action = winner?.rule.action;
  const sample =
    action === undefined || action.type === 'Deny'
      ? undefined
      : createSampler(maskingKeys)(action, traits ?? { name: named.column, type: 'text' });
  return {
    column: showColumn(named),
    type: traits?.type ?? null,
    tags: traits?.tags ?? [],
    category: traits?.category ?? null,
    rules,
    winner: winner === undefined ? null : `${winner.policy.name}/${winner.rule.name}`,
    action: action?.type ?? null,
    sample: sample ?? null,
    rejected: policy.rejected,
  };
}

/** Nobody whom an exemption could mean: a rule that binds this requester is one that speaks about the column. */
const NOBODY: Requester = { issuer: '\u0000', subject: '\u0000', groups: [] };

function traitsIn(file: CatalogFile, { object, column }: ColumnRef): CatalogColumn {
  const traits = file.objects.get(nameKey(object))?.columns.find(({ name }) => name === column);
  if (traits === undefined) throw new InputError(`the catalog has no column ${showColumn({ object, column })}`);
  return traits;
}

function describeExemption(exemption: Exemption): string {
  switch (exemption.kind) {
    case 'Group':
      return `group ${exemption.name}`;
    case 'User':
      return `user ${exemption.name}`;
    case 'Claim':
      return `claim ${exemption.name}=${exemption.value}`;
  }
}

const WHY: Readonly<Record<Exclude<ColumnRule['outcome'], 'exempt'>, string>> = {
  wins: 'wins: the strictest of the rules in force',
  'less-strict': 'in force, but another rule is stricter or stands before it by name',
  'dry-run': 'DryRun: only recorded',
};

/** The decision as a tree. */
export function renderColumn(explained: ColumnExplanation, who: string, palette: Palette): readonly string[] {
  const { rules, winner, action, sample } = explained;
  const facts = [
    ...(explained.type === null ? [] : [`type ${explained.type}`]),
    ...(explained.category === null ? [] : [`category ${explained.category}`]),
    ...explained.tags.map((tag) => `tag ${tag.name}=${tag.value}`),
  ];
  const branches = rules.map((rule, index) => {
    const why = rule.outcome === 'exempt' ? `exempt: ${rule.exemption ?? 'by an exemption'}` : WHY[rule.outcome];
    const branch = index === rules.length - 1 ? '└─' : '├─';
    return toLine(`${branch} ${rule.rule}  ${rule.action}  ${why}`);
  });
  const verdict =
    winner === null || action === null
      ? palette.good('not protected from this requester')
      : `${palette.wait(action === 'Deny' ? 'statements that use it are refused' : `masked (${action})`)} by ${toLine(winner)}`;
  return [
    `column ${palette.bold(toLine(explained.column))} as ${toLine(who)}`,
    ...(facts.length === 0 ? [] : [toLine(facts.join(', '))]),
    ...(branches.length === 0 ? ['└─ no rule speaks about it'] : branches),
    `→ ${verdict}`,
    ...(sample === null ? [] : [`  ${describeSample(sample)}`]),
    ...explained.rejected.map((name) =>
      palette.bad(toLine(`${name} is not in force as written: what it may protect is refused`)),
    ),
  ];
}
