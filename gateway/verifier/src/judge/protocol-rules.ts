import type { EntryValue } from '../format/entry.js';
import type { ScannedRecord } from '../read/scan.js';
import { checkApproval } from './approval-rules.js';
import { createEarliest, type Earliest } from './earliest.js';
import type { Finding } from './finding.js';
import { createKnownLosses, type KnownLosses } from './known-losses.js';
import { createPeople, createVotes, type People, type Votes } from './people.js';
import { quorumsIn, textsIn } from './quorum.js';
import {
  type Answer,
  type Approval,
  isResult,
  type Leave,
  mayBeSame,
  type Outcome,
  type Place,
  personIn,
  type Request,
  readRequest,
  votersOf,
} from './statement-facts.js';

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
  readonly votes: ReadonlyMap<string, Votes>;
  /** By session id. */
  readonly sessions: ReadonlyMap<string, Session>;
  readonly losses: KnownLosses;
}

/** What the `session.open` records of one session say. */
interface Session {
  /** The last of each log so far. */
  readonly last: Map<string, { readonly connection: EntryValue | undefined; readonly account: EntryValue | undefined }>;
  readonly openers: People;
  readonly connections: Set<EntryValue | undefined>;
}

const NAMED: ReadonlySet<string> = new Set(['request', 'response', 'chunk', 'chunk.piece']);

/** Records that nothing can be said of without the statement they belong to. */
function needsQueryId(kind: string, { v }: Readonly<Record<string, EntryValue>>): boolean {
  return NAMED.has(kind) || (kind === 'decision' && v === 'approved');
}

/** Creates the checks. Memory grows with the number of statements. */
export function createProtocolRules(): ProtocolRules {
  const statements = new Map<string, Statement>();
  const votes = new Map<string, Votes>();
  const sessions = new Map<string, Session>();
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
    const session = sessions.get(sessionId) ?? { last: new Map(), openers: createPeople(), connections: new Set() };
    sessions.set(sessionId, session);
    session.last.set(log, { connection, account });
    session.openers.add(personIn(who));
    session.connections.add(connection);
  }

  function addVote(fields: Readonly<Record<string, EntryValue>>, place: Place): void {
    const { apr, choice, refused } = fields;
    const voter = personIn(fields);
    if (typeof apr !== 'string' || choice !== 'approve' || refused !== undefined || voter === undefined) return;
    const cast = votes.get(apr) ?? createVotes();
    votes.set(apr, cast);
    cast.add(voter, textsIn(fields['grp']) ?? NO_GROUPS, place);
  }

  function toRequest(
    { leaf: { fields, statementHash, strand }, bodies, unread, blind }: ScannedRecord,
    place: Place,
  ): Request {
    const sessionId = strand?.sessionId;
    const session = sessionId === undefined ? undefined : sessions.get(sessionId)?.last.get(place.log);
    return readRequest({ place, fields, bodies, unread, blind, statementHash, sessionId, session });
  }

  function addToStatement(statement: Statement, record: ScannedRecord, place: Place): void {
    const { leaf, blind } = record;
    const form = blind?.tag;
    const { fields, statementHash, strand, timeMs } = leaf;
    switch (leaf.kind) {
      case 'request':
        statement.requests.push(toRequest(record, place));
        break;
      case 'approval.request':
        statement.approvals.push({
          ...place,
          form,
          id: fields['apr'],
          hash: fields['hash'],
          quorums: quorumsIn(fields['quorums']),
        });
        break;
      case 'decision':
        if (fields['v'] !== 'approved') break;
        statement.outcomes.push({
          ...place,
          form,
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
        statement.answers.push({
          ...place,
          sessionId: strand?.sessionId,
          timeMs,
          ran: isResult(leaf.kind, fields),
          isStrict: fields['strict'] === true,
        });
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
        ...noteOtherBlinds(known),
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

/** Approvals whose records are under several blinds: a gateway that served the session did not know the others'. */
function noteOtherBlinds(statements: readonly Statement[]): readonly Finding[] {
  const count = statements.filter(
    ({ requests, approvals, outcomes }) =>
      outcomes.length > 0 && new Set([...requests, ...approvals, ...outcomes].map(({ form }) => form)).size > 1,
  ).length;
  if (count === 0) return [];
  const message = `the hashes of ${count} approved statements are under several blinds, so they were not compared with each other`;
  return [{ severity: 'note', code: 'hashes-not-compared', message }];
}

function checkStatement(statement: Statement, world: World): readonly Finding[] {
  return [...checkOutcomes(statement, world), ...checkAnswers(statement, world)];
}

/** A request's hashes are those of the text, binds, parameters and context it holds. */
function checkRequest(request: Request): readonly Finding[] {
  if (request.textUnread) return [];
  const { statementHash, computedStatement, hash, computedBinding } = request;
  const findings: Finding[] = [];
  if (statementHash !== undefined && statementHash !== computedStatement)
    findings.push(tampered('permit-mismatch', 'a request was released for another text than it holds', request));
  if (typeof hash === 'string' && computedBinding !== undefined && computedBinding !== hash)
    findings.push(
      tampered('binding-mismatch', "a request's hash is not that of its text, binds, parameters and context", request),
    );
  return findings;
}

const NO_VOTES: Votes = createVotes();
const NO_GROUPS: ReadonlySet<string> = new Set();

function checkOutcomes({ requests, approvals, outcomes }: Statement, { votes, sessions }: World): readonly Finding[] {
  if (outcomes.length === 0) return [];
  const held = requests.filter(({ verdict }) => verdict === 'hold');
  const heldIn = new Set(held.map(({ sessionId }) => sessionId));
  const requesters = createPeople();
  for (const { requester } of held) requesters.add(requester);
  const openers = [...heldIn].flatMap((id) => (id === undefined ? [] : (sessions.get(id)?.openers ?? [])));
  const asked = Map.groupBy(approvals, ({ id }) => id);
  const ownVotes = new Map<EntryValue | undefined, Earliest>();
  return outcomes.flatMap((outcome) => {
    const { approval } = outcome;
    const isNamed = typeof approval === 'string';
    const cast = isNamed ? (votes.get(approval) ?? NO_VOTES) : NO_VOTES;
    return checkApproval(outcome, {
      held,
      asked: isNamed ? (asked.get(approval) ?? []) : [],
      votes: cast,
      requesters: [requesters, ...openers],
      ownVotes() {
        const own = ownVotes.get(approval) ?? cast.by([requesters, ...openers]);
        ownVotes.set(approval, own);
        return own;
      },
    });
  });
}

function checkAnswers(statement: Statement, world: World): readonly Finding[] {
  if (statement.answers.length === 0) return [];
  const { requests, outcomes } = statement;
  const before: Before = {
    requests: createEarliest(requests),
    leaves: createEarliest(findLeaves(statement)),
    outcomes: createEarliest(outcomes),
    isHeldOnly: requests.every(({ verdict }) => verdict === 'hold'),
  };
  return statement.answers.flatMap((answer) => checkAnswer(answer, before, world));
}

/** What may stand before an answer. */
interface Before {
  readonly requests: Earliest;
  readonly leaves: Earliest;
  readonly outcomes: Earliest;
  /** No request of the statement is anything but held. */
  readonly isHeldOnly: boolean;
}

function checkAnswer(answer: Answer, before: Before, { sessions, losses }: World): readonly Finding[] {
  const opened = answer.sessionId === undefined ? undefined : sessions.get(answer.sessionId);
  const mayLack = (): boolean => losses.mayLackRequest(answer, connectionOf(opened));
  if (!before.requests.precedes(answer)) {
    const isHere = answer.sessionId === undefined || opened !== undefined;
    const finding = tampered('orphan-response', 'a response without its request', answer);
    if (!isHere) return [{ ...finding, severity: 'cannot-conclude' }];
    return [mayLack() ? lacking(finding, answer) : finding];
  }
  if (!answer.ran || before.leaves.precedes(answer)) return [];
  const finding = tampered('ran-without-leave', 'a statement ran that nothing recorded before it allowed', answer);
  return [isReleased(answer, before) && mayLack() ? lacking(finding, answer) : finding];
}

/** The one connection of a session; undefined where that is not known. */
function connectionOf(session: Session | undefined): string | undefined {
  const [first, ...others] = session?.connections ?? [];
  return typeof first === 'string' && others.length === 0 ? first : undefined;
}

/** Where a request may have been lost, it is not known whether what ran was allowed; what did not run needed no leave. */
function lacking(finding: Finding, { ran }: Answer): Finding {
  const message = `${finding.message}, in a log that may lack it by its own word`;
  return { ...finding, message, severity: ran ? 'cannot-conclude' : 'note' };
}

/** True for a statement that was held and approved: all that can be missing is the request on which it ran. */
function isReleased(answer: Answer, { isHeldOnly, outcomes }: Before): boolean {
  return isHeldOnly && outcomes.precedes(answer);
}

/**
 * The records that let the statement run: written by way of a permit, and for a statement that was held, resting on an approval
 * of the same hash.
 */
function findLeaves({ requests, approvals, outcomes }: Statement): readonly Leave[] {
  const holds = createEarliest(requests.filter(({ verdict }) => verdict === 'hold'));
  const decided = new Map(
    [...Map.groupBy(outcomes, ({ approval }) => approval)].map(([id, own]) => [id, createEarliest(own)]),
  );
  const askedBy = Map.groupBy(approvals, ({ id }) => id);
  const isLeave = (leave: Leave | Request): boolean => {
    if (leave.statementHash === undefined || ('verdict' in leave && leave.verdict !== 'allow')) return false;
    const isHeld = holds.precedes(leave);
    if (!('verdict' in leave)) return isHeld;
    if (!isHeld) return leave.approval === null || leave.approval === undefined;
    const { approval, hash } = leave;
    if (typeof approval !== 'string' || typeof hash !== 'string') return false;
    const isDecided = decided.get(approval)?.precedes(leave) === true;
    return isDecided && askedBy.get(approval)?.some((asked) => mayBeSame(asked, leave)) === true;
  };
  return [...requests, ...outcomes].filter(isLeave);
}
