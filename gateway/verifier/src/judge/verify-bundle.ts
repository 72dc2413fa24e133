import { platform } from '../platform/index.js';
import type { Bundle } from '../read/bundle-source.js';
import { RECORDING_FOLDER } from '../read/bundle-source.js';
import { readLog } from '../read/read-log.js';
import { encodeRecordLine } from '../read/record-line.js';
import type { Finding } from './finding.js';
import { checkTrust, type Trust } from './trust.js';
import { type Verdict, type VerifyOptions, verify } from './verify.js';

/** Files of a bundle beside its recording. */
export const BUNDLE_FILES = Object.freeze({
  sums: 'SHA256SUMS',
  trust: 'trust.json',
  records: 'records.jsonl',
  readme: 'README.txt',
  page: 'verify.html',
});

const KNOWN: ReadonlySet<string> = new Set(Object.values(BUNDLE_FILES));

/**
 * Verifies an evidence bundle: its recording like any other, its sums, and that its `records.jsonl` says what the recording says.
 * Without a trust of the caller's the bundle's own is used, and the verdict is never sound: whoever made the bundle chose it.
 */
export async function verifyBundle(
  bundle: Bundle,
  trust: Trust | undefined,
  options: VerifyOptions = {},
): Promise<Verdict> {
  const own = trust === undefined ? await readOwnTrust(bundle) : undefined;
  const more = [
    ...(own?.findings ?? []),
    ...(await checkSums(bundle)),
    ...(await checkRecords(bundle)),
    ...(options.more ?? []),
  ];
  return verify([bundle.recording], trust ?? own?.trust, { ...options, more });
}

/** What a bundle says about whom to trust. */
export async function readOwnTrust(
  bundle: Bundle,
): Promise<{ readonly trust: Trust | undefined; readonly findings: readonly Finding[] }> {
  if (!hasFile(bundle, BUNDLE_FILES.trust)) return { trust: undefined, findings: [] };
  const result = await checkTrust((await bundle.readFile(BUNDLE_FILES.trust)).toString('utf8'));
  if (!result.ok) {
    const message = `the bundle's trust file cannot be used: ${result.complaint}`;
    return { trust: undefined, findings: [{ severity: 'tampered', code: 'bundle-damaged', message }] };
  }
  const message =
    "the trust file is the bundle's own, chosen by whoever made it: compare its keys with ones you have from elsewhere, or give your own trust file";
  return { trust: result.trust, findings: [{ severity: 'cannot-conclude', code: 'own-trust', message }] };
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
