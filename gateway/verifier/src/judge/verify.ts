import { segmentName } from '../format/segment-header.js';
import type { OpenKey } from '../read/body-opener.js';
import { openDirectory } from '../read/directory-source.js';
import { type LogFiles, listRecording } from '../read/log-files.js';
import { type ScanResult, scanLog } from '../read/scan.js';
import type { RecordingSource } from '../read/source.js';
import type { WriterFacts } from '../registry/judge-registry.js';
import { viewRegistry } from '../registry/registry-view.js';
import { ANSWER_BODIES, type AnswerRules, createAnswerRules } from './answer-rules.js';
import { type CertificateState, checkCertificate } from './certificate.js';
import type { Finding, Severity } from './finding.js';
import { judgeLog, type LogSummary } from './judge-log.js';
import { createModeRules, type LogMode } from './mode-rules.js';
import { createProtocolRules, type ProtocolRules } from './protocol-rules.js';
import { parseSeal, type Seal } from './seal.js';
import { CHECKED_BODIES } from './statement-facts.js';
import { checkStoredFiles } from './stored-files.js';
import { createStrandRules, type StrandRules } from './strand-rules.js';
import type { Trust } from './trust.js';

/** What the verifier concludes, and everything it counted. */
export interface Verdict {
  /** `sound`: every record up to `proven` of every log is as it was written, by a trusted key, and none is missing. */
  readonly outcome: 'sound' | 'tampered' | 'cannot-conclude';
  readonly findings: readonly Finding[];
  readonly counts: Counts;
  /** Oldest first. */
  readonly logs: readonly LogSummary[];
  /** The verdict is on this session alone, by a session bundle: it says nothing of others, nor of the logs as a whole. */
  readonly session?: string;
}

export interface Counts {
  readonly logs: number;
  readonly records: number;
  readonly bytes: number;
  readonly sessions: number;
  readonly requests: number;
  readonly responses: number;
  /** Wall-clock time of the first and last record as the writers claim; undefined without records. */
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
}

/** Nothing is known from elsewhere. */
export const NO_TRUST: Trust = { writers: [], checkpoints: [] };

export interface VerifyOptions {
  /** Opens session keys; without it the texts of encrypted bodies are not checked, and a note says so. */
  readonly openKey?: OpenKey | undefined;
  /** Compares what was delivered with the bodies, too, where they can be read: hashes them once more. */
  readonly deep?: boolean | undefined;
  /** Findings of others, that the verdict has to weigh: of the store, of the query history. */
  readonly more?: readonly Finding[];
  /** ULIDs of the only logs that can be expected here: the recording says itself that it is a part. */
  readonly scope?: ReadonlySet<string> | undefined;
}

/** Verifies one recording directory. See `verify`. */
export function verifyDirectory(directory: string, trust?: Trust): Promise<Verdict> {
  return verifyDirectories([directory], trust);
}

/** Verifies recording directories. See `verify`. */
export async function verifyDirectories(directories: readonly string[], trust?: Trust): Promise<Verdict> {
  return verify(directories.map(openDirectory), trust);
}

/**
 * Verifies recordings offline, from their bytes and the trust alone: docs/recording-format.md, "What is proven". Give every
 * recording of a deployment whose sessions move between gateways. Rejects only when files cannot be read.
 */
export async function verify(
  sources: readonly RecordingSource[],
  given: Trust = NO_TRUST,
  { openKey, deep = false, more = [], scope }: VerifyOptions = {},
): Promise<Verdict> {
  const findings: Finding[] = [...more];
  // One by one: a recording can be made to have more of them than a call takes arguments.
  const add = (found: readonly Finding[]): void => {
    for (const finding of found) findings.push(finding);
  };
  const registry = await viewRegistry(sources, given);
  const { trust, explanations } = registry;
  const facts: WriterFacts[] = [];
  const logs = await listLogs(sources, findings);
  const tally = createTally();
  const rules = createProtocolRules();
  const answers = deep ? createAnswerRules() : undefined;
  const strands = createStrandRules();
  const seals = new Map<string, Seal[]>();
  const summaries: LogSummary[] = [];
  // Newest first: a log's seals are known before the logs they are about.
  for (const files of logs.toReversed()) {
    const ownSeals = seals.get(files.ulid) ?? [];
    const { scan, found, certificate, mode, onlyOpening } = await scanOne(files, {
      trust,
      identityKeys: registry.identityKeys,
      ownSeals,
      sizes: registry.sizesOf(files.ulid),
      rules,
      answers,
      strands,
      tally,
      openKey,
    });
    const judged = judgeLog({ files, scan, trust, certificate, mode, seals: ownSeals });
    add(judged.findings);
    add(await checkStoredFiles(files, scan, explanations));
    facts.push(factsOf(files, scan, onlyOpening));
    summaries.unshift(judged.summary);
    if (judged.summary.trusted) for (const seal of found) remember(seals, seal);
  }
  const present = new Map(logs.map((files) => [files.ulid, files]));
  add(rules.findings());
  add(answers?.findings() ?? []);
  add(missingLogs(logs, trust, seals));
  add(
    await strands.findings(
      (log) => present.has(log),
      (log) => isGrowing(present.get(log)),
    ),
  );
  add(await registry.judge(facts, findings));
  if (logs.length === 0)
    findings.push({ severity: 'cannot-conclude', code: 'no-logs', message: 'there is no log here' });
  const weighed = scope === undefined ? findings : limitTo(scope, findings);
  return { outcome: outcomeOf(weighed), findings: weighed, counts: tally.counts(summaries), logs: summaries };
}

/** Of logs that the recording never claimed to hold, it cannot be said that they are missing. */
function limitTo(scope: ReadonlySet<string>, findings: readonly Finding[]): readonly Finding[] {
  const kept = findings.filter(({ code, log }) => code !== 'missing-log' || log === undefined || scope.has(log));
  const message = `this is a part of a recording: ${scope.size} logs, chosen by whoever made it`;
  return [...kept, { severity: 'note', code: 'partial', message }];
}

async function listLogs(sources: readonly RecordingSource[], findings: Finding[]): Promise<readonly LogFiles[]> {
  const logs = new Map<string, LogFiles>();
  for (const source of sources) {
    const listing = await listRecording(source);
    for (const files of listing.logs) {
      if (logs.has(files.ulid)) {
        findings.push({
          severity: 'cannot-conclude',
          code: 'duplicate-log',
          message: 'the same log stands in two places',
          log: files.ulid,
        });
      } else logs.set(files.ulid, files);
    }
    for (const name of listing.strangers) {
      findings.push({
        severity: 'note',
        code: 'not-a-log',
        message: `${JSON.stringify(name)} is no log and was not read`,
      });
    }
  }
  return [...logs.values()].sort((a, b) => (a.ulid < b.ulid ? -1 : 1));
}

/** True when the log is longer now than it was listed: it is being written while it is read. */
async function isGrowing(files: LogFiles | undefined): Promise<boolean> {
  if (files === undefined) return false;
  const sizes = new Map((await files.source.list()).map(({ path, size }) => [path, size]));
  const known = files.segments.flatMap(({ whole, records }) => whole ?? records ?? []);
  const next = `${files.ulid}/${segmentName(files.segments.length + 1)}`;
  return sizes.has(next) || known.some(({ path, size }) => (sizes.get(path) ?? size) > size);
}

function factsOf({ ulid }: LogFiles, scan: ScanResult, onlyOpening: boolean): WriterFacts {
  const { origin, vkey, size, closed, tail, roots } = scan;
  return { ulid, origin, vkey, size, closed, tornBytes: tail.bytes, onlyOpening, rootAt: (at) => roots.get(at) };
}

/** What a start writes before it is registered. */
const OPENING_KINDS: ReadonlySet<string> = new Set([
  'writer.open',
  'writer.sealed',
  'writer.close',
  'clock.jump',
  'mode.change',
]);

interface ScanContext {
  readonly trust: Trust;
  readonly identityKeys: readonly string[];
  /** Sizes the registry names roots of. */
  readonly sizes: readonly number[];
  readonly ownSeals: readonly Seal[];
  readonly rules: ProtocolRules;
  /** Undefined where answers are not compared. */
  readonly answers: AnswerRules | undefined;
  readonly strands: StrandRules;
  readonly tally: Tally;
  readonly openKey: OpenKey | undefined;
}

interface ScannedLog {
  readonly scan: ScanResult;
  readonly found: readonly Seal[];
  readonly certificate: CertificateState;
  readonly mode: LogMode;
  /** Nothing but what a start writes before it is registered. */
  readonly onlyOpening: boolean;
}

async function scanOne(files: LogFiles, context: ScanContext): Promise<ScannedLog> {
  const { trust, identityKeys, ownSeals, sizes, rules, answers, strands, tally, openKey } = context;
  const anchors = trust.checkpoints.filter(({ origin }) => ulidOf(origin) === files.ulid);
  const rootsAt = new Set([...[...anchors, ...ownSeals].map(({ size }) => size), ...sizes]);
  let onlyOpening = true;
  const keepBody = (name: string): boolean =>
    CHECKED_BODIES.has(name) || (answers !== undefined && ANSWER_BODIES.has(name));
  const groups = scanLog(files, { keepBody, rootsAt, openKey });
  const found: Seal[] = [];
  const modes = createModeRules();
  let certificate: CertificateState = 'none';
  for (;;) {
    const step = await groups.next();
    if (step.done) return { scan: step.value, found, certificate, mode: modes.result(files.ulid), onlyOpening };
    for (const record of step.value) {
      const { leaf, index } = record;
      rules.add(record, files.ulid);
      answers?.add(record, files.ulid);
      strands.add(record, files.ulid);
      modes.add(leaf, index);
      tally.add(leaf);
      onlyOpening &&= OPENING_KINDS.has(leaf.kind);
      if (leaf.kind === 'writer.open') certificate = await checkCertificate(leaf, identityKeys);
      const seal = leaf.kind === 'writer.sealed' ? parseSeal(leaf) : undefined;
      if (seal !== undefined) found.push(seal);
    }
  }
}

function ulidOf(origin: string): string {
  return origin.slice(origin.lastIndexOf('/') + 1);
}

function remember(seals: Map<string, Seal[]>, seal: Seal): void {
  const ulid = ulidOf(seal.origin);
  const known = seals.get(ulid);
  if (known === undefined) seals.set(ulid, [seal]);
  else known.push(seal);
}

/** Logs that a trusted key, a kept checkpoint or a later log speaks of, and that are not here. */
function missingLogs(
  logs: readonly LogFiles[],
  trust: Trust,
  seals: ReadonlyMap<string, readonly Seal[]>,
): readonly Finding[] {
  const present = new Set(logs.map(({ ulid }) => ulid));
  const proven = new Map<string, string>();
  const registryName = trust.registry?.slice(0, trust.registry.indexOf('+'));
  for (const { origin } of trust.checkpoints.filter((anchor) => anchor.origin !== registryName))
    proven.set(ulidOf(origin), 'a kept checkpoint covers this log, and it is missing');
  for (const [ulid, list] of seals) {
    if (list.some(({ size }) => size > 0)) proven.set(ulid, 'a later log found this one, and it is missing');
  }
  const findings: Finding[] = [];
  for (const [log, message] of proven) {
    if (!present.has(log)) findings.push({ severity: 'tampered', code: 'missing-log', message, log });
  }
  for (const vkey of trust.writers) {
    const log = ulidOf(vkey.slice(0, vkey.indexOf('+')));
    if (present.has(log) || proven.has(log)) continue;
    findings.push({
      severity: 'cannot-conclude',
      code: 'missing-log',
      message: 'the trust file names this writer, and its log is not here',
      log,
    });
  }
  return findings;
}

/** The worst of the findings. */
export function outcomeOf(findings: readonly Finding[]): Verdict['outcome'] {
  const has = (severity: Severity): boolean => findings.some((finding) => finding.severity === severity);
  if (has('tampered')) return 'tampered';
  return has('cannot-conclude') ? 'cannot-conclude' : 'sound';
}

/** Counts records for a verdict. */
export interface Tally {
  add(leaf: Parameters<typeof parseSeal>[0]): void;
  counts(logs: readonly LogSummary[]): Counts;
}

/** Starts at nothing. */
export function createTally(): Tally {
  const sessions = new Set<string>();
  let records = 0;
  let requests = 0;
  let responses = 0;
  let firstMs: number | undefined;
  let lastMs: number | undefined;
  return {
    add({ kind, strand, timeMs }) {
      records += 1;
      if (kind === 'request') requests += 1;
      if (kind === 'response') responses += 1;
      if (strand !== undefined) sessions.add(strand.sessionId);
      firstMs = Math.min(firstMs ?? timeMs, timeMs);
      lastMs = Math.max(lastMs ?? timeMs, timeMs);
    },
    counts(logs) {
      const bytes = logs.reduce((sum, log) => sum + log.bytes, 0);
      return { logs: logs.length, records, bytes, sessions: sessions.size, requests, responses, firstMs, lastMs };
    },
  };
}
