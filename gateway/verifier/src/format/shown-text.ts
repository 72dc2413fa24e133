/** Snowflake's query history keeps this much of a text. */
export const SHOWN_TEXT_CHARACTERS = 100_000;

/** The beginning of a text that Snowflake's query history shows, characters being code points. */
export function shownText(text: string): string {
  if (text.length <= SHOWN_TEXT_CHARACTERS) return text;
  let end = 0;
  for (let taken = 0; taken < SHOWN_TEXT_CHARACTERS && end < text.length; taken += 1) {
    end += (text.codePointAt(end) ?? 0) > 0xff_ff ? 2 : 1;
  }
  return text.slice(0, end);
}
