/** Markup that is safe to put into a page. Only `html` makes it. */
export class Html {
  readonly #markup: string;

  constructor(markup: string, proof: typeof MADE_HERE) {
    if (proof !== MADE_HERE) throw new TypeError('markup is made by html`…` only');
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

const MADE_HERE = Symbol('made by html');

/** What may stand in a template: markup as it is, text and numbers escaped, lists one after the other, nothing for undefined. */
export type HtmlPart = Html | string | number | undefined | readonly HtmlPart[];

/** Builds markup; everything that is not markup already is escaped, for element content and quoted attributes alike. */
export function html(markup: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(markup.map((piece, index) => piece + render(parts[index])).join(''), MADE_HERE);
}

function render(part: HtmlPart): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.toString();
  if (typeof part === 'string') return escapeHtml(part);
  if (typeof part === 'number') return String(part);
  return part.map(render).join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '').replace(/\p{Cs}/gu, '\u{fffd}');
}
