import type { ObjectName, UnreadKind } from './facts.js';

/**
 * Why the reading of a text stopped. Thrown inside the room only, because a recursive descent would otherwise have to
 * carry it through every return; `analyze` turns it into an `Unread` value.
 */
export class Refusal extends Error {
  readonly kind: UnreadKind;
  readonly needs: readonly ObjectName[];

  constructor(kind: UnreadKind, detail: string, needs: readonly ObjectName[] = []) {
    super(detail);
    this.name = 'Refusal';
    this.kind = kind;
    this.needs = needs;
  }
}

/** Stops reading: the text may be good SQL, but it is not a form the gateway understands. */
export function unsupported(what: string): never {
  throw new Refusal('unsupported', `${what} is not analysed`);
}

/** Stops reading: the text does not follow the grammar known here. */
export function unknownSyntax(detail: string): never {
  throw new Refusal('unknown-syntax', detail);
}
