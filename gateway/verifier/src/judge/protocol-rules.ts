import type { EntryValue } from '../format/entry.js';
import type { StrandPlace } from '../format/leaf.js';
import type { ScannedRecord } from '../read/scan.js';
import type { Finding } from './finding.js';
import { createKnownLosses, type KnownLosses } from './known-losses.js';
import {
  type Answer,
  type Approval,
  isResult,
  type Leave,
  type Place,
  precedes,
  type Request,
  readRequest,
  type Vote,
  votesOf,
} from './statement-facts.js';

/** Bodies the checks below need. */
export const CHECKED_BODIES: ReadonlySet<string> = new Set(['sql', 'binds']);

/** Everything the records say of one statement. */
interface Statement {
  readonly requests: Request[];
  readonly approvals: Approval[];
  readonly outcomes: (Leave & { readonly votes: readonly Vote[] | undefined })[];
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
  /** The fields of `session.open` by session id. */
  readonly sessions: ReadonlyMap<string, Readonly<Record<string, EntryValue>>>;
  readonly losses: KnownLosses;
}

/** Creates the checks. Memory grows with the number of statements. */
export function createProtocolRules(): ProtocolRules {
  const statements = new Map<string, Statement>();
  const votes = new Map<string, (Vote & Place)[]>();
  const sessions = new Map<string, Readonly<Record<string, EntryValue>>>();
  const losses = createKnownLosses();
  const early: Finding[] = [];

  function statementOf(queryId: string): Statement {
    const known = statements.get(queryId);
    if (known !== undefined) return known;
    const fresh: Statement = { requests: [], approvals: [], outcomes: [], answers: [] };
    statements.set(queryId, fresh);
    return fresh;
  }

  function sessionOf(strand: StrandPlace | undefined): Readonly<Record<string, EntryValue>> | undefined {
    return strand === undefined ? undefined : sessions.get(strand.sessionId);
  }

  function addVote(fields: Readonly<Record<string, EntryValue>>, place: Place): void {
    const { apr, iss, sub, choice, refused } = fields;
    if (typeof apr !== 'string' || choice !== 'approve' || refused !== undefined) return;
    votes.set(apr, [...(votes.get(apr) ?? []), { ...place, issuer: iss, subject: sub }]);
  }

  function addToStatement(statement: Statement, { leaf, bodies, unread }: ScannedRecord, place: Place): void {
    const { fields, statementHash, strand, timeMs } = leaf;
    switch (leaf.kind) {
      case 'request':
        statement.requests.push(
          readRequest({
            place,
            fields,
            bodies,
            unread,
            statementHash,
            sessionId: strand?.sessionId,
            session: sessionOf(strand),
          }),
        );
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
          votes: votesOf(fields['votes']),
        });
        break;
      case 'response':
      case 'response.withheld':
      case 'chunk':
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
      if (leaf.kind === 'session.open' && leaf.strand !== undefined) sessions.set(leaf.strand.sessionId, leaf.fields);
      if (leaf.kind === 'approval.vote') addVote(leaf.fields, place);
      const queryId = leaf.fields['qid'];
      if (typeof queryId === 'string') addToStatement(statementOf(queryId), record, place);
      else if (leaf.kind === 'response' || leaf.kind === 'chunk')
        early.push(tampered('no-query-id', 'a response names no query', place));
    },
    findings() {
      return [
        ...early,
        ...[...statements.values()].flatMap((statement) => checkStatement(statement, { votes, sessions, losses })),
        ...noteUnreadTexts([...statements.values()].flatMap(({ requests }) => requests)),
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
    ...statement.requests.flatMap(checkRequest),
    ...statement.outcomes.flatMap((outcome) => checkOutcome(statement, outcome, world)),
    ...statement.answers.flatMap((answer) => checkAnswer(statement, answer, world)),
  ];
}

/** A request's hashes are those of the text, binds and context it holds. */
function checkRequest(request: Request): readonly Finding[] {
  if (request.textUnread) return [];
  if (request.statementHash !== undefined && request.statementHash !== request.computedStatement) {
    return [tampered('permit-mismatch', 'a request was released for another text than it holds', request)];
  }
  const { hash, computedBinding } = request;
  if (typeof hash === 'string' && computedBinding !== undefined && computedBinding !== hash) {
    return [tampered('binding-mismatch', "a request's hash is not that of its text, binds and context", request)];
  }
  return [];
}

/** An approval was asked for, was voted for by somebody else than the one who asked, and is for what was asked. */
function checkOutcome(
  { requests, approvals }: Statement,
  outcome: Statement['outcomes'][number],
  { votes, sessions }: World,
): readonly Finding[] {
  const approval = approvals.find(({ id }) => id === outcome.approval);
  const held = requests.find(({ verdict }) => verdict === 'hold');
  if (approval === undefined || held === undefined)
    return [tampered('approved-without-request', 'an approval of nothing that was asked', outcome)];
  const cast = (typeof outcome.approval === 'string' ? (votes.get(outcome.approval) ?? []) : []).filter((vote) =>
    precedes(vote, outcome),
  );
  const counted = outcome.votes ?? cast;
  const isCast = (vote: Vote): boolean =>
    cast.some(({ issuer, subject }) => issuer === vote.issuer && subject === vote.subject);
  if (counted.length === 0 || !counted.every(isCast)) {
    return [
      tampered('approved-without-vote', 'approved, but the votes that would have done it are not recorded', outcome),
    ];
  }
  const who = held.sessionId === undefined ? undefined : sessions.get(held.sessionId)?.['who'];
  if (counted.some((vote) => isSamePerson(vote, who)))
    return [tampered('approved-by-requester', 'approved by the one who asked', outcome)];
  const isSame = approval.hash === held.hash && (outcome.hash === undefined || outcome.hash === approval.hash);
  const isSameText =
    held.textUnread || outcome.statementHash === undefined || outcome.statementHash === held.computedStatement;
  return isSame && isSameText
    ? []
    : [tampered('approval-mismatch', 'what was approved is not what was asked', outcome)];
}

function isSamePerson({ issuer, subject }: Vote, who: EntryValue | undefined): boolean {
  if (typeof who !== 'object' || who === null || !('iss' in who) || !('sub' in who)) return false;
  return who.iss === issuer && who.sub === subject;
}

function checkAnswer(statement: Statement, answer: Answer, { sessions, losses }: World): readonly Finding[] {
  const session = answer.sessionId === undefined ? undefined : sessions.get(answer.sessionId);
  const mayLack = (): boolean => {
    const connection = session?.['connection'];
    return losses.mayLackRequest(answer, typeof connection === 'string' ? connection : undefined);
  };
  if (!statement.requests.some((request) => precedes(request, answer))) {
    const isHere = answer.sessionId === undefined || session !== undefined;
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
  const approval = approvals.find(({ id }) => id === leave.approval);
  const isDecided = outcomes.some((outcome) => outcome.approval === leave.approval && precedes(outcome, leave));
  return isDecided && approval !== undefined && approval.hash === leave.hash;
}
