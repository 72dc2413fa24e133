import { Break } from '../read/break.js';
import { listRecording, type RecordingListing } from '../read/log-files.js';
import type { ScannedRecord } from '../read/scan.js';
import {
  openSessionLog,
  REGISTRY_PART,
  readPartFile,
  SESSION_LOG_FILES,
  type SessionLog,
} from '../read/session-log.js';
import type { RecordingSource } from '../read/source.js';
import { isTrustedPart, judgeRegistryPart, registeredKeys } from '../registry/judge-part.js';
import { Unreadable } from '../registry/read-registry.js';
import { openRegistryPart, type RegistryPart } from '../registry/registry-part.js';
import { createAnswerRules } from './answer-rules.js';
import type { Finding } from './finding.js';
import type { LogSummary } from './judge-log.js';
import { judgeSessionLog } from './judge-session-log.js';
import { createProtocolRules } from './protocol-rules.js';
import { createStrandRules } from './strand-rules.js';
import type { Trust } from './trust.js';
import { createTally, NO_TRUST, outcomeOf, type Verdict, type VerifyOptions } from './verify.js';
import { createWholeSession } from './whole-session.js';

/**
 * Verifies one session from a session bundle: docs/recording-format.md, "Session bundles". `source` is its `session` folder. What the
 * records say is judged by the rules for whole recordings. Rejects only when files cannot be read.
 */
export async function verifySession(
  source: RecordingSource,
  sessionId: string,
  given: Trust = NO_TRUST,
  { openKey, deep = false, more = [] }: VerifyOptions = {},
): Promise<Verdict> {
  const listing = await listRecording(source);
  const registry = await readRegistryPart(source, listing);
  const trust = trustWith(given, registry.part);
  const [rules, strands, whole, tally] = [
    createProtocolRules(),
    createStrandRules(),
    createWholeSession(),
    createTally(),
  ];
  const answers = deep ? createAnswerRules() : undefined;
  function add(record: ScannedRecord, log: string): void {
    rules.add(record, log);
    answers?.add(record, log);
    strands.add(record, log);
    tally.add(record.leaf);
    if (record.leaf.strand !== undefined) whole.add(record, log);
  }
  const findings: Finding[] = [...more, ...strangersIn(listing), ...registry.findings];
  const logs: SessionLog[] = [];
  const summaries: LogSummary[] = [];
  for (const files of listing.logs) {
    try {
      const log = await openSessionLog(files);
      const judged = await judgeSessionLog(log, { ...trust, sessionId, openKey, deep, add });
      findings.push(...judged.findings);
      summaries.push(judged.summary);
      logs.push(log);
    } catch (error) {
      if (!(error instanceof Break)) throw error;
      findings.push({ severity: 'tampered', code: error.code, message: error.message, log: files.ulid });
    }
  }
  if (listing.logs.length === 0)
    findings.push({ severity: 'tampered', code: 'bad-part', message: 'there is no record of a session here' });
  const isHere = (log: string): boolean => logs.some(({ ulid }) => ulid === log);
  findings.push(...rules.findings(), ...(answers?.findings() ?? []));
  findings.push(...(await strands.findings(isHere, async () => false)), ...whole.findings());
  findings.push(...(await judgeRegistryPart(registry.part, given, logs)));
  return {
    outcome: outcomeOf(findings),
    findings,
    counts: tally.counts(summaries),
    logs: summaries,
    session: sessionId,
  };
}

interface RegistryReading {
  readonly part: RegistryPart | undefined;
  readonly findings: readonly Finding[];
}

async function readRegistryPart(source: RecordingSource, { registry }: RecordingListing): Promise<RegistryReading> {
  if (registry.length === 0) return { part: undefined, findings: [] };
  try {
    return { part: await openRegistryPart(await readPartFile(source, REGISTRY_PART)), findings: [] };
  } catch (error) {
    if (!(error instanceof Unreadable || error instanceof Break)) throw error;
    return { part: undefined, findings: [{ severity: 'tampered', code: error.code, message: error.message }] };
  }
}

/** What vouches for writers' keys: the trust file, and what it says of the registry shown here. */
function trustWith(given: Trust, part: RegistryPart | undefined): { trust: Trust; identityKeys: readonly string[] } {
  if (isTrustedPart(part, given)) {
    const trust = { ...given, writers: [...given.writers, ...registeredKeys(part)] };
    return { trust, identityKeys: part.keys.map(({ vkey }) => vkey) };
  }
  return { trust: given, identityKeys: given.registry === undefined ? [] : [given.registry] };
}

/** Files that no session bundle has. */
function strangersIn({ logs, registry, strangers }: RecordingListing): readonly Finding[] {
  const own: ReadonlySet<string> = new Set(Object.values(SESSION_LOG_FILES));
  const names = [
    ...strangers,
    ...registry.map(({ path }) => path).filter((path) => path !== REGISTRY_PART),
    ...logs.flatMap(({ ulid, segments, strangers: others }) => [
      ...segments.map(({ segment }) => `${ulid}: segment ${segment}`),
      ...others.filter((name) => !own.has(name)).map((name) => `${ulid}/${name}`),
    ]),
  ];
  return names.map((name) => ({
    severity: 'cannot-conclude',
    code: 'unknown-file',
    message: `${JSON.stringify(name)} belongs to no session bundle`,
  }));
}
