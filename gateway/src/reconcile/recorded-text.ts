import { createHash, hash } from 'node:crypto';

/** Snowflake's history keeps this much of a text. */
export const HISTORY_TEXT_CHARACTERS = 100_000;

/**
 * What is kept of a recorded text to compare it with a history row: digests, not the text. `statement` is the record's own `st`,
 * which needs no body where there are no binds; `heads` are those of the beginning Snowflake keeps, where the body was read.
 */
export interface RecordedText {
  readonly statement: Buffer;
  readonly hasBinds: boolean;
  /** So long in bytes that Snowflake may have cut it. */
  readonly isLong: boolean;
  readonly heads: readonly Buffer[];
}

/** Digests of a text as Snowflake shows it. A character may be a code point or a UTF-16 unit: both cuts are kept. */
export function headDigests(text: string): readonly Buffer[] {
  if (text.length <= HISTORY_TEXT_CHARACTERS) return [digest(text)];
  const units = text.slice(0, HISTORY_TEXT_CHARACTERS);
  const points = takeCodePoints(text, HISTORY_TEXT_CHARACTERS);
  return points === units ? [digest(units)] : [digest(points), digest(units)];
}

function takeCodePoints(text: string, count: number): string {
  let end = 0;
  for (let taken = 0; taken < count && end < text.length; taken += 1)
    end += (text.codePointAt(end) ?? 0) > 0xff_ff ? 2 : 1;
  return text.slice(0, end);
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/** `st` of a text without binds, docs/recording-format.md section 6. */
function statementDigest(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return createHash('sha256').update(`${bytes.byteLength}\n`).update(bytes).update('-').digest();
}

/** Whether a row shows the recorded text; `unread` where only the record's body could tell and it was not read. */
export function compareText(recorded: RecordedText, shown: string): 'same' | 'differs' | 'unread' {
  const mayBeCut = recorded.isLong && shown.length >= HISTORY_TEXT_CHARACTERS;
  if (!recorded.hasBinds && !mayBeCut) return statementDigest(shown).equals(recorded.statement) ? 'same' : 'differs';
  if (recorded.heads.length === 0) return 'unread';
  const own = digest(shown);
  return recorded.heads.some((head) => head.equals(own)) ? 'same' : 'differs';
}
