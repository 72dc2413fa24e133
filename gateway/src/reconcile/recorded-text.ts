import { hash } from 'node:crypto';
import { SHOWN_TEXT_CHARACTERS, shownText } from '@piste/verifier';

/**
 * What is kept of a recorded text to compare it with a history row: digests (hex), not the text. `statement` is the record's own `st`,
 * which needs no body where there are no binds; `heads` are those of the beginning Snowflake keeps, from the body or the request's `txt`.
 */
export interface RecordedText {
  readonly statement: string;
  readonly hasBinds: boolean;
  /** So long in bytes that Snowflake may have cut it. */
  readonly isLong: boolean;
  readonly heads: readonly string[];
}

/** Digests of a text as Snowflake shows it. A character may be a code point or a UTF-16 unit: both cuts are kept. */
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

/** Whether a row shows the recorded text; `unread` where only the record's body could tell and it was not read. */
export function compareText(recorded: RecordedText, shown: string): 'same' | 'differs' | 'unread' {
  const mayBeCut = recorded.isLong && shown.length >= SHOWN_TEXT_CHARACTERS;
  if (!recorded.hasBinds && !mayBeCut) return statementDigest(shown) === recorded.statement ? 'same' : 'differs';
  if (recorded.heads.length === 0) return 'unread';
  return recorded.heads.includes(digest(shown)) ? 'same' : 'differs';
}
