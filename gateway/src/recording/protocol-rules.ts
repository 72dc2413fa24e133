import { hashStatement } from '../policy/permit.js';
import type { EntryValue } from './entry.js';
import type { Finding } from './finding.js';
import type { ScannedRecord } from './scan.js';

/** Bodies the checks below need. */
export const CHECKED_BODIES: ReadonlySet<string> = new Set(['sql', 'binds']);

interface Place {
  readonly log: string;
  readonly index: number;
}

interface Statement {
  request:
    | (Place & {
        readonly verdict: string;
        readonly hash: EntryValue | undefined;
        readonly statement: string | undefined;
      })
    | undefined;
  readonly releases: (Place & { readonly approval: EntryValue | undefined; readonly statement: string | undefined })[];
  readonly approvals: (Place & { readonly id: EntryValue | undefined; readonly hash: EntryValue | undefined })[];
  readonly answers: (Place & { readonly sessionId: string | undefined; readonly ran: boolean })[];
}

/** Checks what the records of all logs together say: nothing ran without leave, nothing was answered that was not asked. */
export interface ProtocolRules {
  add(record: ScannedRecord, log: string): void;
  /** After the last record of the last log. */
  findings(): readonly Finding[];
}

/** Creates the checks. Memory grows with the number of statements. */
export function createProtocolRules(): ProtocolRules {
  const statements = new Map<string, Statement>();
  const approves = new Map<string, Place[]>();
  const openedSessions = new Set<string>();
  const findings: Finding[] = [];

  function statementOf(queryId: string): Statement {
    const known = statements.get(queryId);
    if (known !== undefined) return known;
    const fresh: Statement = { request: undefined, releases: [], approvals: [], answers: [] };
    statements.set(queryId, fresh);
    return fresh;
  }

  function addToStatement(statement: Statement, { leaf, bodies }: ScannedRecord, place: Place): void {
    const { fields } = leaf;
    switch (leaf.kind) {
      case 'request': {
        const sql = bodies.get('sql');
        const computed = sql === undefined ? undefined : hashStatement(sql, bodies.get('binds'));
        if (leaf.statementHash !== undefined && leaf.statementHash !== computed) {
          findings.push(tampered('permit-mismatch', 'a request was released for another text than it holds', place));
        }
        statement.request = { ...place, verdict: verdictOf(fields), hash: fields['hash'], statement: computed };
        break;
      }
      case 'approval.request':
        statement.approvals.push({ ...place, id: fields['apr'], hash: fields['hash'] });
        break;
      case 'decision':
        if (fields['v'] === 'approved')
          statement.releases.push({ ...place, approval: fields['apr'], statement: leaf.statementHash });
        break;
      case 'response':
      case 'response.withheld':
      case 'chunk':
        statement.answers.push({ ...place, sessionId: leaf.strand?.sessionId, ran: isResult(leaf.kind, fields) });
        break;
      default:
        break;
    }
  }

  return {
    add(record, log) {
      const { leaf, index } = record;
      const place = { log, index };
      if (leaf.kind === 'session.open' && leaf.strand !== undefined) openedSessions.add(leaf.strand.sessionId);
      if (
        leaf.kind === 'approval.vote' &&
        leaf.fields['choice'] === 'approve' &&
        typeof leaf.fields['apr'] === 'string'
      ) {
        approves.set(leaf.fields['apr'], [...(approves.get(leaf.fields['apr']) ?? []), place]);
      }
      const queryId = leaf.fields['qid'];
      if (typeof queryId === 'string') addToStatement(statementOf(queryId), record, place);
      else if (leaf.kind === 'response' || leaf.kind === 'chunk')
        findings.push(tampered('no-query-id', 'a response names no query', place));
    },
    findings() {
      const late = [...statements.values()].flatMap((statement) =>
        checkStatement(statement, { approves, openedSessions }),
      );
      return [...findings, ...late];
    },
  };
}

interface World {
  readonly approves: ReadonlyMap<string, readonly Place[]>;
  readonly openedSessions: ReadonlySet<string>;
}

function checkStatement(statement: Statement, world: World): readonly Finding[] {
  const { request, releases, answers } = statement;
  const findings = releases.flatMap((release) => checkRelease(statement, release, world.approves));
  for (const answer of answers) {
    if (request === undefined || !precedes(request, answer)) {
      const isHere = answer.sessionId === undefined || world.openedSessions.has(answer.sessionId);
      findings.push({
        ...tampered('orphan-response', 'a response without its request', answer),
        severity: isHere ? 'tampered' : 'cannot-conclude',
      });
    } else if (answer.ran && request.verdict !== 'allow' && !releases.some((release) => precedes(release, answer))) {
      findings.push(
        tampered('ran-without-leave', `a statement with verdict "${request.verdict}" ran without an approval`, answer),
      );
    }
  }
  return findings;
}

function checkRelease(
  { request, approvals }: Statement,
  release: Statement['releases'][number],
  approves: World['approves'],
): Finding[] {
  const approval = approvals.find(({ id }) => id === release.approval);
  if (request === undefined || approval === undefined)
    return [tampered('release-without-request', 'an approval of nothing that was asked', release)];
  const votes = typeof release.approval === 'string' ? (approves.get(release.approval) ?? []) : [];
  if (!votes.some((vote) => precedes(vote, release)))
    return [tampered('release-without-vote', 'approved, but nobody voted for it', release)];
  const isSame =
    approval.hash === request.hash && (release.statement === undefined || release.statement === request.statement);
  return isSame ? [] : [tampered('release-mismatch', 'what was approved is not what was asked', release)];
}

/** Across logs only the existence counts: clocks of two writers prove no order. */
function precedes(earlier: Place, later: Place): boolean {
  return earlier.log !== later.log || earlier.index < later.index;
}

function verdictOf(fields: Readonly<Record<string, EntryValue>>): string {
  const decision = fields['dec'];
  if (fields['internal'] === true) return 'allow';
  if (typeof decision !== 'object' || decision === null || !('v' in decision)) return 'none';
  return typeof decision.v === 'string' ? decision.v : 'none';
}

/** True when the answer can only come from Snowflake having run the statement. */
function isResult(kind: string, fields: Readonly<Record<string, EntryValue>>): boolean {
  const { upq, rows } = fields;
  return kind === 'chunk' || typeof upq === 'string' || (typeof rows === 'number' && rows > 0);
}

function tampered(code: string, message: string, { log, index }: Place): Finding {
  return { severity: 'tampered', code, message, log, index };
}
