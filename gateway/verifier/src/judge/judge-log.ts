import type { LogFiles } from '../read/log-files.js';
import type { ScanResult } from '../read/scan.js';
import type { CertificateState } from './certificate.js';
import type { Finding, Severity } from './finding.js';
import type { LogMode } from './mode-rules.js';
import type { Seal } from './seal.js';
import type { Anchor, Trust } from './trust.js';

/** One log in the verdict. */
export interface LogSummary {
  readonly ulid: string;
  readonly origin: string | undefined;
  readonly vkey: string | undefined;
  /** The trust file names this log's key, or the deployment's identity certified it. */
  readonly trusted: boolean;
  /** `part`: only records of one session are here. */
  readonly state: 'closed' | 'open' | 'torn' | 'broken' | 'empty' | 'part';
  /** Records whose commit verifies. */
  readonly records: number;
  /** Records of which it is proven that none is missing or changed. */
  readonly proven: number;
  /** How recording waited as of the last record; undefined when the log never says. */
  readonly mode: string | undefined;
  /** Closed, and by its own word nothing was left out. */
  readonly complete: boolean;
  readonly tornBytes: number;
  readonly bytes: number;
  readonly commits: number;
}

export interface LogCase {
  readonly files: LogFiles;
  readonly scan: ScanResult;
  readonly trust: Trust;
  readonly certificate: CertificateState;
  readonly mode: LogMode;
  /** What later, trusted logs say of this one. */
  readonly seals: readonly Seal[];
}

/** Weighs one scanned log against what is known from outside it. */
export function judgeLog(log: LogCase): { readonly summary: LogSummary; readonly findings: readonly Finding[] } {
  const { files, scan, trust } = log;
  const anchor = trust.checkpoints.find(({ origin }) => origin === scan.origin || origin.endsWith(`/w/${files.ulid}`));
  const trusted = isTrustedWriter({ ulid: files.ulid, vkey: scan.vkey, certificate: log.certificate }, trust);
  const isSealedAsIs = log.seals.some((seal) => matchesEnd(seal, scan));
  const found = [
    ...files.strangers.map((name) =>
      finding('cannot-conclude', 'unknown-file', `${JSON.stringify(name)} belongs to no log`),
    ),
    ...checkProblem(scan, isSealedAsIs),
    ...checkKey(log, trusted, isSealedAsIs),
    ...checkCertified(log),
    ...(anchor === undefined ? [] : checkAnchor(anchor, scan)),
    ...log.seals.flatMap((seal) => checkSeal(seal, scan)),
    ...checkLength(scan, anchor),
  ];
  const summary: LogSummary = {
    ulid: files.ulid,
    origin: scan.origin,
    vkey: scan.vkey,
    trusted,
    state: stateOf(scan),
    records: scan.size,
    proven: trusted ? provenLength(scan, anchor, log.seals) : 0,
    mode: log.mode.mode,
    complete: scan.closed && log.mode.complete,
    tornBytes: scan.tail.bytes,
    bytes: scan.bytes,
    commits: scan.commits,
  };
  return { summary, findings: [...found.map((item) => ({ ...item, log: files.ulid })), ...log.mode.findings] };
}

function finding(severity: Severity, code: string, message: string): Finding {
  return { severity, code, message };
}

function matchesEnd(seal: Seal, scan: ScanResult): boolean {
  return seal.size === scan.size && seal.tornBytes === scan.tail.bytes && seal.tornDigest === scan.tail.digest;
}

/** What makes a log's key one that is believed: the trust file names it, or the deployment's identity certified it. */
export function isTrustedWriter(
  { ulid, vkey, certificate }: Pick<LogSummary, 'ulid' | 'vkey'> & Pick<LogCase, 'certificate'>,
  trust: Trust,
): boolean {
  const isNamed = vkey !== undefined && trust.writers.includes(vkey);
  return isNamed || (certificate === 'true' && !namesOtherKey(trust, ulid));
}

/** True where the trust file gives a key for this log. */
export function namesOtherKey(trust: Trust, ulid: string): boolean {
  return trust.writers.some((vkey) => vkey.slice(0, vkey.indexOf('+')).endsWith(`/w/${ulid}`));
}

/** A certificate that is not the identity's for this log and key. */
export function checkCertified({ certificate }: Pick<LogCase, 'certificate'>): readonly Finding[] {
  return certificate === 'false'
    ? [
        finding(
          'tampered',
          'bad-certificate',
          "the log's certificate is not one of the deployment's identity for this key",
        ),
      ]
    : [];
}

function checkProblem({ problem, tail, size }: ScanResult, isSealedAsIs: boolean): readonly Finding[] {
  if (problem === undefined) return [];
  const { severity, code, message, segment, offset } = problem;
  if (severity === 'tampered') return [{ severity, code, message, index: size, segment, offset }];
  const torn = `${tail.bytes} bytes after record ${size - 1} are no commit (${message})`;
  return isSealedAsIs
    ? [{ severity: 'note', code: 'torn-tail', message: `${torn}; the next start found the same`, segment, offset }]
    : [
        {
          severity: 'cannot-conclude',
          code: 'torn-tail',
          message: `${torn}: an interrupted write, one under way, or damage`,
          segment,
          offset,
        },
      ];
}

function checkKey({ files, scan, trust }: LogCase, trusted: boolean, isSealedAsIs: boolean): readonly Finding[] {
  if (trusted) return [];
  if (namesOtherKey(trust, files.ulid)) {
    // A key is published with a checkpoint, so after the first commit was durable.
    return scan.size > 0
      ? [finding('tampered', 'wrong-key', 'the log is not signed by the key the trust file gives for it')]
      : [finding('tampered', 'truncated', 'the trust file names this writer, and not even its first commit is here')];
  }
  if (scan.size > 0)
    return [
      finding('cannot-conclude', 'untrusted-writer', 'nothing outside the directory vouches for the key of this log'),
    ];
  return isSealedAsIs
    ? [finding('note', 'empty-log', 'the writer stopped before its first commit; the next start found the same')]
    : [finding('cannot-conclude', 'empty-log', 'the log holds no commit')];
}

function checkAnchor(anchor: Anchor, scan: ScanResult): readonly Finding[] {
  if (anchor.size > scan.size) {
    return [
      finding(
        'tampered',
        'truncated',
        `a kept checkpoint covers ${anchor.size} records, only ${scan.size} can be verified here`,
      ),
    ];
  }
  const isSame = anchor.origin === scan.origin && scan.roots.get(anchor.size)?.toString('base64') === anchor.root;
  return isSame
    ? []
    : [finding('tampered', 'checkpoint-mismatch', 'the log does not contain what a kept checkpoint covers')];
}

function checkSeal(seal: Seal, scan: ScanResult): readonly Finding[] {
  if (seal.size > scan.size) {
    return [
      finding(
        'tampered',
        'truncated',
        `the next start found ${seal.size} records, only ${scan.size} can be verified here`,
      ),
    ];
  }
  const isSame =
    seal.size === 0 ||
    (seal.vkey === scan.vkey && scan.roots.get(seal.size)?.toString('base64') === seal.root?.toString('base64'));
  if (!isSame) return [finding('tampered', 'seal-mismatch', 'the log is not the one the next start found')];
  if (seal.size < scan.size)
    return [finding('cannot-conclude', 'grew-after-seal', 'the log grew after a later writer had started beside it')];
  return matchesEnd(seal, scan)
    ? []
    : [finding('tampered', 'seal-mismatch', 'the bytes after the last commit are not those the next start found')];
}

/** A closed log ends where it says. Of an open one only something kept elsewhere can tell the length. */
function checkLength({ closed, size }: ScanResult, anchor: Anchor | undefined): readonly Finding[] {
  if (closed || size === 0 || (anchor !== undefined && anchor.size > size)) return [];
  if (anchor === undefined) {
    return [
      finding(
        'cannot-conclude',
        'open-log',
        `the log is not closed and no checkpoint is given: ${size} records stand, later ones may be cut off`,
      ),
    ];
  }
  const rest = size - anchor.size;
  const more = rest > 0 ? `; of the ${rest} after it each is signed, a cut among them would not show` : '';
  return [
    finding(
      'note',
      'open-log',
      `the log is not closed; a kept checkpoint proves its first ${anchor.size} of ${size} records${more}`,
    ),
  ];
}

function stateOf({ problem, closed, size }: ScanResult): LogSummary['state'] {
  if (problem?.severity === 'tampered') return 'broken';
  if (size === 0) return 'empty';
  if (problem !== undefined) return 'torn';
  return closed ? 'closed' : 'open';
}

function provenLength(scan: ScanResult, anchor: Anchor | undefined, seals: readonly Seal[]): number {
  if (scan.closed) return scan.size;
  const sealed = seals.map(({ size }) => size);
  return Math.min(scan.size, Math.max(0, anchor?.size ?? 0, ...sealed));
}
