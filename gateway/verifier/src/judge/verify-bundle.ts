import { encodeCanonical, parseCanonicalObject } from '../format/canonical-json.js';
import type { EntryValue } from '../format/entry.js';
import { platform } from '../platform/index.js';
import type { Bundle } from '../read/bundle-source.js';
import { openBundle, RECORDING_FOLDER, SESSION_FOLDER } from '../read/bundle-source.js';
import { listRecording } from '../read/log-files.js';
import { type LogRecord, readLog } from '../read/read-log.js';
import { encodeRecordLine } from '../read/record-line.js';
import { readSessionRecords } from '../read/session-log.js';
import { type RandomAccess, ZipError } from '../read/zip.js';
import type { Finding } from './finding.js';
import { checkTrust, type Trust } from './trust.js';
import { type Verdict, type VerifyOptions, verify } from './verify.js';
import { verifySession } from './verify-session.js';

/** Files of a bundle beside its recording. */
export const BUNDLE_FILES = Object.freeze({
  scope: 'bundle.json',
  sums: 'SHA256SUMS',
  trust: 'trust.json',
  records: 'records.jsonl',
  readme: 'README.txt',
  page: 'verify.html',
});

const KNOWN: ReadonlySet<string> = new Set(Object.values(BUNDLE_FILES));

/** What a bundle says it holds: `bundle.json`. */
export interface BundleScope {
  /** ULIDs of the logs in it. */
  readonly logs: readonly string[];
  /** It was made of a recording with more in it. */
  readonly partial: boolean;
  /** It holds the records of this session, and no whole logs. */
  readonly session?: string;
}

/** The bytes of `bundle.json`. */
export function encodeScope({ logs, partial, session }: BundleScope): string {
  return `${encodeCanonical({ logs, partial, v: 1, ...(session === undefined ? {} : { session }) })}\n`;
}

function parseScope(text: string): BundleScope | undefined {
  const object = parseCanonicalObject(Buffer.from(text.slice(0, -1), 'utf8'));
  const { v, logs, partial, session, ...rest } = object ?? {};
  if (v !== 1 || typeof partial !== 'boolean' || !Array.isArray(logs) || Object.keys(rest).length > 0) return undefined;
  if (session !== undefined && (typeof session !== 'string' || !partial)) return undefined;
  const names = (logs as readonly EntryValue[]).filter((log) => typeof log === 'string');
  const scope = { logs: names, partial, ...(session === undefined ? {} : { session }) };
  return encodeScope(scope) === text ? scope : undefined;
}

/** A bundle, measured by itself: what `verify` has to be told beside the recording in it. */
export interface BundleCheck {
  /** The bundle's own trust file. */
  readonly ownTrust: Trust | undefined;
  /** Only these logs can be expected; undefined for all that somebody speaks of. */
  readonly scope: ReadonlySet<string> | undefined;
  /** The session whose records it holds, in place of whole logs: for `verifySession`. */
  readonly session: string | undefined;
  readonly findings: readonly Finding[];
}

/** Measures a bundle's files: its sums, its scope, and that `records.jsonl` says what the recording says. */
export async function checkBundle(bundle: Bundle): Promise<BundleCheck> {
  const own = await readOwnTrust(bundle);
  const scope = await readScope(bundle);
  const session = scope?.session;
  const findings = [
    ...own.findings,
    ...(scope === undefined ? [damaged('bundle.json is missing, or does not say what the bundle holds')] : []),
    ...(await checkSums(bundle, session === undefined ? RECORDING_FOLDER : SESSION_FOLDER)),
    ...(await checkRecords(bundle, session)),
    ...(scope === undefined || session === undefined ? [] : await checkSessionLogs(bundle, scope)),
  ];
  return { ownTrust: own.trust, scope: scope?.partial === true ? new Set(scope.logs) : undefined, session, findings };
}

async function readScope(bundle: Bundle): Promise<BundleScope | undefined> {
  if (!hasFile(bundle, BUNDLE_FILES.scope)) return undefined;
  return parseScope((await bundle.readFile(BUNDLE_FILES.scope)).toString('utf8'));
}

/** The records in a bundle, log by log, oldest first: of its whole logs, or of its session. Ends where they stop making sense. */
export async function* readBundleRecords(bundle: Bundle): AsyncGenerator<LogRecord> {
  if ((await readScope(bundle))?.session === undefined) yield* readLog(bundle.recording);
  else yield* readSessionRecords(bundle.session);
}

async function checkSessionLogs(bundle: Bundle, { logs }: BundleScope): Promise<readonly Finding[]> {
  const here = (await listRecording(bundle.session)).logs.map(({ ulid }) => ulid);
  return encodeCanonical(here) === encodeCanonical(logs) ? [] : [damaged('bundle.json names other logs than are here')];
}

/** What `verify` says of a bundle whose trust file is its own. */
export const OWN_TRUST: Finding = Object.freeze({
  severity: 'cannot-conclude',
  code: 'own-trust',
  message:
    "the trust file is the bundle's own, chosen by whoever made it: compare its keys with ones you have from elsewhere, or give your own trust file",
});

/**
 * Verifies an evidence bundle: its recording like any other, and its other files by it. Without a trust of the caller's the bundle's
 * own is used, and the verdict is never sound: whoever made the bundle chose it.
 */
export async function verifyBundle(
  bundle: Bundle,
  trust: Trust | undefined,
  options: VerifyOptions = {},
): Promise<Verdict> {
  const { ownTrust, scope, session, findings } = await checkBundle(bundle);
  const isOwn = trust === undefined && ownTrust !== undefined;
  const more = [...(options.more ?? []), ...findings, ...(isOwn ? [OWN_TRUST] : [])];
  if (session !== undefined) return verifySession(bundle.session, session, trust ?? ownTrust, { ...options, more });
  return verify([bundle.recording], trust ?? ownTrust, { ...options, scope, more });
}

/** The bundle's own trust file, if it has one that can be used. */
export async function readOwnTrust(
  bundle: Bundle,
): Promise<{ readonly trust: Trust | undefined; readonly findings: readonly Finding[] }> {
  if (!hasFile(bundle, BUNDLE_FILES.trust)) return { trust: undefined, findings: [] };
  const result = await checkTrust((await bundle.readFile(BUNDLE_FILES.trust)).toString('utf8'));
  if (result.ok) return { trust: result.trust, findings: [] };
  return { trust: undefined, findings: [damaged(`the bundle's trust file cannot be used: ${result.complaint}`)] };
}

function hasFile({ files }: Bundle, path: string): boolean {
  return files.some((file) => file.path === path);
}

/** `SHA256SUMS` names every other file once, in order, with its digest; and no file is unknown. */
async function checkSums(bundle: Bundle, folder: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const lines: string[] = [];
  for (const { path } of bundle.files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const { sha256, isIntact } = await bundle.digest(path);
    if (!isIntact) findings.push(damaged(`${path} does not match its checksum in the archive`));
    if (path !== BUNDLE_FILES.sums) lines.push(`${sha256}  ${path}\n`);
    if (!KNOWN.has(path) && !path.startsWith(folder))
      findings.push({
        severity: 'cannot-conclude',
        code: 'unknown-file',
        message: `${JSON.stringify(path)} belongs to no bundle`,
      });
  }
  if (!hasFile(bundle, BUNDLE_FILES.sums)) return [...findings, damaged('the bundle has no SHA256SUMS')];
  const sums = (await bundle.readFile(BUNDLE_FILES.sums)).toString('utf8');
  if (sums !== lines.join('')) findings.push(damaged('SHA256SUMS does not say what the bundle holds'));
  return findings;
}

function damaged(message: string): Finding {
  return { severity: 'tampered', code: 'bundle-damaged', message };
}

/** `records.jsonl` is for people; it must be exactly what the recording gives. */
async function checkRecords(bundle: Bundle, session: string | undefined): Promise<readonly Finding[]> {
  if (!hasFile(bundle, BUNDLE_FILES.records)) return [];
  const hash = platform.createSha256();
  for await (const record of session === undefined ? readLog(bundle.recording) : readSessionRecords(bundle.session))
    hash.update(Buffer.from(encodeRecordLine(record), 'utf8'));
  const { sha256 } = await bundle.digest(BUNDLE_FILES.records);
  if (hash.digest().toString('hex') === sha256) return [];
  const message = 'records.jsonl does not say what the recording says';
  return [{ severity: 'tampered', code: 'records-mismatch', message }];
}

/** `verifyBundle` of a file. One that is no bundle, or has a byte nobody can account for, is tampered with: the finding says how. */
export async function verifyArchive(
  label: string,
  archive: RandomAccess,
  trust: Trust | undefined,
  options: VerifyOptions = {},
): Promise<Verdict> {
  try {
    return await verifyBundle(await openBundle(label, archive), trust, options);
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
    const finding: Finding = { severity: 'tampered', code: 'bad-bundle', message: error.message };
    return verify([], trust, { ...options, more: [...(options.more ?? []), finding] });
  }
}
