import { hash } from 'node:crypto';
import { SHOWN_TEXT_CHARACTERS, shownText } from '@piste/verifier';
import type { Denial } from '../errors.js';
import type { Principal } from '../identity/index.js';
import type { Decision, SourceMask } from '../policy/decision.js';
import { encodeParameters, type StatementRequest, stringifyJson } from '../protocol/index.js';
import type { Entry, EntryBody, EntryValue } from '../recording/index.js';
import type { Session } from '../session/index.js';
import { formatObjectName, type SessionContext } from '../sql/index.js';
import type { Analyzed, Decided } from './exchange.js';
import type { Detected } from './masked-part.js';
import { sessionParameters } from './session-parameters.js';

/** The shapes of what the pipeline writes into the record; see docs/recording-format.md. */

export const textBody = (name: string, text: string): EntryBody => ({ name, bytes: Buffer.from(text, 'utf8') });

export function whoFields(principal: Principal): Record<string, EntryValue> {
  return {
    iss: principal.issuer,
    sub: principal.subject,
    name: principal.name,
    grp: [...principal.groups],
    agent: principal.agent ?? null,
    inst: principal.instance ?? null,
    del: principal.delegator ?? null,
    task: principal.task ?? null,
    tok: principal.tokenDigest,
  };
}

export function contextFields(context: SessionContext): Record<string, EntryValue> {
  return {
    role: context.role ?? null,
    wh: context.warehouse ?? null,
    db: context.database ?? null,
    sch: context.schema ?? null,
  };
}

function decisionFields(
  decision: Decision,
  verdict: string,
  approvalId: string | undefined,
  catalogVersion: string | undefined,
): Record<string, EntryValue> {
  return {
    v: verdict,
    pol: decision.policyRevision,
    rules: decision.reasons.flatMap((reason) => (reason.rule === undefined ? [] : [reason.rule])),
    reasons: decision.reasons.map((reason) => reason.kind),
    apr: approvalId ?? null,
    cat: catalogVersion ?? null,
    src: decision.verdict === 'block' ? [] : decision.sourceMasks.slice(0, MAX_LISTED).map(maskFields),
    dry: dryRunFields(decision),
    strict: [...(decision.strictBy ?? [])],
  };
}

/** Objects and columns listed in one record; more are in the text. */
const MAX_LISTED = 100;

/** A column replaced where it is read. */
function maskFields({ column, action, policy, rule }: SourceMask): EntryValue {
  return { o: formatObjectName(column.object), c: column.column, m: action.type, p: policy, r: rule };
}

/** What policies in DryRun would have done to the statement; null where there is none, or it would have made no difference. */
function dryRunFields({ dryRun }: Decision): EntryValue {
  if (dryRun === undefined) return null;
  return {
    v: dryRun.verdict,
    masked: dryRun.masked.slice(0, MAX_LISTED).map(({ column, action, policy, rule }) => ({
      o: formatObjectName(column.object),
      c: column.column,
      m: action,
      p: policy,
      r: rule,
    })),
    blocked: dryRun.blocked.map(({ kind, rule }) => ({ k: kind, r: rule ?? null })),
  };
}

/** The parameters under which a statement runs, or was to run. */
export const parameterBodies = (parameters: string | undefined): readonly EntryBody[] =>
  parameters === undefined ? [] : [textBody('parameters', parameters)];

function submittedBodies({ sqlText, bindings }: StatementRequest, parameters: string | undefined): EntryBody[] {
  const submitted = textBody('submitted', sqlText);
  const binds = bindings === undefined ? [] : [textBody('binds', stringifyJson(bindings))];
  return [submitted, ...binds, ...parameterBodies(parameters)];
}

/** Of a statement that is refused: nothing is passed on, so this is what was sent. */
const submittedParameters = (request: StatementRequest, session: Pick<Session, 'parameters'>): string | undefined =>
  encodeParameters({ session: sessionParameters(session), statement: request.parameters });

interface RequestRecord {
  readonly received: Analyzed;
  readonly decision: Decision;
  readonly verdict: 'allow' | 'hold' | 'block';
  readonly canonicalText: string | undefined;
  readonly bindingHash: string | undefined;
  readonly parameters: string | undefined;
  readonly approvalId: string | undefined;
}

function requestEntry(record: RequestRecord): Entry {
  const { received, decision, verdict, canonicalText, bindingHash, parameters, approvalId } = record;
  const { session, request, queryId, catalogVersion } = received;
  const bodies = submittedBodies(request, parameters);
  if (canonicalText !== undefined) bodies.push(textBody('sql', canonicalText));
  return {
    kind: 'request',
    sessionId: session.id,
    fields: {
      op: request.describeOnly ? 'describe' : 'query',
      qid: queryId,
      rid: request.requestId,
      cls: decision.class,
      who: { iss: session.principal.issuer, sub: session.principal.subject },
      dec: decisionFields(decision, verdict, approvalId, catalogVersion),
      ctx: contextFields(session.context),
      hash: bindingHash ?? null,
      objects: decision.objects.slice(0, MAX_LISTED).map(formatObjectName),
      ...(canonicalText === undefined ? {} : shownTextFields(canonicalText, request.bindings !== undefined)),
    },
    bodies,
  };
}

/**
 * Digest of the text as Snowflake's history will show it, where `st` does not give it: so that the two can be compared by somebody
 * who may not read the bodies.
 */
function shownTextFields(text: string, hasBinds: boolean): Record<string, EntryValue> {
  return hasBinds || text.length > SHOWN_TEXT_CHARACTERS ? { txt: hash('sha256', shownText(text), 'hex') } : {};
}

/** What content detection found, by column: category, values with it, values looked at. */
export function detectedFields(detected: readonly Detected[]): EntryValue {
  return detected.map(({ index, category, matches, values }) => ({ i: index, c: category, n: matches, of: values }));
}

/** A statement that is refused, as it was submitted. */
export function blockedEntry(received: Analyzed, decision: Decision, canonicalText: string | undefined): Entry {
  return requestEntry({
    received,
    decision,
    verdict: 'block',
    canonicalText,
    bindingHash: undefined,
    parameters: submittedParameters(received.request, received.session),
    approvalId: undefined,
  });
}

/** A statement that waits for people. */
export function heldEntry(decided: Decided): Entry {
  const { decision, canonicalText, bindingHash, binding } = decided;
  return requestEntry({
    received: decided,
    decision,
    verdict: 'hold',
    canonicalText,
    bindingHash,
    parameters: binding.parameters,
    approvalId: undefined,
  });
}

/** A statement that is about to be forwarded. */
export function permittedEntry(decided: Decided, approvalId: string | undefined): Entry {
  const { decision, canonicalText, bindingHash, binding } = decided;
  return requestEntry({
    received: decided,
    decision,
    verdict: 'allow',
    canonicalText,
    bindingHash,
    parameters: binding.parameters,
    approvalId,
  });
}

/** A request that never became a statement. */
export function refusedEntry(
  op: string,
  denial: Denial,
  sessionId: string | undefined,
  fields: Record<string, EntryValue> = {},
): Entry {
  return { kind: 'request.refused', sessionId, fields: { op, code: denial.code, ...fields }, bodies: [] };
}

/** A statement that was refused before a `request` record of it: what was asked, and the answer. */
export function refusedStatementEntry(
  request: StatementRequest,
  answer: Buffer,
  session: Pick<Session, 'id' | 'parameters'>,
  fields: Record<string, EntryValue>,
): Entry {
  const submitted = submittedBodies(request, submittedParameters(request, session));
  const bodies = [...submitted, { name: 'head', bytes: answer }];
  return { kind: 'request.refused', sessionId: session.id, fields: { op: 'query', ...fields }, bodies };
}

/** Size and SHA-256 (hex) of a request's body as it came in: names it without holding it. */
export interface BodyDigest {
  readonly [member: string]: EntryValue;
  readonly len: number;
  readonly sha: string;
}

/** Names a body by size and digest. */
export const digestOfBody = (bytes: Uint8Array): BodyDigest => ({
  len: bytes.byteLength,
  sha: hash('sha256', bytes, 'hex'),
});

/** Small exchanges of a session: heartbeats, polls, renewals. */
export function controlEntry(
  op: string,
  outcome: string,
  sessionId: string | undefined,
  fields: Record<string, EntryValue> = {},
): Entry {
  return { kind: 'control', sessionId, fields: { op, outcome, ...fields }, bodies: [] };
}
