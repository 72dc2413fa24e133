/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/**
 * A recording holds what an agent chose to send: control, format and private characters in it are shown as what they are, so that
 * they can neither hide nor reorder what a reader sees.
 */
const UNSAFE = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/gu;

/** The text with nothing invisible in it. */
export function toVisible(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** An element with text or elements in it; text is only ever text. */
export function element(
  name: string,
  content: string | readonly Node[] = [],
  attributes: Readonly<Record<string, string>> = {},
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (typeof content === 'string') made.textContent = toVisible(content);
  else made.append(...content);
  return made;
}

/** A table with a heading for each column; cells are text. */
export function table(caption: string, heading: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  const cells = (kind: 'td' | 'th', texts: readonly string[]): readonly Node[] =>
    texts.map((text) => element(kind, text, kind === 'th' ? { scope: 'col' } : {}));
  const made = element('table', [
    element('caption', caption),
    element('thead', [element('tr', cells('th', heading))]),
    element(
      'tbody',
      rows.map((row) => element('tr', cells('td', row))),
    ),
  ]);
  return element('div', [made], { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption });
}

/** The element of the page with this id. */
export function find(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}
