import { HEADLINES, type OpenKey, openDirectory, type Verdict, verify } from '@piste/verifier';
import { readTrust } from './read-trust.js';

/** What the verifier says of the directories a command reads. */
export interface Proof {
  readonly outcome: Verdict['outcome'];
  /** Records that verify, in all logs. */
  readonly records: number;
  /** True where the verifier proved that this record is as it was written. */
  isProven(log: string, index: number): boolean;
}

export { HEADLINES };

/** Verifies directories against a trust file; undefined where none is given, since nothing could then be proven. */
export async function proveDirectories(
  directories: readonly string[],
  trustPath: string | undefined,
  openKey: OpenKey | undefined,
): Promise<Proof | undefined> {
  if (trustPath === undefined) return undefined;
  const { outcome, logs, counts } = await verify(directories.map(openDirectory), await readTrust(trustPath), {
    openKey,
  });
  const proven = new Map(logs.map((log) => [log.ulid, log.proven]));
  return { outcome, records: counts.records, isProven: (log, index) => index < (proven.get(log) ?? 0) };
}
