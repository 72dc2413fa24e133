/** What a line is printed with and how wide it may be. */
export interface ScreenDeps {
  readonly write: (text: string) => void;
  readonly hasColour: boolean;
  readonly columns: number;
}

/** The demo's paper: plain lines, the same width everywhere, colour only where it helps. */
export interface Screen {
  blank(): void;
  title(text: string): void;
  heading(number: number, text: string): void;
  /** Running text, wrapped. */
  say(text: string): void;
  /** Label and value; long values continue under the value. */
  field(label: string, value: string): void;
  /** Somebody else's lines, shown as they are. */
  quote(lines: readonly string[]): void;
  /** The text a driver reports for a refusal, in full. */
  refusal(text: string): void;
  table(rows: readonly (readonly string[])[]): void;
  ok(text: string): void;
  failed(text: string): void;
  /** A line that may be copied: never wrapped. */
  raw(text: string): void;
}

const MARGIN = '    ';
const LABEL_WIDTH = 16;
const MAX_COLUMNS = 100;
const MIN_COLUMNS = 60;

/** Creates the screen; it keeps nothing. */
export function createScreen({ write, hasColour, columns }: ScreenDeps): Screen {
  const width = Math.max(MIN_COLUMNS, Math.min(columns, MAX_COLUMNS));
  const style = (code: number) => (text: string) => (hasColour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const [bold, dim, red, green] = [style(1), style(2), style(31), style(32)];
  const line = (text: string) => write(`${text.trimEnd()}\n`);
  const wrapped = (text: string, indent: string) => wrap(text, width - indent.length);
  return {
    blank: () => line(''),
    title: (text) => line(bold(text)),
    heading(number, text) {
      line('');
      line(bold(`${String(number).padStart(2)}  ${text}`));
    },
    say(text) {
      for (const part of wrapped(text, MARGIN)) line(MARGIN + part);
    },
    field(label, value) {
      const indent = MARGIN + ' '.repeat(LABEL_WIDTH);
      for (const [index, part] of wrapped(value, indent).entries()) {
        line(index === 0 ? `${MARGIN}${dim(label.padEnd(LABEL_WIDTH))}${part}` : indent + part);
      }
    },
    quote(lines) {
      for (const text of lines) line(`${MARGIN}${dim('|')} ${text}`);
    },
    refusal(text) {
      const indent = MARGIN + ' '.repeat(LABEL_WIDTH);
      for (const part of wrapped(text, indent)) line(indent + red(part));
    },
    table(rows) {
      const [head = [], ...body] = layOut(rows);
      line(MARGIN + dim(head.join('  ')));
      for (const row of body) line(MARGIN + row.join('  '));
    },
    ok: (text) => {
      const indent = `${MARGIN}    `;
      for (const [index, part] of wrapped(text, indent).entries()) {
        line(index === 0 ? `${MARGIN}${green('ok')}  ${part}` : indent + part);
      }
    },
    failed: (text) => line(red(text)),
    raw: (text) => line(text),
  };
}

/** Cuts a line to `width` characters, with a sign that it was cut. */
export function clip(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

/** Breaks between words; a word that is longer than a line gets one of its own. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

const lengthOf = (text: string): number => Array.from(text).length;

function layOut(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, lengthOf(cell));
  }
  return rows.map((row) => row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - lengthOf(cell))));
}
