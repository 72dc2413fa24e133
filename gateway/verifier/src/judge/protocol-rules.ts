import type { EntryValue } from '../format/entry.js';
import type { ScannedRecord } from '../read/scan.js';
import { checkApproval } from './approval-rules.js';
import type { Finding } from './finding.js';
import { createKnownLosses, type KnownLosses } from './known-losses.js';
import {
  type Answer,
  type Approval,
  isResult,
  type Leave,
  type Outcome,
  type Person,
  type Place,
  personIn,
  precedes,
  type Request,
  readRequest,
  type Vote,
  votersOf,
} from './statement-facts.js';

/** Bodies the checks below need. */
export const CHECKED_BODIES: ReadonlySet<string> = new Set(['sql', 'binds']);

/** Everything the records say of one statement. */
interface Statement {
  readonly requests: Request[];
  readonly approvals: Approval[];
  readonly outcomes: Outcome[];
  readonly answers: Answer[];
}

/** Checks what the records of all logs together say: nothing ran without leave, nothing was answered that was not asked. */
export interface ProtocolRules {
  add(record: ScannedRecord, log: string): void;
  /** After the last record of the last log. */
  findings(): readonly Finding[];
}

/** What a check needs besides the statement. */
interface World {
  readonly votes: ReadonlyMap<string, readonly (Vote & Place)[]>;
  /** By session id. */
  readonly sessions: ReadonlyMap<string, readonly OpenedSession[]>;
  readonly losses: KnownLosses;
}

/** A `session.open` record. */
interface OpenedSession {
  readonly log: string;
  readonly opener: Person | undefined;
  readonly connection: EntryValue | undefined;
  readonly account: EntryValue | undefined;
}

const NAMED: ReadonlySet<string> = new Set(['request', 'response', 'chunk', 'chunk.piece']);

/** Records that nothing can be said of without the statement they belong to. */
function needsQueryId(kind: string, { v }: Readonly<Record<string, EntryValue>>): boolean {
  return NAMED.has(kind) || (kind === 'decision' && v === 'approved');
}

/** Creates the checks. Memory grows with the number of statements. */
export function createProtocolRules(): ProtocolRules {
  const statements = new Map<string, Statement>();
  const votes = new Map<string, (Vote & Place)[]>();
  const sessions = new Map<string, OpenedSession[]>();
  const losses = createKnownLosses();
  const nameless: Request[] = [];
  const early: Finding[] = [];

  function statementOf(queryId: string): Statement {
    const known = statements.get(queryId);
    if (known !== undefined) return known;
    const fresh: Statement = { requests: [], approvals: [], outcomes: [], answers: [] };
    statements.set(queryId, fresh);
    return fresh;
  }

  function addSession(
    sessionId: string,
    { who, connection, account }: Readonly<Record<string, EntryValue>>,
    log: string,
  ): void {
    const opened = { log, opener: personIn(who), connection, account };
    sessions.set(sessionId, [...(sessions.get(sessionId) ?? []), opened]);
  }

  function addVote(fields: Readonly<Record<string, EntryValue>>, place: Place): void {
    const { apr, choice, refused } = fields;
    const voter = personIn(fields);
    if (typeof apr !== 'string' || choice !== 'approve' || refused !== undefined || voter === undefined) return;
    votes.set(apr, [...(votes.get(apr) ?? []), { ...place, voter }]);
  }

  function toRequest(
    { leaf: { fields, statementHash, strand }, bodies, unread }: ScannedRecord,
    place: Place,
  ): Request {
    const sessionId = strand?.sessionId;
    const opened = sessionId === undefined ? undefined : sessions.get(sessionId);
    const session = opened?.findLast(({ log }) => log === place.log);
    return readRequest({ place, fields, bodies, unread, statementHash, sessionId, session });
  }

  function addToStatement(statement: Statement, record: ScannedRecord, place: Place): void {
    const { leaf } = record;
    const { fields, statementHash, strand, timeMs } = leaf;
    switch (leaf.kind) {
      case 'request':
        statement.requests.push(toRequest(record, place));
        break;
      case 'approval.request':
        statement.approvals.push({ ...place, id: fields['apr'], hash: fields['hash'] });
        break;
      case 'decision':
        if (fields['v'] !== 'approved') break;
        statement.outcomes.push({
          ...place,
          approval: fields['apr'],
          statementHash,
          hash: fields['hash'],
          voters: votersOf(fields['votes']),
        });
        break;
      case 'response':
      case 'response.withheld':
      case 'chunk':
      case 'chunk.piece':
        statement.answers.push({ ...place, sessionId: strand?.sessionId, timeMs, ran: isResult(leaf.kind, fields) });
        break;
      case 'writer.open':
      case 'writer.sealed':
      case 'writer.close':
      case 'clock.jump':
      case 'session.open':
      case 'session.close':
      case 'session.refused':
      case 'request.refused':
      case 'control':
      case 'approval.vote':
      case 'policy.loaded':
      case 'mode.change':
      case 'gap':
      case 'key':
      case 'reconcile':
      case 'policy.rejected':
      case 'admin.access':
        break;
    }
  }

  return {
    add(record, log) {
      const { leaf, index } = record;
      const place = { log, index };
      losses.add(record, log);
      if (leaf.kind === 'session.open' && leaf.strand !== undefined)
        addSession(leaf.strand.sessionId, leaf.fields, log);
      if (leaf.kind === 'approval.vote') addVote(leaf.fields, place);
      const queryId = leaf.fields['qid'];
      if (typeof queryId === 'string') addToStatement(statementOf(queryId), record, place);
      else if (needsQueryId(leaf.kind, leaf.fields)) {
        early.push(tampered('no-query-id', `a record of kind ${leaf.kind} names no statement`, place));
        if (leaf.kind === 'request') nameless.push(toRequest(record, place));
      }
    },
    findings() {
      const known = [...statements.values()];
      const requests = [...nameless, ...known.flatMap((statement) => statement.requests)];
      return [
        ...early,
        ...requests.flatMap(checkRequest),
        ...known.flatMap((statement) => checkStatement(statement, { votes, sessions, losses })),
        ...noteUnreadTexts(requests),
      ];
    },
  };
}

function tampered(code: string, message: string, { log, index }: Place): Finding {
  return { severity: 'tampered', code, message, log, index };
}

function noteUnreadTexts(requests: readonly Request[]): readonly Finding[] {
  const count = requests.filter(({ textUnread }) => textUnread).length;
  if (count === 0) return [];
  const message = `the texts of ${count} requests could not be read here, so their hashes were not compared with them`;
  return [{ severity: 'note', code: 'texts-not-checked', message }];
}

function checkStatement(statement: Statement, world: World): readonly Finding[] {
  return [
    ...statement.outcomes.flatMap((outcome) => checkOutcome(statement, outcome, world)),
    ...statement.answers.flatMap((answer) => checkAnswer(statement, answer, world)),
  ];
}

/** A request's hashes are those of the text, binds and context it holds. */
function checkRequest(request: Request): readonly Finding[] {
  if (request.textUnread) return [];
  const { statementHash, computedStatement, hash, computedBinding } = request;
  const findings: Finding[] = [];
  if (statementHash !== undefined && statementHash !== computedStatement)
    findings.push(tampered('permit-mismatch', 'a request was released for another text than it holds', request));
  if (typeof hash === 'string' && computedBinding !== undefined && computedBinding !== hash)
    findings.push(tampered('binding-mismatch', "a request's hash is not that of its text, binds and context", request));
  return findings;
}

function checkOutcome(
  { requests, approvals }: Statement,
  outcome: Outcome,
  { votes, sessions }: World,
): readonly Finding[] {
  const { approval } = outcome;
  const isNamed = typeof approval === 'string';
  const held = requests.filter(({ verdict }) => verdict === 'hold');
  const opened = held.flatMap(({ sessionId }) => (sessionId === undefined ? [] : (sessions.get(sessionId) ?? [])));
  return checkApproval(outcome, {
    held,
    asked: approvals.filter(({ id }) => isNamed && id === approval),
    votes: isNamed ? (votes.get(approval) ?? []) : [],
    openers: opened.flatMap(({ opener }) => opener ?? []),
  });
}

function checkAnswer(statement: Statement, answer: Answer, { sessions, losses }: World): readonly Finding[] {
  const opened = answer.sessionId === undefined ? undefined : sessions.get(answer.sessionId);
  const mayLack = (): boolean => losses.mayLackRequest(answer, connectionOf(opened));
  if (!statement.requests.some((request) => precedes(request, answer))) {
    const isHere = answer.sessionId === undefined || opened !== undefined;
    const finding = tampered('orphan-response', 'a response without its request', answer);
    if (!isHere) return [{ ...finding, severity: 'cannot-conclude' }];
    return [mayLack() ? lacking(finding, answer) : finding];
  }
  const hasLeave = [...statement.requests, ...statement.outcomes].some(
    (leave) => precedes(leave, answer) && isLeave(statement, leave),
  );
  if (!answer.ran || hasLeave) return [];
  const finding = tampered('ran-without-leave', 'a statement ran that nothing recorded before it allowed', answer);
  return [isReleased(statement, answer) && mayLack() ? lacking(finding, answer) : finding];
}

/** The one connection of a session; undefined where that is not known. */
function connectionOf(opened: readonly OpenedSession[] = []): string | undefined {
  const [first, ...others] = opened.map(({ connection }) => connection);
  return typeof first === 'string' && others.every((other) => other === first) ? first : undefined;
}

/** Where a request may have been lost, it is not known whether what ran was allowed; what did not run needed no leave. */
function lacking(finding: Finding, { ran }: Answer): Finding {
  const message = `${finding.message}, in a log that may lack it by its own word`;
  return { ...finding, message, severity: ran ? 'cannot-conclude' : 'note' };
}

/** True for a statement that was held and approved: all that can be missing is the request on which it ran. */
function isReleased({ requests, outcomes }: Statement, answer: Answer): boolean {
  return requests.every(({ verdict }) => verdict === 'hold') && outcomes.some((outcome) => precedes(outcome, answer));
}

/**
 * True for the record that let the statement run: written by way of a permit, and for a statement that was held, resting on
 * an approval of the same hash.
 */
function isLeave({ requests, approvals, outcomes }: Statement, leave: Leave | Request): boolean {
  if (leave.statementHash === undefined || ('verdict' in leave && leave.verdict !== 'allow')) return false;
  const held = requests.find((request) => request.verdict === 'hold' && precedes(request, leave));
  if (!('verdict' in leave)) return held !== undefined;
  if (held === undefined) return leave.approval === null || leave.approval === undefined;
  const { approval, hash } = leave;
  if (typeof approval !== 'string' || typeof hash !== 'string') return false;
  const isDecided = outcomes.some((outcome) => outcome.approval === approval && precedes(outcome, leave));
  return isDecided && approvals.some((asked) => asked.id === approval && asked.hash === hash);
}
