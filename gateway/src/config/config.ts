import { readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';

import { parseRecipients, parseVkey, parseWitnessPolicy, RECORDING_MODES, type RecordingMode } from '@piste/verifier';

import { ARCHIVE_OPTIONS, type ArchiveConfig, readArchive } from './archive-config.js';
import { createReader, type Environment, type Listener, type OptionHelp, type Reader } from './reader.js';

export type { Environment, Listener, OptionHelp } from './reader.js';

/** Everything the gateway is told from outside, read once and frozen. */
export interface Config {
  /** Folder of SnowflakeConnection, MaskingPolicy and ApprovalRule YAML. */
  readonly resourcesDirectory: string;
  /** Folder of secrets: `<directory>/<secret name>/<key>`, the shape of a projected Kubernetes Secret. */
  readonly secretsDirectory: string;
  /** Folder of the append-only log. */
  readonly recordingDirectory: string;
  /** File that always holds the log's newest checkpoint; best kept on another volume. */
  readonly checkpointFile: string;
  /** How far effects wait for their records; connections may demand more. */
  readonly recordingMode: RecordingMode;
  /** With less free space on the volume of the log nothing new begins; 0: not looked at. */
  readonly recordingMinFreeBytes: number;
  /** age recipients that may read bodies of the log; none: bodies are not encrypted. */
  readonly recordingRecipients: readonly string[];
  /** Name of this deployment in log origins. */
  readonly deployment: string;
  /** Private key that signs the registry and certifies writers. */
  readonly identityKeyFile: string;
  /** The file was not named: it may be made. */
  readonly makeIdentityKey: boolean;
  /** Folder of the registry; all gateways of a deployment share one. Undefined: it lies in the archive. */
  readonly registryDirectory: string | undefined;
  /** How long the registry may be out of reach before nothing is recorded any more. */
  readonly registryMaxLagSeconds: number;
  /** Text of the witness policy; undefined: no witnesses. */
  readonly witnesses: string | undefined;
  /** Verifier keys of officers; two of them agree before a session is shredded. Undefined: what the registry says stands. */
  readonly officers: readonly string[] | undefined;
  /** Undefined: state in memory, one gateway only. */
  readonly redisUrl: string | undefined;
  /** 32 bytes that seal Snowflake tokens in the store; undefined only with state in memory. */
  readonly stateKey: Uint8Array | undefined;
  readonly driver: Listener;
  readonly console: Listener;
  readonly ops: Listener;
  /** Certificate of the driver and console listeners; undefined: plain http, behind something that ends TLS. */
  readonly tls: TlsFiles | undefined;
  /** How a driver reaches the gateway, for chunk URLs; undefined: the request's own Host header. */
  readonly driverUrl: string | undefined;
  readonly consoleUrl: string | undefined;
  /** OIDC client for people who approve; undefined: decision pages are off, the API stays. */
  readonly consoleLogin: ConsoleLogin | undefined;
  /** Permits `transport: InsecurePlaintext` towards Snowflake. For a stand-in on loopback, never for an account. */
  readonly allowInsecureUpstream: boolean;
  /** Permits issuers over plain http beyond loopback. */
  readonly allowInsecureIssuers: boolean;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly limits: Limits;
  /** Seconds between two comparisons with the query history; 0: only when asked. */
  readonly reconcileSeconds: number;
  /** Groups whose people may ask for one. */
  readonly auditorGroups: readonly string[];
  /** Undefined: the recording stays in its folder. */
  readonly archive: ArchiveConfig | undefined;
}

export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface ConsoleLogin {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface Limits {
  readonly maxBodyBytes: number;
  readonly maxChunkBytes: number;
  /** Parts of large results in memory at once. */
  readonly maxPartsBytes: number;
  /** Statements of one session that may be under way at once. */
  readonly maxStatementsPerSession: number;
  /** How long one answer is held before "still running". Below the 60 s socket timeout of the Python driver. */
  readonly holdSeconds: number;
  /** A statement whose driver stopped asking is withdrawn after this. */
  readonly abandonedAfterSeconds: number;
  readonly sessionTokenSeconds: number;
  readonly masterTokenSeconds: number;
  /** How long a finished statement can be asked for again. */
  readonly resultSeconds: number;
  readonly catalogSeconds: number;
}

export const OPTIONS: readonly OptionHelp[] = [
  {
    name: 'PISTE_RESOURCES_DIR',
    fallback: '(required)',
    help: 'folder of custom-resource YAML, reloaded when it changes',
  },
  { name: 'PISTE_SECRETS_DIR', fallback: '(required)', help: 'folder of secrets, <secret name>/<key>' },
  { name: 'PISTE_RECORDING_DIR', fallback: '(required)', help: 'folder of the append-only log' },
  {
    name: 'PISTE_RECORDING_MODE',
    fallback: 'strict',
    help: 'strict, strict-final, request-strict or observe: how far effects wait for their records',
  },
  {
    name: 'PISTE_RECORDING_MIN_FREE_BYTES',
    fallback: '536870912',
    help: 'refuse new statements when the volume of the log has less free space (0: only when it is full)',
  },
  {
    name: 'PISTE_CHECKPOINT_FILE',
    fallback: '<recording dir>/../checkpoint.json',
    help: "file for the log's newest checkpoint",
  },
  {
    name: 'PISTE_RECORDING_RECIPIENTS_FILE',
    fallback: '(bodies are not encrypted)',
    help: 'file of age recipients (age1…), one a line, who can read SQL and results in the log',
  },
  { name: 'PISTE_DEPLOYMENT', fallback: 'piste', help: 'name of this deployment in log origins' },
  {
    name: 'PISTE_IDENTITY_KEY_FILE',
    fallback: '<checkpoint file>/../identity.pem, made if missing',
    help: 'Ed25519 private key (PEM or note key) of the deployment, the same for all its gateways: signs the registry, certifies writers',
  },
  {
    name: 'PISTE_REGISTRY_DIR',
    fallback: '<recording dir>/registry, or the archive',
    help: 'folder of the registry; gateways with recording folders of their own share one',
  },
  {
    name: 'PISTE_REGISTRY_MAX_LAG_SECONDS',
    fallback: '300',
    help: 'how long the registry may be out of reach before nothing is recorded, so nothing runs',
  },
  {
    name: 'PISTE_WITNESSES_FILE',
    fallback: '(no witnesses)',
    help: 'C2SP witness policy: the keys and URLs of who cosigns the registry every minute, and how many are enough',
  },
  {
    name: 'PISTE_OFFICERS_FILE',
    fallback: '(what the registry says)',
    help: 'verifier keys of officers, one a line: two of them agree before `piste audit shred` destroys a session',
  },
  { name: 'PISTE_REDIS_URL', fallback: '(memory)', help: 'redis:// or rediss:// URL of the shared session state' },
  {
    name: 'PISTE_STATE_KEY_FILE',
    fallback: '(random with memory)',
    help: 'file with 32 bytes in base64 that seal Snowflake tokens in Redis',
  },
  { name: 'PISTE_DRIVER_ADDRESS', fallback: '127.0.0.1:8443', help: 'listener for drivers' },
  { name: 'PISTE_CONSOLE_ADDRESS', fallback: '127.0.0.1:8080', help: 'listener for approvers and the admin API' },
  { name: 'PISTE_OPS_ADDRESS', fallback: '127.0.0.1:9090', help: 'listener for health and metrics' },
  {
    name: 'PISTE_TLS_CERT_FILE',
    fallback: '(plain http)',
    help: 'certificate chain (PEM) of the driver and console listeners; read again when it changes',
  },
  {
    name: 'PISTE_TLS_KEY_FILE',
    fallback: '(required with a certificate)',
    help: 'private key (PEM) of the certificate',
  },
  { name: 'PISTE_DRIVER_URL', fallback: "(the request's Host)", help: 'origin drivers use, for result chunk URLs' },
  { name: 'PISTE_CONSOLE_URL', fallback: '(the console address)', help: 'origin approvers use, for login redirects' },
  { name: 'PISTE_CONSOLE_ISSUER', fallback: '(pages off)', help: 'OIDC issuer people log in with' },
  { name: 'PISTE_CONSOLE_CLIENT_ID', fallback: 'piste-console', help: 'OIDC client of the console' },
  {
    name: 'PISTE_CONSOLE_CLIENT_SECRET_FILE',
    fallback: '(required with an issuer)',
    help: 'file with the OIDC client secret',
  },
  {
    name: 'PISTE_ALLOW_INSECURE_UPSTREAM',
    fallback: 'false',
    help: 'permit plain http towards Snowflake: only for a stand-in',
  },
  {
    name: 'PISTE_ALLOW_INSECURE_ISSUERS',
    fallback: 'false',
    help: 'permit plain http issuers that are not on loopback',
  },
  { name: 'PISTE_LOG_LEVEL', fallback: 'info', help: 'debug, info, warn or error' },
  { name: 'PISTE_MAX_BODY_BYTES', fallback: '67108864', help: 'largest request body, inflated' },
  { name: 'PISTE_MAX_CHUNK_BYTES', fallback: '268435456', help: 'largest result chunk, inflated' },
  {
    name: 'PISTE_MAX_PARTS_BYTES',
    fallback: '268435456',
    help: 'parts of large results in memory at once, inflated; further ones wait',
  },
  { name: 'PISTE_MAX_STATEMENTS_PER_SESSION', fallback: '64', help: 'statements of one session under way at once' },
  { name: 'PISTE_HOLD_SECONDS', fallback: '40', help: 'longest wait of one answer (1 to 45)' },
  {
    name: 'PISTE_ABANDONED_AFTER_SECONDS',
    fallback: '300',
    help: 'withdraw a held statement whose driver stopped asking',
  },
  { name: 'PISTE_SESSION_TOKEN_SECONDS', fallback: '3600', help: 'life of a session token' },
  { name: 'PISTE_MASTER_TOKEN_SECONDS', fallback: '14400', help: 'life of a master token since its last renewal' },
  { name: 'PISTE_RESULT_SECONDS', fallback: '3600', help: 'how long a finished statement can be asked for again' },
  {
    name: 'PISTE_RECONCILE_SECONDS',
    fallback: '0',
    help: "how often each connection's query history is compared with the record (60 to 86400; 0: only when asked)",
  },
  {
    name: 'PISTE_AUDITOR_GROUPS',
    fallback: '(nobody)',
    help: 'groups whose people may have the query history compared, separated by commas',
  },
  { name: 'PISTE_CATALOG_SECONDS', fallback: '60', help: 'how long a description of a table is trusted' },
  ...ARCHIVE_OPTIONS,
];

/** The configuration, or every complaint at once. */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly complaints: readonly string[] };

const STATE_KEY_BYTES = 32;
const RECIPIENTS_FILE = 'PISTE_RECORDING_RECIPIENTS_FILE';

/** Reads and checks the environment and the files it names. Never throws. */
export function parseConfig(environment: Environment): ConfigResult {
  const complaints: string[] = [];
  const known = new Set(OPTIONS.map((option) => option.name));
  for (const name of Object.keys(environment)) {
    if (name.startsWith('PISTE_') && !known.has(name)) complaints.push(`${name} is not an option of the gateway`);
  }
  const read = createReader(environment, complaints);
  const recordingDirectory = read.path('PISTE_RECORDING_DIR');
  const redisUrl = read.url('PISTE_REDIS_URL', ['redis:', 'rediss:']);
  const stateKey = readStateKey(read, redisUrl, complaints);
  const checkpointFile = resolve(
    environment['PISTE_CHECKPOINT_FILE'] || join(recordingDirectory, '..', 'checkpoint.json'),
  );
  const identityKeyFile = read.readableFile('PISTE_IDENTITY_KEY_FILE');
  const config: Config = {
    resourcesDirectory: read.directory('PISTE_RESOURCES_DIR'),
    secretsDirectory: read.directory('PISTE_SECRETS_DIR'),
    recordingDirectory,
    checkpointFile,
    identityKeyFile: identityKeyFile ?? join(checkpointFile, '..', 'identity.pem'),
    makeIdentityKey: identityKeyFile === undefined,
    registryDirectory: readRegistryDirectory(read, recordingDirectory),
    registryMaxLagSeconds: read.integer('PISTE_REGISTRY_MAX_LAG_SECONDS', 300, 10, 86_400),
    witnesses: readWitnesses(read, complaints),
    officers: readOfficers(read, complaints),
    recordingRecipients: readRecipients(read, complaints),
    recordingMode: read.choice('PISTE_RECORDING_MODE', RECORDING_MODES, 'strict'),
    recordingMinFreeBytes: readMinFreeBytes(read, complaints),
    deployment: environment['PISTE_DEPLOYMENT'] || 'piste',
    redisUrl,
    stateKey,
    driver: read.address('PISTE_DRIVER_ADDRESS', '127.0.0.1:8443'),
    console: read.address('PISTE_CONSOLE_ADDRESS', '127.0.0.1:8080'),
    ops: read.address('PISTE_OPS_ADDRESS', '127.0.0.1:9090'),
    tls: readTls(read, complaints),
    driverUrl: read.url('PISTE_DRIVER_URL', ['http:', 'https:'])?.replace(/\/$/, ''),
    consoleUrl: read.url('PISTE_CONSOLE_URL', ['http:', 'https:'])?.replace(/\/$/, ''),
    consoleLogin: readConsoleLogin(read, environment, complaints),
    allowInsecureUpstream: read.flag('PISTE_ALLOW_INSECURE_UPSTREAM'),
    allowInsecureIssuers: read.flag('PISTE_ALLOW_INSECURE_ISSUERS'),
    logLevel: read.choice('PISTE_LOG_LEVEL', ['debug', 'info', 'warn', 'error'] as const, 'info'),
    limits: {
      maxBodyBytes: read.integer('PISTE_MAX_BODY_BYTES', 67_108_864, 1024, 67_108_864),
      maxChunkBytes: read.integer('PISTE_MAX_CHUNK_BYTES', 268_435_456, 1024, 536_870_912),
      maxPartsBytes: read.integer('PISTE_MAX_PARTS_BYTES', 268_435_456, 16_777_216, 999_999_999_999),
      maxStatementsPerSession: read.integer('PISTE_MAX_STATEMENTS_PER_SESSION', 64, 1, 10_000),
      holdSeconds: read.integer('PISTE_HOLD_SECONDS', 40, 1, 45),
      abandonedAfterSeconds: read.integer('PISTE_ABANDONED_AFTER_SECONDS', 300, 2, 86_400),
      sessionTokenSeconds: read.integer('PISTE_SESSION_TOKEN_SECONDS', 3600, 1, 86_400),
      masterTokenSeconds: read.integer('PISTE_MASTER_TOKEN_SECONDS', 14_400, 1, 604_800),
      resultSeconds: read.integer('PISTE_RESULT_SECONDS', 3600, 600, 86_400),
      catalogSeconds: read.integer('PISTE_CATALOG_SECONDS', 60, 0, 3600),
    },
    reconcileSeconds: readReconcileSeconds(read, complaints),
    auditorGroups: (read.text('PISTE_AUDITOR_GROUPS') ?? '')
      .split(',')
      .map((group) => group.trim())
      .filter((group) => group !== ''),
    archive: readArchive(read, complaints),
  };
  return complaints.length === 0 ? { ok: true, config: Object.freeze(config) } : { ok: false, complaints };
}

function readRecipients(read: Reader, complaints: string[]): readonly string[] {
  const text = read.file(RECIPIENTS_FILE);
  if (text === undefined) return [];
  const list = parseRecipients(text);
  if (list.ok) return list.keys.map((recipient) => recipient.text);
  complaints.push(...list.complaints.map((complaint) => `${RECIPIENTS_FILE}: ${complaint}`));
  return [];
}

function readRegistryDirectory(read: Reader, recordingDirectory: string): string | undefined {
  const given = read.text('PISTE_REGISTRY_DIR');
  if (given !== undefined) return resolve(given);
  return read.text('PISTE_ARCHIVE_URL') === undefined ? join(recordingDirectory, 'registry') : undefined;
}

/** Every run logs in to Snowflake and reads the recording: not more often than once a minute. */
/** Below that there would be no room for what is still written when nothing new begins. */
const LEAST_FREE_BYTES = 16_777_216;

function readMinFreeBytes(read: Reader, complaints: string[]): number {
  const bytes = read.integer('PISTE_RECORDING_MIN_FREE_BYTES', 536_870_912, 0, 999_999_999_999);
  if (bytes > 0 && bytes < LEAST_FREE_BYTES)
    complaints.push(`PISTE_RECORDING_MIN_FREE_BYTES must be 0, or at least ${LEAST_FREE_BYTES}`);
  return bytes;
}

function readReconcileSeconds(read: Reader, complaints: string[]): number {
  const seconds = read.integer('PISTE_RECONCILE_SECONDS', 0, 0, 86_400);
  if (seconds > 0 && seconds < 60) complaints.push('PISTE_RECONCILE_SECONDS must be 0, or 60 to 86400');
  return seconds;
}

function readStateKey(read: Reader, redisUrl: string | undefined, complaints: string[]): Uint8Array | undefined {
  const text = read.file('PISTE_STATE_KEY_FILE');
  if (text === undefined) {
    if (redisUrl !== undefined) complaints.push('PISTE_STATE_KEY_FILE is required with PISTE_REDIS_URL');
    return undefined;
  }
  const key = Buffer.from(text, 'base64');
  if (key.length !== STATE_KEY_BYTES) complaints.push('PISTE_STATE_KEY_FILE must hold 32 bytes in base64');
  return key;
}

function readOfficers(read: Reader, complaints: string[]): readonly string[] | undefined {
  const lines = read
    .file('PISTE_OFFICERS_FILE')
    ?.split('\n')
    .map((line) => line.trim());
  const vkeys = lines?.filter((line) => line !== '' && !line.startsWith('#'));
  if (vkeys?.some((vkey) => parseVkey(vkey) === undefined) === true)
    complaints.push('PISTE_OFFICERS_FILE must hold Ed25519 verifier keys, one a line');
  return vkeys;
}

function readWitnesses(read: Reader, complaints: string[]): string | undefined {
  const text = read.file('PISTE_WITNESSES_FILE');
  if (text === undefined) return undefined;
  const policy = parseWitnessPolicy(`${text}\n`);
  if (!policy.ok) complaints.push(`PISTE_WITNESSES_FILE: ${policy.complaint}`);
  else if (policy.policy.witnesses.some(({ url }) => url !== undefined && !URL.canParse(url)))
    complaints.push('PISTE_WITNESSES_FILE: the third word of a witness line must be its URL');
  return `${text}\n`;
}

function readTls(read: Reader, complaints: string[]): TlsFiles | undefined {
  const certificateFile = read.readableFile('PISTE_TLS_CERT_FILE');
  const keyFile = read.readableFile('PISTE_TLS_KEY_FILE');
  if (certificateFile === undefined && keyFile === undefined) return undefined;
  if (certificateFile === undefined || keyFile === undefined) {
    complaints.push('PISTE_TLS_CERT_FILE and PISTE_TLS_KEY_FILE belong together');
    return undefined;
  }
  return { certificateFile, keyFile };
}

function readConsoleLogin(read: Reader, environment: Environment, complaints: string[]): ConsoleLogin | undefined {
  const issuer = read.url('PISTE_CONSOLE_ISSUER', ['https:', 'http:']);
  const clientSecret = read.file('PISTE_CONSOLE_CLIENT_SECRET_FILE');
  if (issuer === undefined) return undefined;
  if (!clientSecret) complaints.push('PISTE_CONSOLE_CLIENT_SECRET_FILE is required with PISTE_CONSOLE_ISSUER');
  return {
    issuer,
    clientId: environment['PISTE_CONSOLE_CLIENT_ID'] || 'piste-console',
    clientSecret: clientSecret ?? '',
  };
}

const SECRET_PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;

/**
 * Reads one key of one secret from the secrets folder. Undefined when there is no such file or the name could leave the
 * folder.
 */
export async function readSecretFile(directory: string, name: string, key: string): Promise<Uint8Array | undefined> {
  if (!isAbsolute(directory) || !SECRET_PART.test(name) || !SECRET_PART.test(key)) return undefined;
  try {
    return await readFile(join(directory, name, key));
  } catch {
    return undefined;
  }
}
