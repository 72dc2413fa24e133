import { encodeCanonical, parseCanonicalObject } from '../format/canonical-json.js';
import type { EntryValue } from '../format/entry.js';
import { platform } from '../platform/index.js';
import type { Bundle } from '../read/bundle-source.js';
import { openBundle, RECORDING_FOLDER } from '../read/bundle-source.js';
import { readLog } from '../read/read-log.js';
import { encodeRecordLine } from '../read/record-line.js';
import { type RandomAccess, ZipError } from '../read/zip.js';
import type { Finding } from './finding.js';
import { checkTrust, type Trust } from './trust.js';
import { type Verdict, type VerifyOptions, verify } from './verify.js';

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
  /** It was made of a recording with more logs. */
  readonly partial: boolean;
}

/** The bytes of `bundle.json`. */
export function encodeScope({ logs, partial }: BundleScope): string {
  return `${encodeCanonical({ logs, partial, v: 1 })}\n`;
}

function parseScope(text: string): BundleScope | undefined {
  const object = parseCanonicalObject(Buffer.from(text.slice(0, -1), 'utf8'));
  const { v, logs, partial, ...rest } = object ?? {};
  if (v !== 1 || typeof partial !== 'boolean' || !Array.isArray(logs) || Object.keys(rest).length > 0) return undefined;
  const names = (logs as readonly EntryValue[]).filter((log) => typeof log === 'string');
  const scope = { logs: names, partial };
  return encodeScope(scope) === text ? scope : undefined;
}

/** A bundle, measured by itself: what `verify` has to be told beside the recording in it. */
export interface BundleCheck {
  /** The bundle's own trust file. */
  readonly ownTrust: Trust | undefined;
  /** Only these logs can be expected; undefined for all that somebody speaks of. */
  readonly scope: ReadonlySet<string> | undefined;
  readonly findings: readonly Finding[];
}

/** Measures a bundle's files: its sums, its scope, and that `records.jsonl` says what the recording says. */
export async function checkBundle(bundle: Bundle): Promise<BundleCheck> {
  const own = await readOwnTrust(bundle);
  const scope = hasFile(bundle, BUNDLE_FILES.scope)
    ? parseScope((await bundle.readFile(BUNDLE_FILES.scope)).toString('utf8'))
    : undefined;
  const findings = [
    ...own.findings,
    ...(scope === undefined ? [damaged('bundle.json is missing, or does not say what the bundle holds')] : []),
    ...(await checkSums(bundle)),
    ...(await checkRecords(bundle)),
  ];
  return { ownTrust: own.trust, scope: scope?.partial === true ? new Set(scope.logs) : undefined, findings };
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
  const { ownTrust, scope, findings } = await checkBundle(bundle);
  const isOwn = trust === undefined && ownTrust !== undefined;
  const more = [...(options.more ?? []), ...findings, ...(isOwn ? [OWN_TRUST] : [])];
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
async function checkSums(bundle: Bundle): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const lines: string[] = [];
  for (const { path } of bundle.files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const { sha256, isIntact } = await bundle.digest(path);
    if (!isIntact) findings.push(damaged(`${path} does not match its checksum in the archive`));
    if (path !== BUNDLE_FILES.sums) lines.push(`${sha256}  ${path}\n`);
    if (!KNOWN.has(path) && !path.startsWith(RECORDING_FOLDER))
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
async function checkRecords(bundle: Bundle): Promise<readonly Finding[]> {
  if (!hasFile(bundle, BUNDLE_FILES.records)) return [];
  const hash = platform.createSha256();
  for await (const record of readLog(bundle.recording)) hash.update(Buffer.from(encodeRecordLine(record), 'utf8'));
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
