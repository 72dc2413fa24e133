import type { EntryValue } from '../format/entry.js';

/** Whose approvals one rule asked for, and how many. */
export interface Quorum {
  readonly count: number;
  readonly groups: ReadonlySet<string>;
  /** `issuer#subject`, or a subject of whatever issuer. */
  readonly users: ReadonlySet<string>;
}

/** Reads `quorums` of an `approval.request`; undefined for anything but a list of demands that somebody can meet. */
export function quorumsIn(value: EntryValue | undefined): readonly Quorum[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const quorums = (value as readonly EntryValue[]).flatMap((item) => quorumIn(item) ?? []);
  return quorums.length === value.length ? quorums : undefined;
}

function quorumIn(value: EntryValue): Quorum | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { n, grp, usr } = value as Readonly<Record<string, EntryValue>>;
  const groups = textsIn(grp);
  const users = textsIn(usr);
  if (typeof n !== 'number' || n < 1 || groups === undefined || users === undefined) return undefined;
  return { count: n, groups, users };
}

/** The texts of a list; undefined where it is none, or holds anything else. */
export function textsIn(value: EntryValue | undefined): ReadonlySet<string> | undefined {
  if (!Array.isArray(value)) return undefined;
  const texts = (value as readonly EntryValue[]).filter((item) => typeof item === 'string');
  return texts.length === value.length ? new Set(texts) : undefined;
}

/** True where the rule names the person, or one of the groups they voted with. */
export function isNamed(
  { groups, users }: Quorum,
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
  own: ReadonlySet<string>,
): boolean {
  // The first '#' of an entry ends the issuer, so an entry without one is no other issuer's "issuer#subject".
  if (!subject.includes('#') && subject !== '' && users.has(subject)) return true;
  if (!issuer.includes('#') && users.has(`${issuer}#${subject}`)) return true;
  return [...own].some((group) => groups.has(group));
}
