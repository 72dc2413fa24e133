import type { Html } from './html.js';
import { html } from './html.js';

/** What a person could overlook in a text. */
export interface TextWarnings {
  /** Characters without a shape, that reorder their neighbours or change them: `U+202E`, each once. */
  readonly hidden: readonly string[];
  /** Visible characters outside ASCII, which may look like others: each once. */
  readonly foreign: readonly string[];
}

// Control, format, unassigned and private characters, lone surrogates, combining marks, separators other than the space
// and everything a renderer may leave out.
const HIDDEN = /[\p{C}\p{M}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u;

type Shape = 'plain' | 'hidden' | 'foreign';

function shapeOf(character: string): Shape {
  if (character === '\n' || character === '\t') return 'plain';
  if (HIDDEN.test(character)) return 'hidden';
  return character.length === 1 && character < '\u{7f}' ? 'plain' : 'foreign';
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Looks a text over for characters that hide or disguise. */
export function inspectText(text: string): TextWarnings {
  const found: Record<Shape, Set<string>> = { plain: new Set(), hidden: new Set(), foreign: new Set() };
  for (const character of text) {
    const shape = shapeOf(character);
    if (shape !== 'plain') found[shape].add(codePoint(character));
  }
  return { hidden: [...found.hidden], foreign: [...found.foreign] };
}

/**
 * A text so that nothing of it can hide: hidden characters stand as their code point, foreign ones are marked. With
 * `exact`, foreign characters stand as their code point too and every line end is shown.
 */
export function showText(text: string, exact = false): Html {
  const parts: Html[] = [];
  for (const run of runsOf(text)) parts.push(showRun(run, exact));
  return html`${parts}`;
}

interface Run {
  readonly shape: Shape;
  readonly characters: string[];
}

function runsOf(text: string): readonly Run[] {
  const runs: Run[] = [];
  for (const character of text) {
    const shape = shapeOf(character);
    const last = runs.at(-1);
    if (last?.shape === shape) last.characters.push(character);
    else runs.push({ shape, characters: [character] });
  }
  return runs;
}

function showRun(run: Run, exact: boolean): Html {
  const text = run.characters.join('');
  if (run.shape === 'plain') {
    return exact ? html`${text.split(/(?<=\n)/).map(showLine)}` : html`${text}`;
  }
  if (run.shape === 'foreign' && !exact) return html`<mark class="foreign">${text}</mark>`;
  return html`${run.characters.map((character) => html`<mark class="hidden">${codePoint(character)}</mark>`)}`;
}

function showLine(line: string): Html {
  return line.endsWith('\n') ? html`${line.slice(0, -1)}<span class="line-end">↵</span>${'\n'}` : html`${line}`;
}

/**
 * Number of comments in a text as Snowflake reads it: `--` and `//` to the end of the line, and slash-star pairs; not
 * inside quotes or `$$`. For a warning only, never for a decision.
 */
export function countComments(text: string): number {
  // One alternative per lexical form; whatever opens first at a position wins. Every form may end at the end of text.
  const forms =
    /'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$\$[\s\S]*?(?:\$\$|$)|(--|\/\/)[^\n]*|(\/\*)[\s\S]*?(?:\*\/|$)/g;
  let count = 0;
  for (const match of text.matchAll(forms)) if (match[1] !== undefined || match[2] !== undefined) count += 1;
  return count;
}
