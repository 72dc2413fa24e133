import { listIn, listOf, objectIn, stringIn } from '../fields.js';
import type { Exchange } from './exchanges.js';
import { ACTION, type Captioned, DISPOSITION, SEVERITY, STATUS } from './ocsf-schema.js';

/** What became of a statement, in the schema's words. */
export interface Verdict {
  readonly action: Captioned;
  readonly disposition: Captioned;
  readonly severity: Captioned;
  readonly status: Captioned;
  /** One sentence. */
  readonly detail: string | undefined;
}

const ALLOWED = { action: ACTION.allowed, disposition: DISPOSITION.allowed, severity: SEVERITY.informational };
const APPROVED = { action: ACTION.allowed, disposition: DISPOSITION.approved, severity: SEVERITY.low };
const MASKED = { action: ACTION.modified, disposition: DISPOSITION.corrected, severity: SEVERITY.informational };
const HELD = { action: ACTION.modified, disposition: DISPOSITION.delayed, severity: SEVERITY.low };
const BLOCKED = { action: ACTION.denied, disposition: DISPOSITION.blocked, severity: SEVERITY.medium };
const REJECTED = { action: ACTION.denied, disposition: DISPOSITION.rejected, severity: SEVERITY.medium };
const WITHDRAWN = { action: ACTION.unknown, disposition: DISPOSITION.noAction, severity: SEVERITY.informational };

/** What was decided, and how it ended. */
export function verdictOf(exchange: Exchange): Verdict {
  const { answer, requests } = exchange;
  const control = controlOf(exchange);
  if (answer === undefined) {
    const detail = requests.length === 0 ? 'no request is recorded' : 'no answer is recorded';
    return { ...control, status: STATUS.unknown, detail };
  }
  const { kind, fields } = answer.leaf;
  const code = stringIn(fields, 'code');
  const why = stringIn(fields, 'why') ?? stringIn(fields, 'outcome');
  const detail = why === undefined ? {} : { detail: why };
  if (kind === 'response.withheld')
    return { ...BLOCKED, status: STATUS.failure, detail: why ?? 'the result was withheld' };
  if (code === undefined) return { ...control, status: STATUS.success, detail: undefined };
  return { ...control, status: STATUS.failure, detail: undefined, ...detail };
}

type Control = Pick<Verdict, 'action' | 'disposition' | 'severity'>;

/** What the gateway did to the statement, whatever Snowflake then said to it. */
function controlOf({ requests, approvals, answer }: Exchange): Control {
  const request = requests.at(-1);
  const decision = objectIn(request?.leaf.fields, 'dec');
  const verdict = stringIn(decision, 'v');
  const decided = approvals
    .filter(({ leaf }) => leaf.kind === 'decision')
    .map(({ leaf }) => stringIn(leaf.fields, 'v'));
  if (decided.includes('denied') || decided.includes('expired')) return REJECTED;
  if (stringIn(answer?.leaf.fields, 'outcome') === 'cancelled' || decided.includes('withdrawn')) return WITHDRAWN;
  if (verdict === 'block' || stringIn(answer?.leaf.fields, 'outcome') === 'blocked') return BLOCKED;
  if (verdict === 'hold') return HELD;
  if (verdict === undefined) return { ...ALLOWED, action: ACTION.unknown, disposition: DISPOSITION.noAction };
  if (listOf(decision, 'src').length > 0 || listOf(answer?.leaf.fields, 'masked').length > 0) return MASKED;
  return stringIn(decision, 'apr') === undefined ? ALLOWED : APPROVED;
}

/** Rules that spoke, each once. */
export function rulesOf({ requests }: Exchange): readonly string[] {
  return [...new Set(requests.flatMap(({ leaf }) => listIn(objectIn(leaf.fields, 'dec'), 'rules')))];
}
