/** Who is behind a session or a decision, as proven by a token. Equality of persons is `issuer` + `subject`, never a name or mail address. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  /** For display: mail address, preferred name, or the subject. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Declared workload name, its instance, the person on whose behalf it runs, the task: verified claims, where mapped. */
  readonly agent: string | undefined;
  readonly instance: string | undefined;
  readonly delegator: string | undefined;
  readonly task: string | undefined;
  /** SHA-256 (hex) of the presented token: evidence without the token. */
  readonly tokenDigest: string;
}

/** True when both are the same subject of the same issuer. */
export function isSamePrincipal(
  a: Pick<Principal, 'issuer' | 'subject'>,
  b: Pick<Principal, 'issuer' | 'subject'>,
): boolean {
  return a.issuer === b.issuer && a.subject === b.subject;
}
