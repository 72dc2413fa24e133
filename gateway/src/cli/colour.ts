/** The few styles the commands use; all of them leave the text alone when colours are off. */
export interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  wait(text: string): string;
}

/** Creates a palette. Text must be made safe before it is styled. */
export function createPalette(isTerminal: boolean): Palette {
  const style = (code: number) => (text: string) => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: style(1), dim: style(2), good: style(32), bad: style(31), wait: style(33) };
}
