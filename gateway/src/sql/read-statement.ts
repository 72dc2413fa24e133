import { canonicalText } from './canonical.js';
import { classify, headOf, type StatementHead } from './classify.js';
import type { ObjectName, UnreadKind } from './facts.js';
import { lex } from './lexer.js';
import { Refusal, type Span } from './refusal.js';
import { split } from './split.js';
import type { Token } from './tokens.js';

/** A text seen as one statement of a known class, or why it is none. */
export type StatementReading =
  | {
      readonly ok: true;
      readonly head: StatementHead;
      readonly tokens: readonly Token[];
      readonly canonicalText: string;
    }
  | {
      readonly ok: false;
      readonly head: StatementHead;
      readonly kind: UnreadKind;
      readonly detail: string;
      readonly canonicalText: string | undefined;
    };

/** The class of a text that is not one statement. */
const CLASS_OF_SPLIT = { empty: 'EMPTY', 'several-statements': 'MULTI', flow: 'FLOW', script: 'SCRIPT' } as const;

const DETAIL_OF_SPLIT = {
  empty: 'there is no statement',
  'several-statements': 'there is more than one statement',
  flow: 'a chain of statements (->>) is not analysed',
  script: 'a script block is not analysed',
} as const;

/**
 * The class of a text, without any knowledge of objects: lexed, cut into statements and classified by its leading
 * tokens. Never throws.
 */
export function readStatement(text: string): StatementReading {
  const reading = readTokens(text);
  if (!('tokens' in reading)) return reading;
  const { head, tokens } = reading;
  try {
    const canonical = canonicalText(tokens);
    if (head.class !== 'UNKNOWN') return { ok: true, head, tokens, canonicalText: canonical };
    return { ...unreadable(head, UNKNOWN_STATEMENT), canonicalText: canonical };
  } catch (error) {
    return unreadable(head, reasonOf(error));
  }
}

type Unreadable = Extract<StatementReading, { ok: false }>;

/** The same without the canonical text. */
export function readTokens(
  text: string,
): Unreadable | { readonly head: StatementHead; readonly tokens: readonly Token[] } {
  const lexed = lex(text);
  if (!lexed.ok) return unreadable(lexed.foreign ? headOf('UNKNOWN') : classOfPrefix(lexed.tokens), lexed);
  const statement = split(lexed.tokens);
  if (statement.kind !== 'one') {
    return unreadable(headOf(CLASS_OF_SPLIT[statement.kind]), {
      kind: statement.kind,
      detail: DETAIL_OF_SPLIT[statement.kind],
    });
  }
  const { tokens } = statement;
  return { head: classify(tokens), tokens };
}

const UNKNOWN_STATEMENT = { kind: 'unknown-statement', detail: 'the kind of statement is not known' } as const;

function unreadable(head: StatementHead, why: { readonly kind: UnreadKind; readonly detail: string }): Unreadable {
  return { ok: false, head, kind: why.kind, detail: why.detail, canonicalText: undefined };
}

/** A refused text is refused whatever its class; the beginning tells people what it was about. */
function classOfPrefix(tokens: readonly Token[]): StatementHead {
  const statement = split(tokens);
  return statement.kind === 'one' ? classify(statement.tokens) : headOf('UNKNOWN');
}

/** Why a statement is not read. */
export interface Reason {
  readonly kind: UnreadKind;
  readonly detail: string;
  readonly needs: readonly ObjectName[];
  readonly span?: Span | undefined;
}

export function reasonOf(error: unknown): Reason {
  if (error instanceof Refusal) {
    return { kind: error.kind, detail: error.message, needs: error.needs, span: error.span };
  }
  // A fault of ours must not become a statement that passes.
  return { kind: 'unknown-syntax', detail: 'the statement could not be analysed', needs: [] };
}
