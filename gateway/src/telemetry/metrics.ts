import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type ArchiveRecorders, createArchiveRecorders } from './archive-metrics.js';
import { classLabel, closedLabel, createNameLabels } from './metric-labels.js';

/**
 * Recorders for everything the gateway measures, one group per room that counts. Labels come from closed lists or from
 * names in configuration; a value that is in neither becomes `other`. No recorder throws on any string. Durations are in
 * seconds.
 */
export interface Metrics {
  readonly statements: {
    /** `statementClass` is the class or verb the analysis gave it. */
    readonly statement: (connection: string, statementClass: string, decision: string) => void;
    readonly blocked: (rule: string, statementClass: string) => void;
    readonly masked: (policy: string, method: string, values: number) => void;
    readonly maskedAtSource: (policy: string, method: string) => void;
    readonly wouldHave: (policy: string, effect: 'masked' | 'blocked') => void;
    readonly maskFailed: (reason: string) => void;
    readonly detected: (category: string) => void;
    readonly delivered: (connection: string, rows: number, bytes: number) => void;
    readonly overhead: (seconds: number) => void;
    readonly stage: (stage: string, seconds: number) => void;
  };
  readonly http: {
    readonly request: (protocol: string, route: string, status: number, seconds: number) => void;
  };
  readonly sessions: {
    readonly login: (connection: string, issuer: string, result: string, reason: string) => void;
    readonly active: (connection: string, count: number) => void;
  };
  readonly upstream: {
    readonly request: (connection: string, result: string, seconds: number) => void;
  };
  readonly approval: {
    readonly approvals: (rule: string, outcome: string, channel: string) => void;
    readonly decisionSeconds: (outcome: string, seconds: number) => void;
    readonly pending: (count: number) => void;
    readonly oldestPending: (seconds: number) => void;
  };
  readonly recording: {
    readonly committed: (group: { readonly records: number; readonly seconds: number }) => void;
    readonly failed: () => void;
    readonly lost: () => void;
  };
  readonly space: {
    readonly free: (bytes: number) => void;
    readonly blocked: (isBlocked: boolean) => void;
  };
  readonly registry: {
    readonly appended: (outcome: 'ok' | 'failed') => void;
    readonly size: (entries: number) => void;
    readonly lag: (seconds: number) => void;
    readonly witnessed: (outcome: 'ok' | 'refused' | 'unreachable') => void;
    readonly quorumAge: (seconds: number) => void;
  };
  readonly delivery: {
    readonly delivered: (bytes: number) => void;
    readonly recorded: (bytes: number) => void;
    readonly unrecorded: (bytes: number) => void;
    readonly refused: () => void;
    readonly waiting: (bytes: number) => void;
    readonly cut: () => void;
    readonly partsHeld: (bytes: number) => void;
  };
  readonly reconcile: {
    readonly unreconciled: (connection: string, weight: string, count: number) => void;
    readonly reconciled: (connection: string, untilMs: number) => void;
  };
  readonly identity: {
    readonly tokenChecked: (outcome: string) => void;
    readonly keysFetched: (outcome: string) => void;
  };
  readonly resources: {
    readonly loaded: (sequence: number, atMs: number) => void;
    readonly looked: (result: string) => void;
    readonly complaints: (count: number) => void;
  };
  readonly store: {
    readonly up: (isUp: boolean) => void;
    readonly call: (operation: string, seconds: number) => void;
  };
  readonly archive: ArchiveRecorders;
  /** The Prometheus text and its content type. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface MetricsDeps {
  /** Version of the program, for `piste_build_info`. */
  readonly version: string;
  /** Source revision, for `piste_build_info`. */
  readonly revision?: string;
}

/** Sub-millisecond work up to a slow network. */
const FAST_SECONDS = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** People: from seconds to a day. */
const HUMAN_SECONDS = [5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400];

/** Reasons are words of our own vocabularies, never texts; this keeps it so. */
const REASON_WORD = /^[a-z0-9][a-z0-9-]{0,40}$/;

type Series = ReturnType<typeof createSeries>;
type NameLabel = ReturnType<typeof createNameLabels>;

/** A new set of metrics with a registry of its own. */
export function createMetrics({ version, revision }: MetricsDeps): Metrics {
  const registry = new Registry();
  const series = createSeries(registry);
  const name = createNameLabels();
  series.buildInfo.set({ version, revision: revision ?? 'unknown' }, 1);
  return Object.freeze({
    statements: statementRecorders(series, name),
    ...trafficRecorders(series, name),
    ...roomRecorders(series, name),
    archive: createArchiveRecorders(registry),
    async render() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  });
}

function reasonLabel(name: NameLabel, reason: string): string {
  return REASON_WORD.test(reason) ? name('reason', reason) : 'other';
}

function statementRecorders(series: Series, name: NameLabel): Metrics['statements'] {
  return {
    statement(connection, statementClass, decision) {
      series.statements.inc({
        connection: name('connection', connection),
        protocol: 'driver',
        class: classLabel(statementClass),
        decision: closedLabel('decision', decision),
      });
    },
    blocked(rule, statementClass) {
      series.blocked.inc({ rule: name('rule', rule), class: classLabel(statementClass) });
    },
    masked(policy, method, values) {
      if (values <= 0) return;
      const labels = { policy: name('policy', policy), method: closedLabel('method', method.toLowerCase()) };
      series.maskedValues.inc(labels, values);
    },
    maskedAtSource(policy, method) {
      series.maskedSources.inc({ policy: name('policy', policy), method: closedLabel('method', method.toLowerCase()) });
    },
    wouldHave: (policy, effect) => series.wouldHave.inc({ policy: name('policy', policy), effect }),
    maskFailed(reason) {
      series.maskFailedClosed.inc({ reason: reasonLabel(name, reason) });
    },
    detected: (category) => series.detectedColumns.inc({ category: closedLabel('category', category.toLowerCase()) }),
    delivered(connection, rows, bytes) {
      const labels = { connection: name('connection', connection), protocol: 'driver' };
      series.resultRows.inc(labels, rows);
      series.resultBytes.inc(labels, bytes);
    },
    overhead: (seconds) => series.overhead.observe({ protocol: 'driver' }, seconds),
    stage: (stage, seconds) => series.stageSeconds.observe({ stage: closedLabel('stage', stage) }, seconds),
  };
}

function trafficRecorders(series: Series, name: NameLabel): Pick<Metrics, 'http' | 'sessions' | 'upstream'> {
  return {
    http: {
      request(protocol, route, status, seconds) {
        const labels = {
          protocol: closedLabel('protocol', protocol),
          route: closedLabel('route', route),
          code_class: closedLabel('code_class', `${Math.floor(status / 100)}xx`),
        };
        series.httpRequests.inc(labels);
        series.httpSeconds.observe(labels, seconds);
      },
    },
    sessions: {
      login(connection, issuer, result, reason) {
        const names = { connection: name('connection', connection), issuer: name('issuer', issuer) };
        series.logins.inc({ ...names, result: closedLabel('login_result', result), reason: reasonLabel(name, reason) });
      },
      active: (connection, count) =>
        series.sessionsActive.set({ connection: name('connection', connection), protocol: 'driver' }, count),
    },
    upstream: {
      request(connection, result, seconds) {
        const labels = { connection: name('connection', connection), result: closedLabel('upstream_result', result) };
        series.upstreamRequests.inc(labels);
        series.upstreamSeconds.observe(labels, seconds);
      },
    },
  };
}

type RoomRecorders = Pick<
  Metrics,
  'approval' | 'recording' | 'space' | 'reconcile' | 'registry' | 'delivery' | 'identity' | 'resources' | 'store'
>;

function roomRecorders(series: Series, name: NameLabel): RoomRecorders {
  return {
    approval: {
      approvals(rule, outcome, channel) {
        const closed = { outcome: closedLabel('outcome', outcome), channel: closedLabel('channel', channel) };
        series.approvals.inc({ rule: name('rule', rule), ...closed });
      },
      decisionSeconds: (outcome, seconds) =>
        series.approvalSeconds.observe({ outcome: closedLabel('outcome', outcome) }, seconds),
      pending: (count) => series.approvalsPending.set(count),
      oldestPending: (seconds) => series.approvalOldest.set(seconds),
    },
    recording: {
      committed(group) {
        series.auditRecords.inc(group.records);
        series.auditSeconds.observe(group.seconds);
      },
      failed: () => series.auditFailures.inc(),
      lost: () => series.lostRecords.inc(),
    },
    space: {
      free: (bytes) => series.diskFree.set(bytes),
      blocked: (isBlocked) => series.diskBlocked.set(isBlocked ? 1 : 0),
    },
    registry: {
      appended: (outcome) => series.registryAppends.inc({ outcome }),
      size: (entries) => series.registrySize.set(entries),
      lag: (seconds) => series.registryLag.set(seconds),
      witnessed: (outcome) => series.registryWitnessed.inc({ outcome }),
      quorumAge: (seconds) => series.registryQuorumAge.set(seconds),
    },
    delivery: {
      delivered: (bytes) => series.deliveredBytes.inc(bytes),
      recorded: (bytes) => series.recordedBytes.inc(bytes),
      unrecorded: (bytes) => series.unrecordedBytes.inc(bytes),
      refused: () => series.answersRefused.inc(),
      waiting: (bytes) => series.deliveryWaiting.set(bytes),
      cut: () => series.answersCut.inc(),
      partsHeld: (bytes) => series.partsHeld.set(bytes),
    },
    reconcile: {
      unreconciled(connection, weight, count) {
        const labels = { connection: name('connection', connection), weight: closedLabel('weight', weight) };
        series.unreconciled.set(labels, count);
      },
      reconciled: (connection, untilMs) =>
        series.reconciled.set({ connection: name('connection', connection) }, untilMs / 1000),
    },
    identity: {
      tokenChecked: (outcome) => series.tokenChecks.inc({ outcome: reasonLabel(name, outcome) }),
      keysFetched: (outcome) => (outcome === 'ok' ? series.jwksRefreshes : series.jwksFailures).inc(),
    },
    resources: {
      loaded(sequence, atMs) {
        series.policyGeneration.set(sequence);
        series.policyReloaded.set(atMs / 1000);
      },
      looked: (result) => series.policyReloads.inc({ result: closedLabel('reload_result', result) }),
      complaints: (count) => series.policyErrors.set(count),
    },
    store: {
      up: (isUp) => series.redisUp.set(isUp ? 1 : 0),
      call: (operation, seconds) => series.redisSeconds.observe({ op: closedLabel('redis_op', operation) }, seconds),
    },
  };
}

function createSeries(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name: `piste_${name}`, help, labelNames: [...labelNames], registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `piste_${name}`, help, labelNames: [...labelNames], registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly L[] = [],
  ) => new Histogram<L>({ name: `piste_${name}`, help, labelNames: [...labelNames], buckets: [...buckets], registers });
  const http = ['protocol', 'route', 'code_class'] as const;
  const upstream = ['connection', 'result'] as const;
  return {
    buildInfo: gauge('build_info', 'Version of the running program.', ['version', 'revision']),
    logins: counter('logins_total', 'Log-ins of drivers.', ['connection', 'issuer', 'result', 'reason']),
    sessionsActive: gauge('sessions_active', 'Open sessions of drivers.', ['connection', 'protocol']),
    statements: counter('statements_total', 'Statements by how they ended.', [
      'connection',
      'protocol',
      'class',
      'decision',
    ]),
    blocked: counter('blocked_total', 'Statements refused by policy.', ['rule', 'class']),
    httpRequests: counter('http_requests_total', 'HTTP requests answered.', http),
    httpSeconds: histogram(
      'http_request_duration_seconds',
      'Time to answer a request, holds included.',
      REQUEST_SECONDS,
      http,
    ),
    overhead: histogram(
      'gateway_overhead_seconds',
      'Time the gateway adds, without Snowflake and people.',
      FAST_SECONDS,
      ['protocol'],
    ),
    stageSeconds: histogram(
      'stage_duration_seconds',
      'Time of one stage of a statement.',
      [...FAST_SECONDS, 30, 300],
      ['stage'],
    ),
    upstreamRequests: counter('upstream_requests_total', 'Requests to Snowflake.', upstream),
    upstreamSeconds: histogram('upstream_request_duration_seconds', 'Time Snowflake took.', REQUEST_SECONDS, upstream),
    approvals: counter('approvals_total', 'Approvals that ended.', ['rule', 'outcome', 'channel']),
    approvalsPending: gauge('approvals_pending', 'Statements waiting for people.'),
    approvalOldest: gauge('approval_oldest_pending_seconds', 'Age of the oldest waiting statement.'),
    approvalSeconds: histogram('approval_wait_seconds', 'Time from request to end.', HUMAN_SECONDS, ['outcome']),
    maskedValues: counter('masked_values_total', 'Values hidden.', ['policy', 'method']),
    maskedSources: counter('masked_sources_total', 'Columns of statements replaced where they are read.', [
      'policy',
      'method',
    ]),
    wouldHave: counter('dry_run_effects_total', 'What policies in DryRun would have done.', ['policy', 'effect']),
    maskFailedClosed: counter('mask_failclosed_total', 'Results withheld because they could not be masked.', [
      'reason',
    ]),
    detectedColumns: counter(
      'detected_columns_total',
      'Columns of result parts that look protected and that no rule names.',
      ['category'],
    ),
    resultRows: counter('result_rows_total', 'Rows delivered.', ['connection', 'protocol']),
    resultBytes: counter('result_bytes_total', 'Bytes of results delivered.', ['connection', 'protocol']),
    auditRecords: counter('audit_records_total', 'Records made durable.'),
    auditSeconds: histogram('audit_append_duration_seconds', 'Time until a group of records is durable.', FAST_SECONDS),
    deliveredBytes: counter('delivered_bytes_total', 'Bytes of answers handed to drivers, before compression.'),
    recordedBytes: counter('recorded_answer_bytes_total', 'Of the bytes delivered, those a durable record names.'),
    unrecordedBytes: counter('unrecorded_bytes_total', 'Of the bytes delivered, those that stand in no record.'),
    answersRefused: counter('answers_without_record_total', 'Answers not sent because no record vouched for them.'),
    lostRecords: counter(
      'lost_records_total',
      'Requests and answers that went on without their record, as the mode allows.',
    ),
    deliveryWaiting: gauge('delivery_waiting_bytes', 'Bytes of answers that drivers have not taken yet.'),
    answersCut: counter('answers_given_up_total', 'Answers given up because their driver did not read them.'),
    partsHeld: gauge('result_parts_held_bytes', 'Bytes of parts of large results in memory.'),
    diskFree: gauge('recording_free_bytes', 'Free space on the volume of the log.'),
    diskBlocked: gauge(
      'recording_disk_blocked',
      'Whether new statements are refused because the volume of the log has too little free space.',
    ),
    auditFailures: counter('audit_append_failures_total', 'Appends that failed.'),
    registryAppends: counter('registry_appends_total', 'Rounds that put something into the registry.', ['outcome']),
    registrySize: gauge('registry_entries', 'Entries of the registry.'),
    registryLag: gauge('registry_lag_seconds', 'Time since this gateway last reached the registry.'),
    registryWitnessed: counter('registry_cosignatures_total', 'Requests to witnesses by outcome.', ['outcome']),
    registryQuorumAge: gauge(
      'registry_quorum_age_seconds',
      'Age of the newest checkpoint of the registry that enough witnesses cosigned.',
    ),
    unreconciled: gauge(
      'audit_unreconciled_queries',
      "Queries of the last week in Snowflake's history that are not recorded so.",
      ['connection', 'weight'],
    ),
    reconciled: gauge('audit_reconciled_timestamp_seconds', 'Up to when the query history was compared.', [
      'connection',
    ]),
    policyGeneration: gauge('policy_generation', 'Sequence number of the snapshot in force.'),
    policyReloaded: gauge('policy_reload_timestamp_seconds', 'When the snapshot in force was loaded.'),
    policyReloads: counter('policy_reloads_total', 'Looks at the resources folder by result.', ['result']),
    policyErrors: gauge('policy_errors', 'Complaints about resources at present.'),
    tokenChecks: counter('token_checks_total', 'Tokens checked by outcome.', ['outcome']),
    jwksRefreshes: counter('jwks_refreshes_total', "Fetches of issuers' keys that succeeded."),
    jwksFailures: counter('jwks_refresh_failures_total', "Fetches of issuers' keys that failed."),
    redisUp: gauge('redis_up', 'Whether the state store answers.'),
    redisSeconds: histogram('redis_duration_seconds', 'Time of one call to the state store.', FAST_SECONDS, ['op']),
  };
}
