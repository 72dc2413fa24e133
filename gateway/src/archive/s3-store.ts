import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import {
  type ObjectHead,
  type ObjectLock,
  type ObjectStore,
  ObjectStoreError,
  type PutOptions,
  type PutOutcome,
  type SwapOutcome,
} from './object-store.js';
import { createListing } from './s3-listing.js';
import { createCaller, type Sleep } from './store-calls.js';

export interface S3StoreDeps {
  readonly client: S3Client;
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly sleep: Sleep;
  /** Longest time of one try of one call. */
  readonly callTimeoutMs?: number;
  readonly tries?: number;
}

const CALL_TIMEOUT_MS = 30_000;
const TRIES = 3;

/** The objects below a prefix of a bucket. Owns the client. */
export function createS3Store({ client, bucket, prefix, sleep, ...limits }: S3StoreDeps): ObjectStore {
  const call = createCaller({
    client,
    sleep,
    timeoutMs: limits.callTimeoutMs ?? CALL_TIMEOUT_MS,
    tries: limits.tries ?? TRIES,
  });
  const keyOf = (path: string): string => (prefix === '' ? path : `${prefix}/${path}`);
  const at = (path: string, version?: string) => ({
    Bucket: bucket,
    Key: keyOf(path),
    ...(version === undefined ? {} : { VersionId: version }),
  });

  async function put(path: string, bytes: Uint8Array, condition: object, options?: PutOptions) {
    return call('put', (send) => {
      const command = new PutObjectCommand({
        ...at(path),
        ...condition,
        Body: bytes,
        ContentLength: bytes.byteLength,
        ContentType: 'application/octet-stream',
        ...(options === undefined ? {} : { ChecksumSHA256: Buffer.from(options.sha256, 'hex').toString('base64') }),
        ...(options?.lock === undefined
          ? {}
          : { ObjectLockMode: options.lock.mode, ObjectLockRetainUntilDate: new Date(options.lock.retainUntilMs) }),
        ...(options?.hold === true ? { ObjectLockLegalHoldStatus: 'ON' as const } : {}),
      });
      if (options !== undefined) signWith(command, options.sha256);
      return send(command);
    });
  }

  async function putIfAbsent(path: string, bytes: Uint8Array, options: PutOptions): Promise<PutOutcome> {
    const answer = await put(path, bytes, { IfNoneMatch: '*' }, options);
    if (answer.ok) return { outcome: 'created', version: answer.value.VersionId, etag: answer.value.ETag ?? '' };
    if (answer.kind === 'precondition') return { outcome: 'exists' };
    throw new ObjectStoreError('put', 'refused', answer.kind);
  }

  async function get(path: string, maxBytes: number) {
    const answer = await call('get', async (send) => {
      const got = await send(new GetObjectCommand(at(path)));
      if ((got.ContentLength ?? 0) > maxBytes) throw new ObjectStoreError('get', 'refused', 'TooLarge');
      return { bytes: await readBody(got, got.ContentLength), etag: got.ETag ?? '', version: got.VersionId };
    });
    if (answer.ok) return answer.value;
    if (answer.kind === 'missing') return undefined;
    throw new ObjectStoreError('get', 'refused', answer.kind);
  }

  async function compareAndPut(path: string, bytes: Uint8Array, etag: string | undefined): Promise<SwapOutcome> {
    const answer = await put(path, bytes, etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag });
    if (answer.ok) return { outcome: 'swapped', etag: answer.value.ETag ?? '' };
    if (answer.kind === 'range') throw new ObjectStoreError('swap', 'refused', answer.kind);
    if (answer.earlierTries === 0) return { outcome: 'changed' };
    // An earlier try got no answer: it may have been this very write that made the condition fail.
    const current = await get(path, bytes.byteLength).catch(() => undefined);
    const isOurs = current !== undefined && Buffer.compare(current.bytes, bytes) === 0;
    return isOurs ? { outcome: 'swapped', etag: current.etag } : { outcome: 'changed' };
  }

  async function head(path: string, version: string | undefined): Promise<ObjectHead | undefined> {
    const answer = await call('head', (send) =>
      send(new HeadObjectCommand({ ...at(path, version), ChecksumMode: 'ENABLED' })),
    );
    if (answer.ok) return toHead(answer.value);
    if (answer.kind === 'missing') return undefined;
    throw new ObjectStoreError('head', 'refused', answer.kind);
  }

  async function getRange(path: string, version: string | undefined, from: number, length: number) {
    if (length <= 0) return new Uint8Array(0);
    const answer = await call('get', async (send) => {
      const got = await send(
        new GetObjectCommand({ ...at(path, version), Range: `bytes=${from}-${from + length - 1}` }),
      );
      return readBody(got, Math.min(length, Math.max(0, (sizeOf(got) ?? from + length) - from)));
    });
    if (answer.ok) return answer.value;
    if (answer.kind === 'missing') return undefined;
    if (answer.kind === 'range') return new Uint8Array(0);
    throw new ObjectStoreError('get', 'refused', answer.kind);
  }

  async function remove(path: string, version: string | undefined, bypass = false): Promise<'removed' | 'refused'> {
    try {
      const answer = await call('remove', (send) =>
        send(new DeleteObjectCommand({ ...at(path, version), ...(bypass ? { BypassGovernanceRetention: true } : {}) })),
      );
      if (answer.ok || answer.kind === 'missing') return 'removed';
      return 'refused';
    } catch (error) {
      if (error instanceof ObjectStoreError && error.kind === 'refused') return 'refused';
      throw error;
    }
  }

  async function change(operation: string, command: PutObjectRetentionCommand | PutObjectLegalHoldCommand) {
    const answer = await call(operation, (send) => send(command));
    if (!answer.ok) throw new ObjectStoreError(operation, 'refused', answer.kind);
  }

  return Object.freeze({
    label: prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`,
    putIfAbsent,
    compareAndPut,
    head,
    getRange,
    get,
    remove,
    ...createListing({ call, bucket, prefix }),
    setLock: (path: string, version: string | undefined, lock: ObjectLock) =>
      change(
        'lock',
        new PutObjectRetentionCommand({
          ...at(path, version),
          Retention: { Mode: lock.mode, RetainUntilDate: new Date(lock.retainUntilMs) },
        }),
      ),
    setHold: (path: string, version: string | undefined, hold: boolean) =>
      change(
        'hold',
        new PutObjectLegalHoldCommand({ ...at(path, version), LegalHold: { Status: hold ? 'ON' : 'OFF' } }),
      ),
    async lockConfiguration() {
      const answer = await call('lock configuration', (send) =>
        send(new GetObjectLockConfigurationCommand({ Bucket: bucket })),
      );
      const configuration = answer.ok ? answer.value.ObjectLockConfiguration : undefined;
      return {
        enabled: configuration?.ObjectLockEnabled === 'Enabled',
        defaultRetention: configuration?.Rule?.DefaultRetention?.Mode !== undefined,
      };
    },
    close: () => client.destroy(),
  });
}

/** Signing would hash the whole body again, in one go. */
function signWith(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args as { readonly request: { readonly headers: Record<string, string> } };
      request.headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'knownPayloadHash' },
  );
}

function toHead(answer: HeadObjectCommandOutput): ObjectHead {
  const sha256 = Buffer.from(answer.ChecksumSHA256 ?? '', 'base64');
  const mode = answer.ObjectLockMode;
  const until = answer.ObjectLockRetainUntilDate?.getTime();
  return {
    version: answer.VersionId,
    bytes: answer.ContentLength ?? -1,
    etag: answer.ETag ?? '',
    sha256: sha256.length === 32 ? sha256.toString('hex') : undefined,
    lock:
      (mode === 'COMPLIANCE' || mode === 'GOVERNANCE') && until !== undefined
        ? { mode, retainUntilMs: until }
        : undefined,
    hold: answer.ObjectLockLegalHoldStatus === 'ON',
  };
}

/** Whole size of the object a range was read from. */
function sizeOf({ ContentRange }: GetObjectCommandOutput): number | undefined {
  const total = /\/(\d+)$/.exec(ContentRange ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
}

async function readBody(got: GetObjectCommandOutput, expected: number | undefined): Promise<Uint8Array> {
  const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array(0);
  if (expected !== undefined && bytes.byteLength !== expected)
    throw new ObjectStoreError('get', 'broken', 'WrongLength');
  return bytes;
}
