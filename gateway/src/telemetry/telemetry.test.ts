import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { createLog, createMetrics, redact, Secret } from './index.js';

function collect(level: 'info' | 'warn' | 'error' = 'info') {
  const lines: string[] = [];
  const log = createLog({ level, clock: () => Date.UTC(2030, 0, 2, 3, 4, 5, 6), write: (line) => lines.push(line) });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const jwt = `${Buffer.from('{"alg":"RS256","typ":"JWT"}').toString('base64url')}.${Buffer.from('{"sub":"a"}').toString('base64url')}.c2lnbmF0dXJl`;
const pem =
  '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----';

describe('the log', () => {
  test('writes one JSON object per line with time, level, message and fields in order', () => {
    const { log, lines } = collect();
    log.info('statement ended', { rows: 3, connection: 'prod', decision: undefined });
    expect(lines).toEqual([
      '{"at":"2030-01-02T03:04:05.006Z","level":"info","message":"statement ended","connection":"prod","rows":3}\n',
    ]);
  });

  test('leaves out what is below its level', () => {
    const { log, lines } = collect('warn');
    log.info('a');
    log.warn('b');
    log.error('c');
    expect(lines.length).toBe(2);
  });

  test('drops fields that are not on the list, and names them', () => {
    const { log, parsed } = collect();
    log.info('x', { sqlText: 'SELECT 1', 'bad name': 'y', queryId: 'q' });
    expect(parsed()[0]).toEqual({
      at: expect.any(String),
      level: 'info',
      message: 'x',
      queryId: 'q',
      droppedFields: '?,sqlText',
    });
  });

  test('a value cannot pass for a second line or hide in control characters', () => {
    const { log, lines, parsed } = collect();
    log.warn('a\nb', { reason: 'x\r\n{"level":"info"}\u001b[31m\u2028\u202e' });
    expect(lines.length).toBe(1);
    expect(lines[0]?.trimEnd().includes('\n')).toBe(false);
    expect(parsed()[0]?.['reason']).toBe('x\\u{d}\\u{a}{"level":"info"}\\u{1b}[31m\\u{2028}\\u{202e}');
  });

  test('cuts long values', () => {
    const { log, parsed } = collect();
    log.info('x', { reason: 'ab '.repeat(5000) });
    expect(String(parsed()[0]?.['reason']).length).toBe(2048);
  });

  test('survives a destination that fails', () => {
    const log = createLog({
      level: 'info',
      clock: () => 0,
      write: () => {
        throw new Error('full');
      },
    });
    expect(() => log.info('x')).not.toThrow();
  });

  test.each([
    ['a token', jwt, jwt.slice(4, 20)],
    ['half a token', jwt.slice(0, 40), jwt.slice(4, 20)],
    ['a Snowflake authorization header', 'Snowflake Token="abcdef1234"', 'abcdef'],
    ['an escaped Snowflake authorization header', '{"Authorization":"Snowflake Token=\\"abcdef1234\\""}', 'abcdef'],
    ['a Snowflake session token', 'ver:3-hint:92037-ETMsDgAAAZx/abc+def==', 'ETMsDg'],
    ['a bearer token', 'Authorization: Bearer abc.def-ghi', 'abc.def'],
    ['a private key', pem, 'MIIEvQ'],
    ['a private key that was cut', pem.slice(0, 60), 'MIIEvQ'],
    ['an AWS key id', 'AKIAIOSFODNN7EXAMPLE', 'IOSFODNN'],
    ['stage credentials', '{"AWS_SECRET_KEY":"wJalrXUtnFEMI/K7MDENG"}', 'wJalr'],
    ['a signed URL', 'https://b.s3.amazonaws.com/k?X-Amz-Signature=0123456789abcdef&x=1', '012345'],
    ['an Azure signature', 'https://a.blob.core.windows.net/c?sv=2020-01-01&sig=abc%2Bdef', 'abc%2B'],
    ['a password in a URL', 'redis://user:hunter22@redis:6379', 'hunter22'],
    ['a password assignment', 'password=hunter22', 'hunter22'],
    ['long base64', Buffer.alloc(64, 9).toString('base64'), 'CQkJCQ'],
  ])('does not show %s', (_what, text, hidden) => {
    const { log, lines } = collect();
    log.error(`failed: ${text}`, { error: text });
    expect(lines[0]).toContain('[redacted]');
    expect(text).toContain(hidden);
    expect(lines[0]).not.toContain(hidden);
  });

  test.each([
    'a'.repeat(64),
    '6f1d2c3b-0000-4000-8000-000000000000',
    '/srv/piste/resources/prod.yaml',
    'https://issuer.example/path',
  ])('leaves %s as it is', (text) => expect(redact(text)).toBe(text));
});

describe('a secret', () => {
  const secret = new Secret('hunter2');
  test.each([
    ['string conversion', String(secret)],
    ['a primitive', secret[Symbol.toPrimitive]()],
    ['JSON', JSON.stringify({ secret })],
    ['inspection', inspect({ secret }, { depth: 9, showHidden: true })],
    ['entries', JSON.stringify(Object.entries(secret))],
    ['concatenation', ['x', secret].join('')],
  ])('does not show in %s', (_where, text) => expect(text).not.toContain('hunter2'));

  test('is revealed on request', () => expect(secret.reveal()).toBe('hunter2'));
});

describe('metrics', () => {
  test('unknown values become other, and names from configuration stand', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.statements.statement('prod', 'CREATE_OR_REPLACE_TABLE', 'allowed');
    metrics.statements.statement('prod', 'WHATEVER', 'maybe');
    metrics.http.request('driver', '/queries/123', 700, 0.1);
    metrics.statements.masked('pii', 'Redact', 3);
    metrics.statements.masked('pii', 'Redact', 0);
    const { text, contentType } = await metrics.render();
    expect(contentType).toContain('text/plain');
    expect(text).toContain(
      'piste_statements_total{connection="prod",protocol="driver",class="ddl",decision="allowed"} 1',
    );
    expect(text).toContain(
      'piste_statements_total{connection="prod",protocol="driver",class="other",decision="other"} 1',
    );
    expect(text).toContain('piste_http_requests_total{protocol="driver",route="other",code_class="other"} 1');
    expect(text).toContain('piste_masked_values_total{policy="pii",method="redact"} 3');
    expect(text).toContain('piste_build_info{version="0.1.0",revision="unknown"} 1');
  });

  test('even wrong callers cannot open series without end', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    for (let i = 0; i < 2000; i++) metrics.statements.blocked(`rule-${i}`, `CLASS_${i}`);
    metrics.statements.maskFailed('the value "jane@example.org" is odd');
    const { text } = await metrics.render();
    expect(text.split('\n').filter((line) => line.startsWith('piste_blocked_total{')).length).toBe(501);
    expect(text).toContain('piste_blocked_total{rule="other",class="other"} 1500');
    expect(text).toContain('piste_mask_failclosed_total{reason="other"} 1');
    expect(text).not.toContain('jane');
  });

  test('two sets of metrics do not meet', async () => {
    const [a, b] = [createMetrics({ version: '1' }), createMetrics({ version: '1' })];
    a.recording.failed();
    expect((await b.render()).text).toContain('piste_audit_append_failures_total 0');
  });

  test('every room has its recorders', async () => {
    const metrics = createMetrics({ version: '1', revision: 'abc' });
    metrics.sessions.login('prod', 'https://issuer.example', 'accepted', 'none');
    metrics.sessions.active('prod', 2);
    metrics.upstream.request('prod', 'ok', 0.2);
    metrics.approval.approvals('rule', 'approved', 'api');
    metrics.approval.decisionSeconds('approved', 3);
    metrics.approval.pending(1);
    metrics.approval.oldestPending(9);
    metrics.recording.committed({ records: 5, seconds: 0.001 });
    metrics.identity.tokenChecked('expired');
    metrics.identity.keysFetched('failed');
    metrics.resources.loaded(4, 1_700_000_000_000);
    metrics.resources.looked('loaded');
    metrics.resources.complaints(2);
    metrics.store.up(true);
    metrics.store.call('get', 0.001);
    metrics.statements.delivered('prod', 10, 1000);
    metrics.statements.overhead(0.002);
    metrics.statements.stage('decide', 0.001);
    const { text } = await metrics.render();
    for (const line of [
      'piste_logins_total{connection="prod",issuer="https://issuer.example",result="accepted",reason="none"} 1',
      'piste_sessions_active{connection="prod",protocol="driver"} 2',
      'piste_upstream_requests_total{connection="prod",result="ok"} 1',
      'piste_approvals_total{rule="rule",outcome="approved",channel="api"} 1',
      'piste_approvals_pending 1',
      'piste_audit_records_total 5',
      'piste_jwks_refresh_failures_total 1',
      'piste_policy_generation 4',
      'piste_policy_reload_timestamp_seconds 1700000000',
      'piste_policy_errors 2',
      'piste_redis_up 1',
      'piste_result_rows_total{connection="prod",protocol="driver"} 10',
    ])
      expect(text).toContain(line);
  });
});
