import type { OptionHelp, Reader } from './reader.js';

/** Where the recording is archived and how. */
export interface ArchiveConfig {
  readonly location: {
    readonly bucket: string;
    /** Without slashes at its ends; empty: the whole bucket. */
    readonly prefix: string;
    readonly endpoint: string | undefined;
    readonly region: string;
    readonly credentialsFile: string | undefined;
  };
  /** `none`: a store without working locks is taken, too. */
  readonly worm: 'required' | 'none';
  readonly retention: {
    readonly mode: 'COMPLIANCE' | 'GOVERNANCE';
    readonly entriesDays: number;
    readonly bodiesDays: number;
  };
  readonly spool: { readonly maxLagSeconds: number; readonly maxBytes: number };
  readonly shipEverySeconds: number;
  readonly keepLocal: boolean;
}

export const ARCHIVE_OPTIONS: readonly OptionHelp[] = [
  {
    name: 'PISTE_ARCHIVE_URL',
    fallback: '(no archive)',
    help: 's3://bucket/prefix that the recording is shipped to, a bucket with Object Lock',
  },
  { name: 'PISTE_ARCHIVE_ENDPOINT', fallback: '(AWS)', help: 'https URL of another S3 server' },
  { name: 'PISTE_ARCHIVE_REGION', fallback: 'us-east-1', help: "the bucket's region" },
  {
    name: 'PISTE_ARCHIVE_CREDENTIALS_FILE',
    fallback: '(the SDK finds them)',
    help: 'AWS shared credentials file, profile default; read again when it changes',
  },
  {
    name: 'PISTE_ARCHIVE_WORM',
    fallback: 'required',
    help: 'required: refuse to start unless locks were seen to work; none: take any store, where records can be taken away',
  },
  {
    name: 'PISTE_ARCHIVE_LOCK',
    fallback: 'governance',
    help: 'governance, or compliance, which nobody can undo',
  },
  { name: 'PISTE_ARCHIVE_ENTRIES_DAYS', fallback: '2557', help: 'how long records are locked' },
  { name: 'PISTE_ARCHIVE_BODIES_DAYS', fallback: '90', help: 'how long SQL texts and delivered rows are locked' },
  { name: 'PISTE_ARCHIVE_SHIP_SECONDS', fallback: '5', help: 'how often what was recorded is shipped' },
  {
    name: 'PISTE_ARCHIVE_MAX_LAG_SECONDS',
    fallback: '900',
    help: 'refuse new statements when records have waited longer for the archive',
  },
  {
    name: 'PISTE_ARCHIVE_MAX_SPOOL_BYTES',
    fallback: '8589934592',
    help: 'refuse new statements when more bytes wait for the archive',
  },
  { name: 'PISTE_ARCHIVE_KEEP_LOCAL', fallback: 'false', help: 'keep what is archived on the local disk, too' },
  {
    name: 'PISTE_ALLOW_INSECURE_ARCHIVE',
    fallback: 'false',
    help: 'permit a plain http archive that is not on loopback',
  },
];

const ARCHIVE_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*)?\/?)?$/;
const REGION = /^[a-z0-9-]{1,40}$/;

/** Bucket and prefix of `s3://bucket/prefix`; undefined when it is none. */
export function parseArchiveUrl(url: string): { readonly bucket: string; readonly prefix: string } | undefined {
  const [, bucket, prefix = ''] = ARCHIVE_URL.exec(url) ?? [];
  if (bucket === undefined || prefix.split('/').some((part) => part === '.' || part === '..')) return undefined;
  return { bucket, prefix };
}

/** Undefined without `PISTE_ARCHIVE_URL`. */
export function readArchive(read: Reader, complaints: string[]): ArchiveConfig | undefined {
  const url = read.text('PISTE_ARCHIVE_URL');
  const allowInsecure = read.flag('PISTE_ALLOW_INSECURE_ARCHIVE');
  if (url === undefined) {
    for (const { name } of ARCHIVE_OPTIONS) {
      if (name.startsWith('PISTE_ARCHIVE_') && read.text(name) !== undefined)
        complaints.push(`${name} means nothing without PISTE_ARCHIVE_URL`);
    }
    return undefined;
  }
  const place = parseArchiveUrl(url);
  if (place === undefined) complaints.push('PISTE_ARCHIVE_URL must be s3://bucket/prefix');
  const endpoint = read.url('PISTE_ARCHIVE_ENDPOINT', ['https:', 'http:'])?.replace(/\/$/, '');
  if (endpoint !== undefined && !allowInsecure && isInsecure(endpoint))
    complaints.push('PISTE_ARCHIVE_ENDPOINT must be https, as records would cross the network unprotected');
  const region = read.text('PISTE_ARCHIVE_REGION') ?? 'us-east-1';
  if (!REGION.test(region)) complaints.push('PISTE_ARCHIVE_REGION is not a region');
  const mode = read.choice('PISTE_ARCHIVE_LOCK', ['governance', 'compliance'] as const, 'governance');
  const archive: ArchiveConfig = {
    location: {
      bucket: place?.bucket ?? '',
      prefix: place?.prefix ?? '',
      endpoint,
      region,
      credentialsFile: read.readableFile('PISTE_ARCHIVE_CREDENTIALS_FILE'),
    },
    worm: read.choice('PISTE_ARCHIVE_WORM', ['required', 'none'] as const, 'required'),
    retention: {
      mode: mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
      entriesDays: read.integer('PISTE_ARCHIVE_ENTRIES_DAYS', 2557, 1, 36_500),
      bodiesDays: read.integer('PISTE_ARCHIVE_BODIES_DAYS', 90, 1, 36_500),
    },
    spool: {
      maxLagSeconds: read.integer('PISTE_ARCHIVE_MAX_LAG_SECONDS', 900, 10, 604_800),
      maxBytes: read.integer('PISTE_ARCHIVE_MAX_SPOOL_BYTES', 8_589_934_592, 1_048_576, 999_999_999_999),
    },
    shipEverySeconds: read.integer('PISTE_ARCHIVE_SHIP_SECONDS', 5, 1, 3600),
    keepLocal: read.flag('PISTE_ARCHIVE_KEEP_LOCAL'),
  };
  if (archive.retention.bodiesDays > archive.retention.entriesDays)
    complaints.push('PISTE_ARCHIVE_BODIES_DAYS must not be more than PISTE_ARCHIVE_ENTRIES_DAYS');
  if (archive.shipEverySeconds >= archive.spool.maxLagSeconds)
    complaints.push('PISTE_ARCHIVE_MAX_LAG_SECONDS must be more than PISTE_ARCHIVE_SHIP_SECONDS');
  return archive;
}

function isInsecure(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
