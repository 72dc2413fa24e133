/**
 * A recording holds what an agent chose to send and what a table happened to contain: on a terminal, escape sequences in it
 * could hide or forge lines. Control, format (bidirectional, zero-width), unassigned, private and separator characters and
 * lone surrogates are shown as what they are.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const UNSAFE_EXCEPT_NEWLINE = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu;

function show(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** One line that is safe on a terminal. */
export function toLine(text: string): string {
  return text.replace(/\n/g, '\\n').replace(/\t/g, ' ').replace(UNSAFE, show);
}

/** Lines that are safe on a terminal; line breaks stay, tabs become spaces. */
export function toLines(text: string): readonly string[] {
  return text.replace(/\r\n/g, '\n').replace(/\t/g, '    ').replace(UNSAFE_EXCEPT_NEWLINE, show).split('\n');
}

/** JSON that is safe on a terminal and still the same value. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(UNSAFE_EXCEPT_NEWLINE, escapeInJson);
}

/** The same on one line. */
export function toJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, escapeInJson);
}

function escapeInJson(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}

/** At most `maximum` characters, with an ellipsis where something was left out. */
export function clip(text: string, maximum: number): string {
  const characters = Array.from(text);
  return characters.length <= maximum ? text : `${characters.slice(0, maximum - 1).join('')}…`;
}

/** `1 row`, `2 rows`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
