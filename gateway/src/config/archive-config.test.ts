import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import { type ConfigResult, type Environment, parseConfig } from './config.js';

const parse = (changes: Environment): ConfigResult =>
  parseConfig({
    PISTE_RESOURCES_DIR: tmpdir(),
    PISTE_SECRETS_DIR: tmpdir(),
    PISTE_RECORDING_DIR: tmpdir(),
    ...changes,
  });
const archiveOf = (changes: Environment) => {
  const result = parse(changes);
  if (!result.ok) throw new Error(result.complaints.join('; '));
  return result.config.archive;
};

test('without a URL there is no archive', () => {
  expect(archiveOf({})).toBeUndefined();
});

test('a URL is enough; locks are required unless somebody says otherwise', () => {
  expect(archiveOf({ PISTE_ARCHIVE_URL: 's3://records' })).toEqual({
    location: { bucket: 'records', prefix: '', endpoint: undefined, region: 'us-east-1', credentialsFile: undefined },
    worm: 'required',
    retention: { mode: 'GOVERNANCE', entriesDays: 2557, bodiesDays: 90 },
    spool: { maxLagSeconds: 900, maxBytes: 8_589_934_592 },
    shipEverySeconds: 5,
    keepLocal: false,
  });
});

test.each([
  ['s3://records/gateway/a', 'gateway/a'],
  ['s3://records/gateway/a/', 'gateway/a'],
  ['s3://records/', ''],
])('the prefix of %s is "%s"', (url, prefix) => {
  expect(archiveOf({ PISTE_ARCHIVE_URL: url })?.location).toMatchObject({ bucket: 'records', prefix });
});

const S3 = { PISTE_ARCHIVE_URL: 's3://records/a' };

test.each<[Environment, string]>([
  [{ PISTE_ARCHIVE_URL: 'https://records/a' }, 'PISTE_ARCHIVE_URL must be s3://bucket/prefix'],
  [{ PISTE_ARCHIVE_URL: 's3://UPPER/a' }, 'PISTE_ARCHIVE_URL must be s3://bucket/prefix'],
  [{ PISTE_ARCHIVE_URL: 's3://records/../b' }, 'PISTE_ARCHIVE_URL must be s3://bucket/prefix'],
  [{ PISTE_ARCHIVE_WORM: 'none' }, 'PISTE_ARCHIVE_WORM means nothing without PISTE_ARCHIVE_URL'],
  [
    { ...S3, PISTE_ARCHIVE_ENDPOINT: 'http://minio.storage:9000' },
    'PISTE_ARCHIVE_ENDPOINT must be https, as records would cross the network unprotected',
  ],
  [{ ...S3, PISTE_ARCHIVE_WORM: 'off' }, 'PISTE_ARCHIVE_WORM must be one of required, none'],
  [{ ...S3, PISTE_ARCHIVE_LOCK: 'strict' }, 'PISTE_ARCHIVE_LOCK must be one of governance, compliance'],
  [{ ...S3, PISTE_ARCHIVE_REGION: 'a b' }, 'PISTE_ARCHIVE_REGION is not a region'],
  [
    { ...S3, PISTE_ARCHIVE_ENTRIES_DAYS: '30' },
    'PISTE_ARCHIVE_BODIES_DAYS must not be more than PISTE_ARCHIVE_ENTRIES_DAYS',
  ],
  [
    { ...S3, PISTE_ARCHIVE_SHIP_SECONDS: '900' },
    'PISTE_ARCHIVE_MAX_LAG_SECONDS must be more than PISTE_ARCHIVE_SHIP_SECONDS',
  ],
  [
    { ...S3, PISTE_ARCHIVE_MAX_SPOOL_BYTES: '10' },
    'PISTE_ARCHIVE_MAX_SPOOL_BYTES must be a whole number from 1048576 to 999999999999',
  ],
  [{ ...S3, PISTE_ARCHIVE_CREDENTIALS_FILE: '/no/such' }, 'PISTE_ARCHIVE_CREDENTIALS_FILE: /no/such cannot be read'],
])('%o is refused', (changes, complaint) => {
  expect(parse(changes)).toEqual({ ok: false, complaints: [complaint] });
});

test.each<Environment>([
  { ...S3, PISTE_ARCHIVE_ENDPOINT: 'http://127.0.0.1:9000/' },
  { ...S3, PISTE_ARCHIVE_ENDPOINT: 'http://localhost:9000' },
  { ...S3, PISTE_ARCHIVE_ENDPOINT: 'https://minio.storage:9000' },
  { ...S3, PISTE_ARCHIVE_ENDPOINT: 'http://minio.storage:9000', PISTE_ALLOW_INSECURE_ARCHIVE: 'true' },
])('%o is taken', (changes) => {
  expect(archiveOf(changes)?.location.endpoint).toMatch(/[0-9]$/);
});
