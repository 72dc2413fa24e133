import type { Requester } from '../policy/index.js';
import { UsageError } from './io.js';

/** The requester that `--as` describes: `group:NAME`, `user:ISSUER#SUBJECT` or `user:SUBJECT`, `claim:NAME=VALUE`. */
export function readRequester(as: readonly string[]): Requester {
  const groups: string[] = [];
  const claims = new Map<string, string[]>();
  let user: string | undefined;
  for (const entry of as) {
    const colon = entry.indexOf(':');
    const [kind, text] = [entry.slice(0, colon), entry.slice(colon + 1)];
    if (colon === -1 || text === '')
      throw new UsageError(`--as ${entry}: write group:NAME, user:ISSUER#SUBJECT or claim:NAME=VALUE`);
    if (kind === 'group') groups.push(text);
    else if (kind === 'claim') addClaim(claims, text);
    else if (kind !== 'user') throw new UsageError(`--as ${entry}: ${kind} is not known; use group, user or claim`);
    else if (user !== undefined) throw new UsageError('--as user: may stand only once');
    else user = text;
  }
  return { ...readUser(user ?? ''), groups, claims: Object.fromEntries(claims) };
}

/** Issuer and subject; a text without `#` is a bare subject. */
export function readUser(user: string): { readonly issuer: string; readonly subject: string } {
  const hash = user.indexOf('#');
  return hash === -1 ? { issuer: '', subject: user } : { issuer: user.slice(0, hash), subject: user.slice(hash + 1) };
}

function addClaim(claims: Map<string, string[]>, text: string): void {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--as claim:${text}: write claim:NAME=VALUE`);
  const name = text.slice(0, equals);
  claims.set(name, [...(claims.get(name) ?? []), text.slice(equals + 1)]);
}

/** For people: `group analysts, user u1 of https://…`. */
export function describeRequester({ issuer, subject, groups, claims }: Requester): string {
  const parts = [
    ...(subject === '' ? [] : [issuer === '' ? `user ${subject}` : `user ${subject} of ${issuer}`]),
    ...groups.map((group) => `group ${group}`),
    ...Object.entries(claims ?? {}).map(([name, value]) => `claim ${name}=${[value].flat().join(',')}`),
  ];
  return parts.length === 0 ? 'nobody in particular' : parts.join(', ');
}
