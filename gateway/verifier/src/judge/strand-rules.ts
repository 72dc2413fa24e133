import type { EntryValue } from '../format/entry.js';
import type { ScannedRecord } from '../read/scan.js';
import type { Finding } from './finding.js';

/** A record's claim about a strand in another log, or at the end of a session in any. */
interface Claim {
  /** Of the record that makes it. */
  readonly log: string;
  readonly index: number;
  readonly sessionId: string;
  /** ULID of the log it is about. */
  readonly about: string;
  readonly number: number;
  readonly leafHash: string;
}

/** Checks what records say of their session's strands in other logs. */
export interface StrandRules {
  add(record: ScannedRecord, log: string): void;
  /**
   * After the last record of the last log. `isHere` says whether a log is in the set; `isGrowing`, whether it became longer
   * since it was listed.
   */
  findings(isHere: (log: string) => boolean, isGrowing: (log: string) => Promise<boolean>): Promise<readonly Finding[]>;
}

/** Creates the checks. Memory grows with the number of records that belong to sessions: a hash each. */
export function createStrandRules(): StrandRules {
  /** Leaf hashes by log, then session, in order. */
  const strands = new Map<string, Map<string, string[]>>();
  const claims: Claim[] = [];
  let unlinked = 0;
  return {
    add({ leaf, leafHash, index }, log) {
      const { strand, kind, fields } = leaf;
      if (strand === undefined) return;
      const { sessionId, number, links } = strand;
      let sessions = strands.get(log);
      if (sessions === undefined) {
        sessions = new Map();
        strands.set(log, sessions);
      }
      const hashes = sessions.get(sessionId);
      if (number === 0 || hashes === undefined) sessions.set(sessionId, [leafHash]);
      else hashes.push(leafHash);
      if (links === 'unknown') unlinked += 1;
      else if (links !== undefined)
        for (const link of links)
          claims.push({
            log,
            index,
            sessionId,
            about: ulidOf(link.origin),
            number: link.number,
            leafHash: link.leafHash,
          });
      if (kind === 'session.close')
        for (const [origin, count, head] of readStrands(fields['strands']))
          claims.push({ log, index, sessionId, about: ulidOf(origin), number: count - 1, leafHash: head });
    },
    async findings(isHere, isGrowing) {
      const findings: Finding[] = [];
      for (const claim of claims) {
        const finding = await checkClaim(claim, { strands, isHere, isGrowing });
        if (finding !== undefined) findings.push(finding);
      }
      if (unlinked > 0) {
        const message = `${unlinked} strands do not say how their sessions went on elsewhere: the gateways' common memory was empty`;
        findings.push({ severity: 'note', code: 'unlinked-strand', message });
      }
      return findings;
    },
  };
}

interface World {
  readonly strands: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  readonly isHere: (log: string) => boolean;
  readonly isGrowing: (log: string) => Promise<boolean>;
}

async function checkClaim(claim: Claim, { strands, isHere, isGrowing }: World): Promise<Finding | undefined> {
  const { log, index, sessionId, about, number, leafHash } = claim;
  const found = strands.get(about)?.get(sessionId)?.[number];
  if (found === leafHash) return undefined;
  const place = { log, index };
  if (found !== undefined) {
    const message = `record ${number} of this session in log ${about} is another than was known here`;
    return { severity: 'tampered', code: 'link-mismatch', message, ...place };
  }
  const message = `this session has at least ${number + 1} records in log ${about}, and not all of them are here`;
  const severity = isHere(about) && !(await isGrowing(about)) ? 'tampered' : 'cannot-conclude';
  return { severity, code: 'link-unresolved', message, ...place };
}

/** The log an origin speaks of. */
export function ulidOf(origin: string): string {
  return origin.slice(origin.lastIndexOf('/') + 1);
}

/** `strands` of `session.close`: list of [origin, count, leaf hash of the last]. */
export function readStrands(list: EntryValue | undefined): readonly (readonly [string, number, string])[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly EntryValue[]).flatMap((item) => {
    if (!Array.isArray(item)) return [];
    const [origin, count, head] = item as readonly EntryValue[];
    return typeof origin === 'string' && typeof count === 'number' && count > 0 && typeof head === 'string'
      ? [[origin, count, head] as const]
      : [];
  });
}
