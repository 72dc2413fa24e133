import { type CosignatureVerifier, cosignedAt, parseCosignatureVkey } from './cosignature.js';
import type { Note } from './note.js';
import { type NoteVerifier, parseVkey } from './signed-note.js';

const MAX_POLICY_BYTES = 1024 * 1024;
const KEYWORD_NONE = 'none';

export interface PolicyLog {
  readonly vkey: string;
  readonly verifier: NoteVerifier;
  readonly url: string | undefined;
}

export interface PolicyWitness {
  /** As groups call it. */
  readonly name: string;
  readonly vkey: string;
  readonly verifier: CosignatureVerifier;
  readonly url: string | undefined;
}

interface Group {
  readonly threshold: number;
  readonly members: readonly string[];
}

/** A witness policy (c2sp.org/tlog-policy). */
export interface WitnessPolicy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  /** True when the witnesses named here, by their names in the policy, are enough. */
  isQuorum(names: ReadonlySet<string>): boolean;
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: WitnessPolicy }
  | { readonly ok: false; readonly complaint: string };

interface Draft {
  readonly logs: PolicyLog[];
  readonly witnesses: PolicyWitness[];
  readonly groups: Map<string, Group>;
  /** Names used as a member so far: each may be used once. */
  readonly used: Set<string>;
  quorum: string | undefined;
}

/** Parses a policy file. Witness keys are Ed25519 cosignature keys (type 0x04), log keys Ed25519 note keys. */
export function parseWitnessPolicy(text: string): PolicyResult {
  if (text.length > MAX_POLICY_BYTES) return { ok: false, complaint: 'the policy is too long' };
  const draft: Draft = { logs: [], witnesses: [], groups: new Map(), used: new Set(), quorum: undefined };
  for (const [number, line] of text.split('\n').entries()) {
    const complaint = readLine(line, draft);
    if (complaint !== undefined) return { ok: false, complaint: `line ${number + 1}: ${complaint}` };
  }
  if (draft.quorum === undefined) return { ok: false, complaint: 'there is no quorum line' };
  return { ok: true, policy: toPolicy(draft, draft.quorum) };
}

function readLine(line: string, draft: Draft): string | undefined {
  if (hasControlCharacter(line)) return 'a control character';
  const words = line.split(/[ \t]+/).filter((word) => word !== '');
  const [keyword, ...rest] = words;
  if (keyword === undefined || keyword.startsWith('#')) return undefined;
  switch (keyword) {
    case 'log':
      return readLog(rest, draft);
    case 'witness':
      return readWitness(rest, draft);
    case 'group':
      return readGroup(rest, draft);
    case 'quorum':
      return readQuorum(rest, draft);
    default:
      return `unknown keyword ${JSON.stringify(keyword)}`;
  }
}

/** A line break has split the text before; a tab is white space. */
function hasControlCharacter(line: string): boolean {
  return [...Buffer.from(line, 'utf8')].some((byte) => (byte < 0x20 && byte !== 0x09) || byte === 0x7f);
}

function readLog(words: readonly string[], { logs }: Draft): string | undefined {
  const [vkey, url] = words;
  if (vkey === undefined || words.length > 2) return 'log takes a vkey and perhaps a URL';
  const verifier = parseVkey(vkey);
  if (verifier === undefined) return 'no Ed25519 verifier key';
  if (logs.some((log) => keyTextOf(log.vkey) === keyTextOf(vkey))) return 'the same log key twice';
  logs.push({ vkey, verifier, url });
  return undefined;
}

/** Type and key of a vkey, in base64, which may hold plus signs itself. */
function keyTextOf(vkey: string): string {
  return vkey.split('+').slice(2).join('+');
}

function readWitness(words: readonly string[], draft: Draft): string | undefined {
  const [name, vkey, url] = words;
  if (name === undefined || vkey === undefined || words.length > 3)
    return 'witness takes a name, a vkey and perhaps a URL';
  const complaint = checkNewName(name, draft);
  if (complaint !== undefined) return complaint;
  const verifier = parseCosignatureVkey(vkey);
  if (verifier === undefined) return 'no Ed25519 cosignature key (type 04)';
  if (draft.witnesses.some((witness) => witness.verifier.publicHex === verifier.publicHex))
    return 'the same witness key twice';
  draft.witnesses.push({ name, vkey, verifier, url });
  return undefined;
}

function checkNewName(name: string, draft: Draft): string | undefined {
  if (name === KEYWORD_NONE) return 'the name none is taken';
  return isKnown(name, draft) ? `the name ${JSON.stringify(name)} is used twice` : undefined;
}

function isKnown(name: string, { witnesses, groups }: Draft): boolean {
  return groups.has(name) || witnesses.some((witness) => witness.name === name);
}

function readGroup(words: readonly string[], draft: Draft): string | undefined {
  const [name, threshold, ...members] = words;
  if (name === undefined || threshold === undefined || members.length === 0)
    return 'group takes a name, a threshold and members';
  const complaint = checkNewName(name, draft);
  if (complaint !== undefined) return complaint;
  for (const member of members) {
    if (!isKnown(member, draft)) return `${JSON.stringify(member)} is not defined before`;
    if (draft.used.has(member)) return `${JSON.stringify(member)} is a member twice`;
    draft.used.add(member);
  }
  const needed = readThreshold(threshold, members.length);
  if (needed === undefined) return 'a threshold is any, all, or a number from 1 to the number of members';
  draft.groups.set(name, { threshold: needed, members });
  return undefined;
}

function readThreshold(word: string, members: number): number | undefined {
  if (word === 'any') return 1;
  if (word === 'all') return members;
  const number = /^[1-9][0-9]{0,8}$/.test(word) ? Number(word) : 0;
  return number >= 1 && number <= members ? number : undefined;
}

function readQuorum(words: readonly string[], draft: Draft): string | undefined {
  const [name] = words;
  if (name === undefined || words.length !== 1) return 'quorum takes one name';
  if (draft.quorum !== undefined) return 'a second quorum line';
  if (name !== KEYWORD_NONE && !isKnown(name, draft)) return `${JSON.stringify(name)} is not defined before`;
  draft.quorum = name;
  return undefined;
}

function toPolicy({ logs, witnesses, groups }: Draft, quorum: string): WitnessPolicy {
  const isMet = (name: string, names: ReadonlySet<string>): boolean => {
    const group = groups.get(name);
    if (group === undefined) return names.has(name);
    return group.members.filter((member) => isMet(member, names)).length >= group.threshold;
  };
  return Object.freeze({
    logs,
    witnesses,
    isQuorum: (names: ReadonlySet<string>) => quorum === KEYWORD_NONE || isMet(quorum, names),
  });
}

/** Who cosigned a note, and whether that is enough. */
export interface QuorumResult {
  readonly isMet: boolean;
  /** Seconds since 1970 by the witnesses' names in the policy. */
  readonly cosignedAt: ReadonlyMap<string, number>;
}

/** Counts the valid cosignatures of a note. */
export async function evaluateQuorum(policy: WitnessPolicy, note: Note): Promise<QuorumResult> {
  const times = new Map<string, number>();
  for (const { name, verifier } of policy.witnesses) {
    const time = await cosignedAt(note, verifier);
    if (time !== undefined) times.set(name, time);
  }
  return { isMet: policy.isQuorum(new Set(times.keys())), cosignedAt: times };
}
