import type { OpenKey } from '@piste/verifier';
import {
  type ConnectionPolicy,
  createEarlierResults,
  earlierResult,
  type Requester,
  type RequestTraits,
  type TagNeeds,
  tagNeedsOf,
  variablesAfter,
} from '../policy/index.js';
import type { LogRecord } from '../recording/index.js';
import type { SessionContext, SessionFacts } from '../sql/index.js';
import { type CatalogView, createRecordedCatalog, viewOfFile } from './backtest-catalog.js';
import {
  differencesOf,
  isResult,
  type Outcome,
  type OutcomeDifference,
  outcomeNow,
  recordedOutcome,
  sourceMasksOf,
} from './backtest-outcome.js';
import type { CatalogFile } from './explain-catalog.js';
import { type Judgement, judge } from './explain-judge.js';
import { type Fields, listIn, objectIn, stringIn } from './fields.js';
import { columnsOf } from './result-view.js';

/** Why a statement cannot be decided again. Closed vocabulary. */
export type Undecidable =
  | 'text-missing'
  | 'session-unknown'
  | 'session-moved'
  | 'connection-unknown'
  | 'catalogue-unknown'
  | 'tags-unknown';

/** One recorded statement, decided again. */
export interface Redecided {
  readonly session: string;
  readonly queryId: string;
  readonly timeMs: number;
  readonly sql: string | undefined;
  readonly recorded: Outcome;
  /** Undefined where it could not be decided. */
  readonly now: Outcome | undefined;
  readonly why: Undecidable | undefined;
  readonly differences: readonly OutcomeDifference[];
}

export interface BacktestSetting {
  readonly policyOf: (connection: string) => ConnectionPolicy | undefined;
  /** Stands in where the record does not say what the gateway knew of objects. */
  readonly file: CatalogFile | undefined;
  /** Sessions that were served by several gateways: of their variables no log tells everything. */
  readonly moved: ReadonlySet<string>;
  readonly openKey: OpenKey | undefined;
}

/** Decides the statements of one session again, as seen by one log. */
export interface SessionBacktest {
  /** Takes the records in order. A statement comes back as soon as its answer, or nothing more, is to come. */
  add(record: LogRecord): Redecided | undefined;
  /** Statements that got no answer here. */
  rest(): readonly Redecided[];
}

/** What is known of a session from all logs read so far. */
export interface SessionSoFar {
  opening: Fields | undefined;
  variables: SessionFacts['variables'];
  /** Statements that were compared or wait for it. */
  readonly seen: Set<string>;
}

interface Asked {
  readonly record: LogRecord;
  readonly again: Again;
}

/** The second decision, or why there is none. */
type Again =
  | { readonly judged: Judgement; readonly why?: undefined }
  | { readonly why: Undecidable; readonly judged?: undefined };

/** `earlierResults` keeps sessions apart; here is only one. */
const ONE = 'one';

export function createSessionBacktest(session: string, setting: BacktestSetting, known: SessionSoFar): SessionBacktest {
  const catalog = createRecordedCatalog();
  const results = createEarlierResults();
  const open = new Map<string, Asked>();

  const decideAgain = (record: LogRecord): Again => {
    const { fields, timeMs, parts } = record.leaf;
    const sql = record.bodies.get('submitted')?.toString('utf8');
    const isWhole = parts.every(({ name }) => name === 'sql' || record.bodies.has(name));
    if (sql === undefined || !isWhole) return { why: 'text-missing' };
    if (known.opening === undefined) return { why: 'session-unknown' };
    const policy = setting.policyOf(stringIn(known.opening, 'connection') ?? '');
    if (policy === undefined) return { why: 'connection-unknown' };
    if (setting.moved.has(session) && /\$\w/.test(sql)) return { why: 'session-moved' };
    const place = contextOf(fields);
    const facts = { variables: known.variables, results: results.of(ONE, revisionOf(fields)) };
    const judgeWith = ({ catalog: objects }: CatalogView): Judgement =>
      judge({
        sql,
        who: requesterOf(known.opening),
        surroundings: { session: { ...place, facts }, catalog: objects },
        policy,
        nowMs: timeMs,
      });
    return chooseCatalog(judgeWith, {
      recorded: catalog.view(place.role),
      version: stringIn(objectIn(fields, 'dec'), 'cat'),
      tags: tagNeedsOf(policy),
      file: setting.file,
    });
  };

  const remember = ({ record, again: { judged } }: Asked, response: LogRecord): void => {
    const { fields } = record.leaf;
    if (judged === undefined || fields['op'] === 'describe') return;
    const { analysis, decision } = judged;
    if (analysis.read) known.variables = variablesAfter(known.variables, analysis.effect);
    const names = columnsOf(response.bodies.get('head'));
    const ids = {
      queryId: stringIn(fields, 'qid') ?? '',
      upstreamQueryId: stringIn(response.leaf.fields, 'upq') ?? '',
    };
    const sourceMasks = sourceMasksOf(decision);
    const earlier = analysis.read ? earlierResult({ facts: analysis, ids, names, sourceMasks }) : undefined;
    if (earlier === undefined) results.forget(ONE);
    else results.add(ONE, revisionOf(fields), earlier);
  };

  const finish = (asked: Asked, response: LogRecord | undefined): Redecided => {
    const answer = response?.leaf.fields;
    if (response !== undefined && isResult(answer)) remember(asked, response);
    const { leaf, bodies } = asked.record;
    const { judged, why } = asked.again;
    const recorded = recordedOutcome(leaf.fields, answer);
    const now = judged === undefined ? undefined : outcomeNow(judged, traitsOf(asked.record), answer);
    return {
      session,
      queryId: stringIn(leaf.fields, 'qid') ?? '?',
      timeMs: leaf.timeMs,
      sql: bodies.get('submitted')?.toString('utf8'),
      recorded,
      now,
      why,
      differences: now === undefined ? [] : differencesOf(recorded, now),
    };
  };

  return {
    add(record) {
      const { kind, fields } = record.leaf;
      if (kind === 'session.open') known.opening = fields;
      if (kind === 'control' && fields['op'] === 'catalogue') catalog.add(record);
      const queryId = stringIn(fields, 'qid');
      if (queryId === undefined || fields['internal'] === true) return undefined;
      const asked = open.get(queryId);
      // A held statement stands there again when it is released; the first look is the one that is compared.
      if (kind === 'request' && !known.seen.has(queryId)) {
        known.seen.add(queryId);
        open.set(queryId, { record, again: decideAgain(record) });
      }
      const isAnswer = kind === 'response' || (kind === 'response.withheld' && fields['n'] === undefined);
      if (asked === undefined || !isAnswer) return undefined;
      open.delete(queryId);
      return finish(asked, record);
    },
    rest: () => [...open.values()].map((asked) => finish(asked, undefined)),
  };
}

interface CatalogChoice {
  readonly recorded: CatalogView;
  /** What the record calls the descriptions that the statement was read against. */
  readonly version: string | undefined;
  readonly tags: TagNeeds;
  readonly file: CatalogFile | undefined;
}

/** What the record says of objects, if that is what the gateway knew; else what the file says, if it knows them all. */
function chooseCatalog(judgeWith: (view: CatalogView) => Judgement, choice: CatalogChoice): Again {
  const { recorded, version, tags, file } = choice;
  const judged = judgeWith(recorded);
  const isVersion = recorded.isVersion(version);
  if (isVersion && recorded.hasTags(tags)) return { judged };
  const why = isVersion ? 'tags-unknown' : 'catalogue-unknown';
  if (file === undefined) return { why };
  const view = viewOfFile(file);
  const byFile = judgeWith(view);
  return view.isComplete() ? { judged: byFile } : { why };
}

function requesterOf(opening: Fields | undefined): Requester {
  const who = objectIn(opening, 'who');
  return { issuer: stringIn(who, 'iss') ?? '', subject: stringIn(who, 'sub') ?? '', groups: listIn(who, 'grp') };
}

function contextOf(fields: Fields): SessionContext {
  const context = objectIn(fields, 'ctx');
  return {
    database: stringIn(context, 'db'),
    schema: stringIn(context, 'sch'),
    role: stringIn(context, 'role'),
    warehouse: stringIn(context, 'wh'),
  };
}

const revisionOf = (fields: Fields): string => stringIn(objectIn(fields, 'dec'), 'pol') ?? '';

function traitsOf({ leaf: { fields }, bodies }: LogRecord): RequestTraits {
  const binds = parseObject(bodies.get('binds'));
  return { describeOnly: fields['op'] === 'describe', bindings: binds };
}

function parseObject(bytes: Buffer | undefined): Readonly<Record<string, unknown>> | undefined {
  if (bytes === undefined) return undefined;
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}
