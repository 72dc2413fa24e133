import { S3Client } from '@aws-sdk/client-s3';
import { fromIni } from '@aws-sdk/credential-provider-ini';

/** Where the archive is. */
export interface ArchiveLocation {
  readonly bucket: string;
  /** Without slashes at its ends; empty: the whole bucket. */
  readonly prefix: string;
  /** Base URL of the store; undefined: AWS itself. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** AWS shared credentials file, read again every few minutes; undefined: the SDK's default chain. */
  readonly credentialsFile: string | undefined;
}

const CONNECT_MS = 5_000;
const IDLE_MS = 15_000;
const REREAD_CREDENTIALS_MS = 10 * 60_000;

/** A client for the location. It sends nothing yet, logs nothing, and leaves trying again to `createS3Store`. */
export function createS3Client({ endpoint, region, credentialsFile }: ArchiveLocation): S3Client {
  return new S3Client({
    region,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: IDLE_MS, httpsAgent: { maxSockets: 32 } },
    // Stores other than AWS often know neither checksums in trailers nor names of buckets in host names.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(credentialsFile === undefined ? {} : { credentials: readCredentials(credentialsFile) }),
  });
}

/** A file can be replaced while the gateway runs, so what it said is not used for ever. */
function readCredentials(file: string) {
  const read = fromIni({ profile: 'default', filepath: file, configFilepath: '/dev/null', ignoreCache: true });
  return async () => {
    const credentials = await read();
    const latest = new Date(Date.now() + REREAD_CREDENTIALS_MS);
    const expiration = credentials.expiration;
    return { ...credentials, expiration: expiration !== undefined && expiration < latest ? expiration : latest };
  };
}
