/** The few styles the commands use; all of them leave the text alone when colours are off. */
export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly wait: (text: string) => string;
}

/** Creates a palette. Text must be made safe before it is styled. */
export function createPalette(isTerminal: boolean): Palette {
  const style = (code: number) => (text: string) => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: style(1), dim: style(2), good: style(32), bad: style(31), wait: style(33) };
}
