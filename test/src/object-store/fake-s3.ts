import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createFakeBucket, type FakeBucket, GOOD_MANNERS, type Manners, type StoredVersion } from './fake-bucket.js';
import { escapeXml, listObjects, listObjectVersions } from './fake-listing.js';

/**
 * What goes wrong with a request. `500`/`503`/`reset`: nothing is done. `lost`: it is done and no answer comes.
 * `slow`: it is done after `slowMs`. `truncated`: an answer ends early. `corrupt`: fewer bytes are stored than were sent.
 * `unlocked`: locks are taken and forgotten. `wrong-etag`: the answer names another ETag.
 */
export type Fault = '500' | '503' | 'reset' | 'lost' | 'slow' | 'truncated' | 'corrupt' | 'unlocked' | 'wrong-etag';

export interface FaultRule {
  readonly fault: Fault;
  /** HTTP method, and a part of the key. */
  readonly method?: string;
  readonly key?: string;
  /** How often; for ever when absent. */
  times?: number;
}

/** A request as a test may ask about it. */
export interface SeenRequest {
  readonly method: string;
  readonly key: string;
  readonly query: string;
  readonly status: number;
}

export interface FakeS3 {
  readonly endpoint: string;
  readonly bucketName: string;
  readonly bucket: FakeBucket;
  readonly seen: () => readonly SeenRequest[];
  /** How many requests for keys with this part arrived, answered or not. */
  readonly arrived: (keyPart: string) => number;
  readonly fail: (...rules: readonly FaultRule[]) => void;
  /** No more faults. */
  readonly heal: () => void;
  readonly stop: () => Promise<void>;
}

export interface FakeS3Options {
  readonly manners?: Partial<Manners>;
  readonly nowMs?: () => number;
  readonly slowMs?: number;
  /** A second bucket `plain`, without locks and versions, that nothing but a gateway looks into. */
  readonly plainBucket?: boolean;
}

const BUCKET = 'recordings';
const PLAIN = 'plain';

/** An S3 server on a free port of loopback with one bucket in memory. Speaks HTTP; asks for credentials, checks none. */
export async function startFakeS3(options: FakeS3Options = {}): Promise<FakeS3> {
  const { manners, nowMs = Date.now, slowMs = 300, plainBucket = false } = options;
  const bucket = createFakeBucket({ ...GOOD_MANNERS, ...manners }, nowMs);
  const rules: FaultRule[] = [];
  const seen: SeenRequest[] = [];
  const arrivals: string[] = [];
  const serve = createService(BUCKET, bucket, { ...GOOD_MANNERS, ...manners });
  const plainManners: Manners = { ...GOOD_MANNERS, lock: 'missing', versions: false };
  const servePlain = createService(PLAIN, createFakeBucket(plainManners, nowMs), plainManners);
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  function takeFault(method: string, key: string): Fault | undefined {
    const rule = rules.find(
      (candidate) =>
        (candidate.method ?? method) === method && key.includes(candidate.key ?? '') && (candidate.times ?? 1) > 0,
    );
    if (rule?.times !== undefined) rule.times -= 1;
    return rule?.fault;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const isPlain = plainBucket && url.pathname.startsWith(`/${PLAIN}`);
    const key = decodeURIComponent(url.pathname.slice(`/${isPlain ? PLAIN : BUCKET}/`.length));
    const method = request.method ?? '';
    arrivals.push(key);
    const fault = takeFault(method, key);
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const body = Buffer.concat(pieces);
    const note = (status: number): void => void seen.push({ method, key, query: url.search, status });
    if (fault === 'reset') {
      note(0);
      response.destroy();
      return;
    }
    if (fault === '500' || fault === '503') {
      note(Number(fault));
      send(response, failure(Number(fault), fault === '503' ? 'SlowDown' : 'InternalError'));
      return;
    }
    if (fault === 'slow') await delay(slowMs);
    const answer = (isPlain ? servePlain : serve)({ method, key, url, headers: request.headers, body, fault });
    note(fault === 'lost' ? 0 : answer.status);
    if (fault === 'lost') response.destroy();
    else send(response, answer, fault);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucketName: BUCKET,
    bucket,
    seen: () => seen,
    arrived: (keyPart) => arrivals.filter((key) => key.includes(keyPart)).length,
    fail: (...more) => void rules.push(...more),
    heal: () => void rules.splice(0),
    stop: () => stopServer(server),
  };
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

interface Asked {
  readonly method: string;
  readonly key: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  readonly fault: Fault | undefined;
}

function createService(name: string, bucket: FakeBucket, manners: Manners): (asked: Asked) => Answer {
  return (asked) => {
    const { method, key, url } = asked;
    const query = url.searchParams;
    if (asked.headers.authorization === undefined) return failure(403, 'AccessDenied');
    if (!url.pathname.startsWith(`/${name}`)) return failure(404, 'NoSuchBucket');
    if (key === '' && method === 'GET') return bucketAnswer(bucket, manners, query);
    if (method === 'PUT')
      return query.has('retention') || query.has('legal-hold') ? lock(bucket, asked) : put(bucket, asked);
    if (method === 'DELETE') {
      const bypass = asked.headers['x-amz-bypass-governance-retention'] === 'true';
      const status = bucket.remove(key, query.get('versionId') ?? undefined, bypass);
      return status === 204 ? { status } : failure(status, 'AccessDenied');
    }
    if (method === 'GET' || method === 'HEAD') return read(bucket, manners, asked);
    return failure(501, 'NotImplemented');
  };
}

function bucketAnswer(bucket: FakeBucket, manners: Manners, query: URLSearchParams): Answer {
  if (query.has('object-lock')) {
    if (manners.lock === 'missing') return failure(404, 'ObjectLockConfigurationNotFoundError');
    const rule =
      manners.defaultRetentionMs > 0
        ? '<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>'
        : '';
    return xml(
      `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`,
    );
  }
  if (query.has('versions')) return xml(listObjectVersions(bucket, BUCKET, query));
  return xml(listObjects(bucket, BUCKET, query));
}

function put(bucket: FakeBucket, { key, headers, body, fault }: Asked): Answer {
  const checksum = headers['x-amz-checksum-sha256'];
  if (typeof checksum === 'string' && checksum !== createHash('sha256').update(body).digest('base64'))
    return failure(400, 'BadDigest');
  const mode = headers['x-amz-object-lock-mode'];
  const until = headers['x-amz-object-lock-retain-until-date'];
  const stored = bucket.put(key, fault === 'corrupt' ? body.subarray(0, body.length >> 1) : body, {
    ifNoneMatch: headers['if-none-match'] === '*',
    ifMatch: headers['if-match'],
    mode: fault !== 'unlocked' && (mode === 'COMPLIANCE' || mode === 'GOVERNANCE') ? mode : undefined,
    retainUntilMs: typeof until === 'string' ? Date.parse(until) : 0,
    hold: headers['x-amz-object-lock-legal-hold'] === 'ON',
  });
  if (typeof stored === 'number') return failure(stored, stored === 412 ? 'PreconditionFailed' : 'NoSuchKey');
  const etag = fault === 'wrong-etag' ? '"00000000000000000000000000000000"' : stored.etag;
  return { status: 200, headers: { etag, ...versionHeader(stored) } };
}

function lock(bucket: FakeBucket, { key, url, headers, body, fault }: Asked): Answer {
  const stored = find(bucket, key, url.searchParams);
  if (stored === undefined || stored.marker) return failure(404, 'NoSuchKey');
  const text = body.toString('utf8');
  if (url.searchParams.has('legal-hold')) {
    stored.hold = text.includes('<Status>ON</Status>');
    return { status: 200 };
  }
  if (fault === 'unlocked') return { status: 200 };
  const mode = text.includes('<Mode>COMPLIANCE</Mode>') ? 'COMPLIANCE' : 'GOVERNANCE';
  const until = Date.parse(/<RetainUntilDate>([^<]+)</.exec(text)?.[1] ?? '');
  const status = bucket.lock(stored, mode, until, headers['x-amz-bypass-governance-retention'] === 'true');
  return status === 200 ? { status } : failure(status, 'AccessDenied');
}

function read(bucket: FakeBucket, manners: Manners, { method, key, url, headers }: Asked): Answer {
  const stored = find(bucket, key, url.searchParams);
  if (stored === undefined || stored.marker) return failure(404, 'NoSuchKey');
  const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '');
  const from = Number(range?.[1] ?? 0);
  if (range !== null && from >= stored.bytes.length) return failure(416, 'InvalidRange');
  const bytes = range === null ? stored.bytes : stored.bytes.subarray(from, Number(range[2]) + 1);
  const isShown = manners.lock !== 'missing' && stored.mode !== undefined;
  return {
    status: range === null ? 200 : 206,
    headers: {
      etag: stored.etag,
      'content-length': String(bytes.length),
      'last-modified': new Date(stored.modifiedMs).toUTCString(),
      ...versionHeader(stored),
      ...(range === null ? {} : { 'content-range': `bytes ${from}-${from + bytes.length - 1}/${stored.bytes.length}` }),
      ...(manners.checksums && headers['x-amz-checksum-mode'] === 'ENABLED'
        ? { 'x-amz-checksum-sha256': stored.sha256 }
        : {}),
      ...(isShown
        ? {
            'x-amz-object-lock-mode': stored.mode ?? '',
            'x-amz-object-lock-retain-until-date': new Date(stored.retainUntilMs).toISOString(),
          }
        : {}),
      ...(stored.hold ? { 'x-amz-object-lock-legal-hold': 'ON' } : {}),
    },
    body: method === 'HEAD' ? '' : bytes,
  };
}

function find(bucket: FakeBucket, key: string, query: URLSearchParams): StoredVersion | undefined {
  const version = query.get('versionId');
  return version === null ? bucket.current(key) : bucket.versions(key).find((stored) => stored.version === version);
}

function versionHeader(stored: StoredVersion): Record<string, string> {
  return stored.version === 'null' ? {} : { 'x-amz-version-id': stored.version };
}

function xml(body: string): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0"?>${body}` };
}

function failure(status: number, code: string): Answer {
  return { ...xml(`<Error><Code>${escapeXml(code)}</Code><Message>a text nobody repeats</Message></Error>`), status };
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Answer, fault?: Fault): void {
  response.writeHead(status, headers);
  if (fault !== 'truncated' || body.length < 2) {
    response.end(body);
    return;
  }
  response.write(body.slice(0, body.length >> 1), () => response.destroy());
}

async function stopServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
