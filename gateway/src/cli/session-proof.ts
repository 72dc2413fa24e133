import type { Palette } from './colour.js';
import { isDamaged } from './damage.js';
import { plural } from './plain-text.js';
import { HEADLINES, type Proof } from './proof.js';
import type { FoundSession } from './session-records.js';

/** What was read of a session, for the line that says how whole and how proven it is. */
export interface SessionTally {
  readonly session: FoundSession;
  /** Records shown. */
  readonly shown: number;
  /** Records read. */
  readonly read: number;
  /** Of those read, the ones the verifier proved. */
  readonly proven: number;
  readonly proof: Proof | undefined;
}

/** True where something is known to be missing, damaged or not as it was written. */
export function isDoubtful({ session, read, proof }: SessionTally): boolean {
  const broken = isDamaged(session.damages);
  return broken || read < (session.claimed ?? 0) || proof?.outcome === 'tampered';
}

/** How much of the session this was, and who vouches for it. */
export function describeTally(tally: SessionTally, verb: string, palette: Palette): readonly string[] {
  const { session, shown, read } = tally;
  const all = Math.max(read, session.claimed ?? 0);
  const missing = all - read;
  return [
    `${shown} of ${plural(all, 'record')} ${verb} · ${describeProof(tally, palette)}`,
    ...(missing > 0
      ? [palette.bad(`WARNING: the session's last record counts ${all}; ${missing} of them are not here`)]
      : []),
  ];
}

function describeProof({ proof, read, proven }: SessionTally, palette: Palette): string {
  if (proof === undefined)
    return palette.wait(
      'not verified: each is signed by its own log, nothing here vouches for the keys (--trust FILE)',
    );
  if (proof.outcome === 'tampered') return palette.bad(`NOT VERIFIED: audit verify says ${HEADLINES.tampered}`);
  if (proof.outcome === 'sound' && proven === read) return palette.good('verified: audit verify says OK');
  return palette.wait(`${proven} of them proven: audit verify says ${HEADLINES[proof.outcome]}`);
}
