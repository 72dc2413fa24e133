import { sha256 } from '../format/merkle.js';
import type { OpenKey } from '../read/body-opener.js';
import { Break } from '../read/break.js';
import type { ScannedRecord } from '../read/scan.js';
import { isLogWord } from '../read/session-cut.js';
import { readSessionLog, type SessionLog, type SessionLogEnd } from '../read/session-log.js';
import { notCompared } from '../registry/judge-part.js';
import { ANSWER_BODIES } from './answer-rules.js';
import { type CertificateState, checkCertificate } from './certificate.js';
import type { Finding } from './finding.js';
import { checkCertified, isTrustedWriter, type LogSummary, namesOtherKey } from './judge-log.js';
import { createModeRules, type LogMode } from './mode-rules.js';
import { CHECKED_BODIES } from './statement-facts.js';
import { ulidOf } from './strand-rules.js';
import type { Trust } from './trust.js';

export interface SessionLogContext {
  readonly trust: Trust;
  readonly identityKeys: readonly string[];
  readonly sessionId: string;
  readonly openKey: OpenKey | undefined;
  /** Bodies that answers are compared by are read too. */
  readonly deep: boolean;
  /** Takes each record, in order. */
  readonly add: (record: ScannedRecord, log: string) => void;
}

/** Reads a proven log's records of the session and weighs them by the trust. Throws `Break` for a record that no writer makes. */
export async function judgeSessionLog(
  log: SessionLog,
  context: SessionLogContext,
): Promise<{ readonly summary: LogSummary; readonly findings: readonly Finding[] }> {
  const { trust, identityKeys, sessionId, openKey, deep, add } = context;
  const keepBody = (name: string): boolean => CHECKED_BODIES.has(name) || (deep && ANSWER_BODIES.has(name));
  const records = readSessionLog(log, { keepBody, openKey });
  const modes = createModeRules();
  let certificate: CertificateState = 'none';
  let shown = 0;
  for (;;) {
    const step = await records.next();
    if (step.done) {
      if (shown === 0) throw new Break('stray-record', 'the log holds no record of the session', 0);
      const mode = modes.result(log.ulid);
      const trusted = isTrustedWriter({ ...log, certificate }, trust);
      const findings = [
        ...checkKey(log, trust, trusted),
        ...checkCertified({ certificate }),
        ...trust.checkpoints.flatMap((anchor) => (ulidOf(anchor.origin) === log.ulid ? compareKept(log, anchor) : [])),
        ...(await checkFiles(log, step.value)),
      ];
      return {
        summary: summarise(log, { trusted, mode }),
        findings: [...findings.map((finding) => ({ ...finding, log: log.ulid })), ...mode.findings],
      };
    }
    const { leaf, index } = step.value;
    const isOfSession = leaf.strand?.sessionId === sessionId;
    if (!isOfSession && !isLogWord(leaf)) throw new Break('stray-record', `record ${index} is not of the session`, 0);
    if (isOfSession) shown += 1;
    modes.add(leaf, index);
    if (leaf.kind === 'writer.open') certificate = await checkCertificate(leaf, identityKeys);
    add(step.value, log.ulid);
  }
}

function summarise(log: SessionLog, { trusted, mode }: { trusted: boolean; mode: LogMode }): LogSummary {
  const { ulid, origin, vkey, bytes, places } = log;
  return {
    ulid,
    origin,
    vkey,
    trusted,
    state: 'part',
    records: places.length,
    proven: trusted ? places.length : 0,
    mode: mode.mode,
    complete: false,
    tornBytes: 0,
    bytes,
    commits: 1,
  };
}

function checkKey({ ulid }: SessionLog, trust: Trust, trusted: boolean): readonly Finding[] {
  if (trusted) return [];
  return namesOtherKey(trust, ulid)
    ? [
        {
          severity: 'tampered',
          code: 'wrong-key',
          message: 'the log is not signed by the key the trust file gives for it',
        },
      ]
    : [
        {
          severity: 'cannot-conclude',
          code: 'untrusted-writer',
          message: 'nothing outside the bundle vouches for the key of this log',
        },
      ];
}

/** A checkpoint somebody kept of the log. */
function compareKept(log: SessionLog, { origin, size, root }: Trust['checkpoints'][number]): readonly Finding[] {
  const here = log.rootAt(size)?.toString('base64');
  if (here === root && origin === log.origin) return [];
  if (here === undefined && origin === log.origin) return [notCompared(`a kept checkpoint of ${size} records`)];
  return [
    {
      severity: 'tampered',
      code: 'checkpoint-mismatch',
      message: 'the log does not contain what a kept checkpoint covers',
    },
  ];
}

/** Bodies and session keys that are here, or are not. */
async function checkFiles({ files }: SessionLog, { keys, bodiesMissing }: SessionLogEnd): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  if (bodiesMissing > 0)
    findings.push({
      severity: 'cannot-conclude',
      code: 'bodies-missing',
      message: `the bodies of ${bodiesMissing} records are not here, and a session bundle cannot say why`,
    });
  for (const [number, file] of files.keys) {
    const key = keys[number];
    if (key === undefined) {
      const message = `no record here speaks of session key ${number}`;
      findings.push({ severity: 'cannot-conclude', code: 'unknown-key', message });
    } else if (sha256(await files.source.read(file.path, 0, file.size)).toString('hex') !== key.wrapped) {
      const message = `the file of session key ${number} is not the one that was recorded`;
      findings.push({ severity: 'tampered', code: 'key-mismatch', message, index: key.index });
    }
  }
  // Numbers of other sessions' keys are empty places, as many as somebody likes.
  const left = Object.keys(keys).filter((number) => !files.keys.has(Number(number)));
  if (left.length > 0)
    findings.push({
      severity: 'note',
      code: 'key-missing',
      message: `${left.length} session keys are not in the bundle: texts encrypted with them cannot be opened from it`,
    });
  return findings;
}
