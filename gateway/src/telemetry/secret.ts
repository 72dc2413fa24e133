import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/**
 * A value that must not be printed. String conversion, JSON, template literals, `util.inspect` and property enumeration all
 * give `[redacted]` or nothing; only `reveal` gives the value. Compare by `reveal`, never by the object.
 */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
