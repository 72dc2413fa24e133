import { hash } from 'node:crypto';
import { type Blind, digestIn, SHOWN_TEXT_CHARACTERS, shownText } from '@piste/verifier';

/**
 * What is kept of a recorded text to compare it with a history row: digests (hex), not the text. `statement` is the record's own `st`,
 * which needs no body where there are no binds; `heads` are those of the beginning Snowflake keeps, from the body or the request's `txt`.
 * All in the form they are recorded in.
 */
export interface RecordedText {
  readonly statement: string;
  readonly blind: Blind | undefined;
  readonly hasBinds: boolean;
  /** So long in bytes that Snowflake may have cut it. */
  readonly isLong: boolean;
  readonly heads: Heads;
}

/** Digests of a text's beginning and what they are under. */
export interface Heads {
  readonly digests: readonly string[];
  readonly blind: Blind | undefined;
}

export const NO_HEADS: Heads = Object.freeze({ digests: [], blind: undefined });

/** Digests (hex) of a text as Snowflake shows it. A character may be a code point or a UTF-16 unit: both cuts are kept. */
export function headDigests(text: string): readonly string[] {
  const points = shownText(text);
  const units = text.slice(0, SHOWN_TEXT_CHARACTERS);
  return points === units ? [digest(points)] : [digest(points), digest(units)];
}

const digest = (text: string): string => hash('sha256', text, 'hex');

/** `st` of a text without binds, docs/recording-format.md section 6. */
function statementDigest(text: string): string {
  return digest(`${Buffer.byteLength(text, 'utf8')}\n${text}-`);
}

/**
 * Whether a row shows the recorded text; `unread` where only the record's body or its blind could tell and is not known. `secrets` of
 * blinds are those known beside the record's keys, by tag.
 */
export function compareText(
  recorded: RecordedText,
  shown: string,
  secrets: ReadonlyMap<string, Uint8Array>,
): 'same' | 'differs' | 'unread' {
  const mayBeCut = recorded.isLong && shown.length >= SHOWN_TEXT_CHARACTERS;
  const { blind, heads } = recorded;
  if (!recorded.hasBinds && !mayBeCut)
    return compareDigest(digestIn(withSecret(blind, secrets), 'st', statementDigest(shown)), [recorded.statement]);
  return compareDigest(digestIn(withSecret(heads.blind, secrets), 'txt', digest(shown)), heads.digests);
}

function withSecret(blind: Blind | undefined, secrets: ReadonlyMap<string, Uint8Array>): Blind | undefined {
  return blind === undefined || blind.secret !== undefined ? blind : { ...blind, secret: secrets.get(blind.tag) };
}

function compareDigest(own: string | undefined, recorded: readonly string[]): 'same' | 'differs' | 'unread' {
  if (own === undefined || recorded.length === 0) return 'unread';
  return recorded.includes(own) ? 'same' : 'differs';
}
