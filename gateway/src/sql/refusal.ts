import type { ObjectName, UnreadKind } from './facts.js';

/** Characters [start, end) of a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Why the reading of a text stopped. Thrown inside the room only, because a recursive descent would otherwise have to
 * carry it through every return; `analyze` turns it into an `Unread` value.
 */
export class Refusal extends Error {
  readonly kind: UnreadKind;
  readonly needs: readonly ObjectName[];
  /** Where in the text that is being read; undefined where no one place is to blame. */
  span: Span | undefined;

  constructor(kind: UnreadKind, detail: string, needs: readonly ObjectName[] = [], span?: Span) {
    super(detail);
    this.name = 'Refusal';
    this.kind = kind;
    this.needs = needs;
    this.span = span;
  }
}

/** Stops reading: the text may be good SQL, but it is not a form the gateway understands. */
export function unsupported(what: string, span?: Span): never {
  throw new Refusal('unsupported', `${what} is not analysed`, [], span);
}

/** Stops reading: the text does not follow the grammar known here. */
export function unknownSyntax(detail: string): never {
  throw new Refusal('unknown-syntax', detail);
}
