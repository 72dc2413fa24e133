import { deny } from '../errors.js';
import type { Facts } from '../sql/facts.js';
import { effectsOf, type StatementHazard } from '../sql/index.js';
import { explainClass } from './classes.js';
import type { Finding } from './finding.js';
import { finding } from './finding.js';

/** What is needed for a statement that can do something beside what its lineage shows. */
export interface HazardDefault {
  /** The weakest rule that admits it; without any rule it is blocked. */
  readonly admittedBy: 'Allow' | 'Hold';
  /** Completes "the statement …". */
  readonly does: string;
}

/** Losing data is what a DROP is for, and an Allow rule on it says so; everything else is a way out, and a person looks. */
export const HAZARD_DEFAULTS: Readonly<Record<StatementHazard, HazardDefault>> = {
  'moves-rows': { admittedBy: 'Hold', does: 'puts values in another place' },
  'runs-code': { admittedBy: 'Hold', does: 'runs code that is not analysed' },
  'sends-out': { admittedBy: 'Hold', does: 'may send values out of the account' },
  'weakens-protection': { admittedBy: 'Hold', does: 'changes what protects data' },
  shares: { admittedBy: 'Hold', does: 'shows objects to other accounts' },
  destroys: { admittedBy: 'Allow', does: 'destroys data' },
};

/** Hazards that an Allow rule does not admit. A move that was traced is judged by what moves. */
export function hazardFindings(facts: Facts): readonly Finding[] {
  const isTraced = facts.moved !== undefined && facts.moved !== 'unread';
  return effectsOf(facts)
    .filter((hazard) => !(hazard === 'moves-rows' && isTraced))
    .map((hazard) => HAZARD_DEFAULTS[hazard])
    .filter((hazard) => hazard.admittedBy === 'Hold')
    .map(({ does }) =>
      finding('unread', deny.unread(`${explainClass(facts)} ${does}, so a Hold rule must let a person decide`)),
    );
}
