import { createHash } from 'node:crypto';
import { deny } from '../../errors.js';
import { earlierResult, variablesAfter } from '../../policy/index.js';
import type { Json, UpstreamAnswer, UpstreamResult } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import type { SessionContext, SessionEffect } from '../../sql/index.js';
import { afterRun } from '../after-run.js';
import type { StatementDeps } from '../deps.js';
import { type Forwarded, factsOf, type Recorded } from '../exchange.js';
import { refuse, refuseAsSnowflake } from '../refusals.js';
import { parametersAfter } from '../session-parameters.js';
import { createTokenBox } from '../token-box.js';
import type { Stop } from '../walk.js';

/** Sends the statement and follows what it changed in the session. */
export async function forwardStage(deps: StatementDeps, recorded: Recorded): Promise<Forwarded | Stop> {
  // Describing a statement runs nothing: what it would set stays as it was.
  const effect = recorded.request.describeOnly ? undefined : factsOf(recorded.analysis)?.effect;
  const mode = effect === undefined || effect.kind === 'transaction' ? 'shared' : 'exclusive';
  return deps.gates.pass(recorded.session.id, mode, () => forwardAlone(deps, recorded, effect));
}

async function forwardAlone(
  deps: StatementDeps,
  recorded: Recorded,
  effect: SessionEffect | undefined,
): Promise<Forwarded | Stop> {
  const { session, connection, queryId, request } = recorded;
  const now = await deps.sessions.load(session.id);
  if (now === undefined) return refuse(queryId, deny.sessionEnded('it expired or was closed'), 'refused');
  const isSame = isSameContext(now.context, session.context) && now.parameters === session.parameters;
  if (!isSame) return refuse(queryId, deny.contextChanged(), 'refused');
  const endpoint = deps.endpointOf(connection.name);
  if (endpoint === undefined) return refuse(queryId, deny.unknownConnection(connection.name, []), 'refused');
  const answer = await deps.snowflake.forward(
    recorded.receipt,
    endpoint,
    createTokenBox(deps, now),
    {
      binding: recorded.binding,
      bindings: request.bindings,
      keyBindings: recorded.keyBindings,
      describeOnly: request.describeOnly,
      parameters: recorded.parameters,
      claimedPurpose: claimedPurpose(recorded.parameters.statement['QUERY_TAG'], session),
      queryContext: request.queryContext,
      requestId: upstreamRequestId(session.id, request.requestId),
    },
    recorded.signal,
  );
  if (answer.kind === 'error') return { ...refusalOf(recorded, answer), upstreamQueryId: answer.queryId };
  if (answer.kind !== 'result') return refusalOf(recorded, answer);
  if (recorded.analysis.class !== 'SELECT') deps.catalogs.forget(session.id);
  rememberResult(deps, recorded, answer.result);
  await afterRun(() => followSession(deps, session, answer.result.context, effect));
  return { ...recorded, result: withoutKeys(answer.result, recorded) };
}

/** A caller is told of the placeholders it wrote. */
function withoutKeys(result: UpstreamResult, { keyBindings, analysis }: Recorded): UpstreamResult {
  const own = factsOf(analysis)?.placeholders ?? 0;
  if (keyBindings === undefined) return result;
  const described = result.copied['metaDataOfBinds'];
  const metaDataOfBinds = Array.isArray(described) ? described.slice(0, own) : null;
  return { ...result, copied: { ...result.copied, numberOfBinds: own, metaDataOfBinds } };
}

/** What is read again later: see `EarlierResults`. */
function rememberResult(deps: StatementDeps, recorded: Recorded, result: UpstreamResult): void {
  const { session, connection, queryId, request, analysis, decision } = recorded;
  if (request.describeOnly) return;
  const facts = factsOf(analysis);
  const names = result.rowtype.map(({ name }) => name);
  const ids = { queryId, upstreamQueryId: result.queryId };
  const earlier = facts && earlierResult({ facts, ids, names, sourceMasks: decision.sourceMasks });
  if (earlier === undefined) deps.earlierResults.forget(session.id);
  else deps.earlierResults.add(session.id, connection.policy.revision, earlier);
}

/** Where names point and what variables hold: what an analysis of a statement rests on. */
const isSameContext = (a: SessionContext, b: SessionContext): boolean =>
  a.database === b.database &&
  a.schema === b.schema &&
  a.role === b.role &&
  a.warehouse === b.warehouse &&
  JSON.stringify(a.facts?.variables ?? {}) === JSON.stringify(b.facts?.variables ?? {});

/** The client's own tag: of this statement, else of its session. */
function claimedPurpose(own: Json | undefined, session: Session): string | undefined {
  return typeof own === 'string' ? own : session.claimedPurpose;
}

/** Stable over every attempt by any gateway, so that Snowflake runs the statement once. Shaped as a UUID. */
function upstreamRequestId(sessionId: string, requestId: string): string {
  const hex = createHash('sha256').update(`${sessionId}\n${requestId}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function refusalOf(recorded: Recorded, answer: Exclude<UpstreamAnswer, { kind: 'in-progress' | 'result' }>): Stop {
  if (answer.kind === 'unusable') return refuse(recorded.queryId, deny.upstreamUnexpected(answer.what), 'withheld');
  // Snowflake quotes offending values in conversion errors, so its words stay here when protected columns took part.
  if (recorded.decision.outputs?.touchesProtected === true || mayQuoteValues(recorded)) {
    return refuse(recorded.queryId, deny.upstreamErrorHidden(answer.code), 'failed');
  }
  return refuseAsSnowflake(recorded.queryId, answer.code, answer.sqlState, withoutSecrets(answer.message), 'failed');
}

/** Verbs whose statements work on stored rows even without a query in them. */
const WORKS_ON_ROWS = new Set(['UPDATE', 'DELETE', 'MERGE', 'ALTER']);

/** A statement that works on rows without being a plain query may meet any value on its way. */
function mayQuoteValues(recorded: Recorded): boolean {
  const facts = factsOf(recorded.analysis);
  if (recorded.connection.policy.maskingPolicies.length === 0 || facts?.query !== undefined) return false;
  return facts === undefined || facts.carriesQuery || WORKS_ON_ROWS.has(facts.verb);
}

/** URLs in an error text may be signed. */
const withoutSecrets = (message: string): string => message.replace(/https?:\/\/\S+/g, '[url withheld]').slice(0, 4000);

async function followSession(
  deps: StatementDeps,
  session: Session,
  final: { database: string | null; schema: string | null; warehouse: string | null; role: string | null },
  effect: SessionEffect | undefined,
): Promise<void> {
  const context: SessionContext = {
    database: final.database ?? session.context.database,
    schema: final.schema ?? session.context.schema,
    warehouse: final.warehouse ?? session.context.warehouse,
    role: final.role ?? session.context.role,
    facts: { variables: variablesAfter(session.context.facts?.variables ?? {}, effect), results: [] },
  };
  const parameters = parametersAfter(session, effect);
  const tag =
    effect?.kind === 'alter-session' ? effect.set.find((parameter) => parameter.name === 'QUERY_TAG') : undefined;
  if (isSameContext(context, session.context) && effect?.kind !== 'alter-session') return;
  await deps.sessions.update(session.id, {
    context,
    parameters,
    ...(tag === undefined ? {} : { claimedPurpose: tag.value }),
  });
}
